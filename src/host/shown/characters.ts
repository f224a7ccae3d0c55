/**
 * Which characters look different from what they are: those that draw nothing, turn the direction of the text beside
 * them, move the cursor of a terminal, or draw a blank that is not a space. It uses no package and nothing of Node,
 * because the browser uses it too.
 */

/** What a character does that a reader does not see. */
export type Oddity = 'direction' | 'invisible' | 'hidden' | 'control' | 'space' | 'unknown';

/** Terminal sequences, whole or broken off; each alternative is bounded, so time follows the length. */
export const ESCAPE_SEQUENCE = [
  // CSI. One that is cut off or malformed goes with its parameters, and what follows stays.
  String.raw`(?:\x1b\[|\x9b)[0-?]{0,256}[ -\/]{0,16}[@-~]?`,
  // OSC, DCS, SOS, PM, APC up to their terminator, which stands in the same line.
  String.raw`(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x18\x1a\x1b\x9c\r\n]*(?:\x07|\x18|\x1a|\x1b\\|\x9c)`,
  // Without one they hide so much of it and no more.
  String.raw`(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x18\x1a\x1b\x9c\r\n]{0,256}`,
  // Any other escape; 7-bit and 8-bit forms of all of them.
  String.raw`\x1b[ -\/]{0,16}[0-~]?`,
].join('|');

/**
 * One character that looks different from what it is. Arabic number signs and the like are of the class Cf and are
 * seen. Blanks of writing systems that draw nothing (braille, Hangul fillers, Khitan, a musical note without a head)
 * are letters or symbols to Unicode.
 */
export const ODD_CHARACTER = String.raw`(?:(?![\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])\p{Cf}|(?![\t\n])\p{Cc}|\p{DI}|(?! )\p{Zs}|[\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{NChar}\u2800\u3164\uffa0\u115f\u1160\ufffc\u{16fe4}\u{1d159}])`;

/**
 * Signs of our own sentences. They are what they look like, are part of no word, and stand for no sign of a command:
 * a text of ASCII and these needs none of the expressions over all characters, which take long to compile.
 */
export const OWN_SIGNS = '‘’“”„…·×';

const ORDINARY = new RegExp(`^[\\x00-\\x7f${OWN_SIGNS}]*$`);

/** ASCII and signs of our own sentences. */
export const isOrdinary = (text: string): boolean => ORDINARY.test(text);

const DIRECTION = /^[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]$/;
const HIDDEN = /^[\u{e0000}-\u{e007f}]$|^[\u{e0100}-\u{e01ef}]$|^[\ufe00-\ufe0f]$/u;

export function oddityOf(char: string): Oddity {
  if (DIRECTION.test(char)) return 'direction';
  if (HIDDEN.test(char)) return 'hidden';
  if (/^\p{Cc}$/u.test(char)) return 'control';
  if (/^[\p{Zs}\p{Zl}\p{Zp}\u2800\u3164\uffa0\u115f\u1160]$/u.test(char)) return 'space';
  return /^[\p{Co}\p{Cs}\p{NChar}\ufffc]$/u.test(char) ? 'unknown' : 'invisible';
}

const NAMES: Record<string, string> = {
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u034f': 'combining grapheme joiner',
  '\u061c': 'Arabic letter mark',
  '\u115f': 'Hangul filler',
  '\u1160': 'Hangul filler',
  '\u1680': 'ogham space mark',
  '\u180e': 'Mongolian vowel separator',
  '\u200b': 'zero-width space',
  '\u200c': 'zero-width non-joiner',
  '\u200d': 'zero-width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u2028': 'line separator',
  '\u2029': 'paragraph separator',
  '\u202a': 'left-to-right embedding',
  '\u202b': 'right-to-left embedding',
  '\u202c': 'end of embedding or override',
  '\u202d': 'left-to-right override',
  '\u202e': 'right-to-left override',
  '\u202f': 'narrow no-break space',
  '\u2060': 'word joiner',
  '\u2061': 'function application',
  '\u2062': 'invisible times',
  '\u2063': 'invisible separator',
  '\u2064': 'invisible plus',
  '\u2066': 'left-to-right isolate',
  '\u2067': 'right-to-left isolate',
  '\u2068': 'first-strong isolate',
  '\u2069': 'end of isolate',
  '\u2800': 'braille blank',
  '\u3000': 'ideographic space',
  '\u3164': 'Hangul filler',
  '\ufeff': 'byte order mark',
  '\uffa0': 'Hangul filler',
  '\ufffc': 'object replacement character',
};

const WORDS: Record<Oddity, string> = {
  direction: 'turns the direction of the text',
  invisible: 'draws nothing',
  hidden: 'draws nothing of its own',
  control: 'control character',
  space: 'a blank that is no ordinary space',
  unknown: 'has no agreed shape',
};

/** `U+202E`, or as a program writes it: `\x1b`, `\r`. */
export function codeOf(char: string): string {
  const code = char.codePointAt(0)!;
  if (char === '\r') return '\\r';
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return `\\x${code.toString(16).padStart(2, '0')}`;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** `U+202E right-to-left override: turns the direction of the text`. */
export function sentenceOf(char: string): string {
  const name = NAMES[char];
  return `${codeOf(char)}${name === undefined ? '' : ` ${name}`}: ${WORDS[oddityOf(char)]}`;
}

/** What a run of tag characters or variation selectors carries that no reader sees; empty where it is no text. */
export function smuggled(run: string): string {
  const bytes: number[] = [];
  for (const char of run) {
    const code = char.codePointAt(0)!;
    if (code >= 0xe0020 && code <= 0xe007e) bytes.push(code - 0xe0000);
    else if (code >= 0xfe00 && code <= 0xfe0f) bytes.push(code - 0xfe00);
    else if (code >= 0xe0100 && code <= 0xe01ef) bytes.push(code - 0xe0100 + 16);
  }
  const text = new TextDecoder().decode(Uint8Array.from(bytes));
  return bytes.length >= 2 && /^[\x20-\x7e\xa0-\ufffc]+$/.test(text) ? text : '';
}

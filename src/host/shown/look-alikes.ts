/**
 * Words that read as other words: letters of another alphabet, full-width forms and signs that look like ASCII and are
 * not.
 */
import { codeOf, isOrdinary } from './characters.ts';
import { LOOK_ALIKES } from './look-alike-data.ts';

/** A stretch of a text that reads as something else, and what is the matter with it. */
export interface Look {
  start: number;
  end: number;
  why: string;
}

let table: Map<string, string> | undefined;

function looksLike(char: string): string | undefined {
  table ??= new Map(
    LOOK_ALIKES.flatMap(([ascii, codes]) =>
      codes
        .split(' ')
        .map((code): [string, string] => [String.fromCodePoint(Number.parseInt(code, 36)), ascii]),
    ),
  );
  return table.get(char);
}

/** What of ASCII the character is taken for; itself where it is taken for nothing else. */
export function asciiOf(char: string): string {
  if (char <= '\x7f') return char;
  const compatible = char.normalize('NFKC');
  if (/^[\x21-\x7e]$/.test(compatible)) return compatible;
  // Bold, italic and full-width forms of a letter of another alphabet look like what that letter looks like.
  return looksLike(char) ?? looksLike(compatible) ?? char;
}

export const asciiLook = (text: string): string => Array.from(text, asciiOf).join('');

const ALPHABETS = ['Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic', 'Lisu', 'Georgian', 'Hebrew'];
let alphabets: { name: string; test: RegExp }[] | undefined;

export function alphabetOf(char: string): string | null {
  alphabets ??= ALPHABETS.map((name) => ({ name, test: new RegExp(`\\p{Script=${name}}`, 'u') }));
  return alphabets.find(({ test }) => test.test(char))?.name ?? null;
}

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/**
 * @param strict a command, a path or a name, which are of ASCII as a rule: also words wholly of look-alikes, and signs.
 * Otherwise only words that mix alphabets, which no language does.
 */
export function lookAlikes(text: string, strict: boolean): Look[] {
  if (isOrdinary(text)) return [];
  const found: Look[] = [];
  const lone: Look[] = [];
  let natural = false;
  for (const match of text.matchAll(/[\p{L}\p{M}\p{N}_]+/gu)) {
    const [word] = match;
    if (isAscii(word)) continue;
    const chars = Array.from(word);
    const odd = chars.filter((char) => isFalse(char, strict));
    if (odd.length === 0) {
      natural ||= /\p{L}/u.test(word);
      continue;
    }
    const mixed = /[a-z]/i.test(word);
    const whole = !mixed && isAscii(asciiLook(word));
    if (!mixed && !whole) natural = true;
    // A letter for itself is a sign of mathematics.
    if (!mixed && !(whole && (strict || chars.length > 1))) continue;
    const look = { start: match.index, end: match.index + word.length, why: whyOf(word, odd[0]!) };
    // In prose a word of another alphabet is one of its language, unless no other is there.
    if (whole && (chars.length === 1 || !strict)) lone.push(look);
    else found.push(look);
  }
  // A letter for itself is a word in a text of its language, and a lure in a command without one.
  if (!natural) found.push(...lone);
  if (strict) found.push(...signs(text));
  return found.sort((a, b) => a.start - b.start);
}

function isFalse(char: string, strict: boolean): boolean {
  if (char <= '\x7f' || asciiOf(char) === char || !/[a-z0-9]/i.test(asciiOf(char))) return false;
  return strict || alphabetOf(char) !== null;
}

function whyOf(word: string, char: string): string {
  const alphabet = alphabetOf(char);
  const what = `${codeOf(char)}${alphabet === null ? '' : `, ${alphabet}`}`;
  return `“${word}” is not “${asciiLook(word)}”: “${char}” is ${what}`;
}

/** Typography that a text may have; between letters and blanks it deceives no reader. */
const TYPOGRAPHY = /[‐‑‒–—―‘’‚“”„…·×]/;
const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

function signs(text: string): Look[] {
  const found: Look[] = [];
  for (const match of text.matchAll(/[^\s\x00-\x7f\p{M}\p{N}]/gu)) {
    const [char] = match;
    const ascii = asciiOf(char);
    if (!/^[!-/:-@[-`{-~]$/.test(ascii) || CJK.test(char)) continue;
    const before = text[match.index - 1] ?? ' ';
    const after = text[match.index + char.length] ?? ' ';
    if (TYPOGRAPHY.test(char)) {
      // An option that begins with a dash which is none.
      const option = /[‐-―]/.test(char) && /[\s=]/.test(before) && /[a-z‐-―-]/i.test(after);
      if (!option) continue;
    } else if (!/[\x21-\x7e]/.test(before + after)) continue;
    const why = `“${char}” is not “${ascii}”: it is ${codeOf(char)}`;
    found.push({ start: match.index, end: match.index + char.length, why });
  }
  return found;
}

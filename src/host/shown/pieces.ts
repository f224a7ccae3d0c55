/**
 * Text of an agent, safe to judge: a person reads what is there. Characters that look different from what they are
 * become marks, long blanks are folded with a count, and words and host names that read as others say so. Nothing is
 * lost: the pieces are the text together.
 */
import {
  codeOf,
  ESCAPE_SEQUENCE,
  ODD_CHARACTER,
  type Oddity,
  OWN_SIGNS,
  oddityOf,
  sentenceOf,
  smuggled,
} from './characters.ts';
import { hostLooks } from './hosts.ts';
import { type Look, lookAlikes } from './look-alikes.ts';

/**
 * What the text is. `code`: a command, a path, a name. `file`: lines of a file. `prose`: written for people, who use
 * emoji and alphabets other than ours.
 */
export type Reading = 'code' | 'file' | 'prose';

export interface Piece {
  /**
   * `mark`: stands for what is not seen. `fold`: for a long blank. `looks`: is seen, and reads as something else.
   * `rtl`: a word that is written from the right, and must not carry its neighbours along.
   */
  kind: 'text' | 'mark' | 'fold' | 'looks' | 'rtl';
  raw: string;
  /** What is drawn instead. */
  shown: string;
  /** Of a mark, a fold, a look: what it is. */
  why: string;
}

export interface Shown {
  pieces: Piece[];
  /** What a reader must know before judging, the gravest first. */
  warnings: string[];
}

const ODD = new RegExp(ODD_CHARACTER, 'gu');

/** Longer blanks inside a line are folded; at its beginning they are indentation for longer. */
const BLANK_CHARS_MAX = 16;
const INDENT_CHARS_MAX = 60;
/** More blank lines in a row are folded. */
const BLANK_LINES_MAX = 2;

const VARIATION = String.raw`[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]`;
const COMBINING = String.raw`[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]`;
/** Alphabets whose letters join, where a joiner or its opposite between two letters is part of the spelling. */
const JOINING = ['Arabic', 'Syriac', 'Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati', 'Oriya', 'Tamil']
  .concat(['Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Khmer', 'Myanmar', 'Mongolian'])
  .map((name) => `\\p{Script=${name}}`)
  .join('');
const RTL = String.raw`[\u0590-\u05ff\u0600-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]`;
const BLANK = String.raw`[ \t\r\v\f\p{DI}\p{Cf}\p{Zs}\u2800\ufffc]`;

const EMOJI = [
  String.raw`[0-9#*]\ufe0f\u20e3`,
  String.raw`\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}`,
  String.raw`\p{ExtPict}[\ufe0e\ufe0f]?\p{EMod}?(?:\u200d\p{ExtPict}\ufe0f?\p{EMod}?)*`,
];

function grammar(as: Reading): RegExp {
  const plain = [
    ...EMOJI,
    ...(as === 'code'
      ? []
      : [
          String.raw`\p{UIdeo}${VARIATION}(?!${VARIATION})`,
          `(?<=[${JOINING}\\p{M}])[\\u200c\\u200d](?=[${JOINING}])`,
        ]),
    ...(as === 'prose' ? [String.raw`\u3000`, String.raw`\r\n`] : []),
  ];
  const parts = [
    `(?<lines>\\n(?:${BLANK}*\\n){${BLANK_LINES_MAX + 1},})`,
    `(?<blanks>[ \\t]{${BLANK_CHARS_MAX + 1},})`,
    `(?<plain>${plain.join('|')})`,
    `(?<escape>${ESCAPE_SEQUENCE})`,
    `(?<carried>[\\u{e0000}-\\u{e007f}]{2,}|${VARIATION}{2,})`,
    `(?<odd>${ODD_CHARACTER})\\k<odd>*`,
    `(?<stack>${COMBINING}{3,}${as === 'code' ? `|(?<![\\p{L}\\p{N}\\p{M}])${COMBINING}|[\\u0334-\\u0338\\u20d0-\\u20f0]` : ''})`,
    ...(as === 'prose' ? [] : [`(?<rtl>${RTL}[${RTL.slice(1, -1)}\\p{Mn}]*)`]),
  ];
  return new RegExp(parts.join('|'), 'gu');
}

const grammars: Partial<Record<Reading, RegExp>> = {};
/** Most text: nothing in it needs a second look. */
const PLAIN = new RegExp(`^(?:[\\x21-\\x7e${OWN_SIGNS}]|[ \\t](?![ \\t]{16})|\\n(?![ \\t]*\\n[ \\t]*\\n))*$`);
const LONG_CHARS = 2_000;

/** Whether the text is plain, in pieces: a long one would be too much for the stack of one match. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += LONG_CHARS)
    if (!PLAIN.test(text.slice(at, at + LONG_CHARS + 64))) return false;
  return true;
}

/** Without a judgement of words and hosts: for what is read and not judged. */
export function marked(text: string, as: Reading): Piece[] {
  return joined(text, isPlain(text) ? [] : marksOf(text, as), []);
}

export function show(text: string, as: Reading): Shown {
  const marks = isPlain(text) ? [] : marksOf(text, as);
  const hosts = hostLooks(text);
  const words = lookAlikes(text, as === 'code').filter((word) => !hosts.some((host) => overlaps(host, word)));
  const looks = [...hosts, ...words];
  return { pieces: joined(text, marks, looks), warnings: warningsOf(marks, looks) };
}

const overlaps = (a: Look, b: Look): boolean => a.start < b.end && b.start < a.end;

interface Mark extends Omit<Piece, 'raw'> {
  start: number;
  end: number;
  oddity: Oddity | 'escape' | 'stack' | 'fold' | null;
  /** How many characters it stands for, where they are counted. */
  count?: number;
}

function marksOf(text: string, as: Reading): Mark[] {
  grammars[as] ??= grammar(as);
  const found: Mark[] = [];
  for (const match of text.matchAll(grammars[as])) {
    const mark = markOf(match, text);
    if (mark !== null) found.push({ ...mark, start: match.index, end: match.index + match[0].length });
  }
  return found;
}

function markOf(match: RegExpExecArray, text: string): Omit<Mark, 'start' | 'end'> | null {
  const [raw] = match;
  const groups = match.groups!;
  if (groups.plain === '\r\n') return { kind: 'text', shown: '\n', why: '', oddity: null };
  if (groups.plain !== undefined) return null;
  if (groups.rtl !== undefined) return { kind: 'rtl', shown: raw, why: '', oddity: null };
  if (groups.lines !== undefined) return foldedLines(raw, match.index === 0);
  if (groups.blanks !== undefined) {
    const indents = match.index === 0 || text[match.index - 1] === '\n';
    if (indents && raw.length <= INDENT_CHARS_MAX) return null;
    const what = raw.includes('\t') ? 'spaces and tabs' : 'spaces';
    return { kind: 'fold', shown: ` ⋯ ${raw.length} ${what} ⋯ `, why: 'folded', oddity: 'fold' };
  }
  if (groups.escape !== undefined) {
    const shown = raw.replace(ODD, codeOf);
    return { kind: 'mark', shown, why: 'an escape sequence, which a terminal obeys', oddity: 'escape' };
  }
  if (groups.stack !== undefined) {
    const marks = Array.from(raw);
    const shown = `${codeOf(marks[0]!)}${marks.length > 1 ? `…×${marks.length}` : ''}`;
    return { kind: 'mark', shown, why: 'marks drawn over other characters', oddity: 'stack' };
  }
  if (groups.carried !== undefined) {
    const hidden = smuggled(raw);
    const count = Array.from(raw).length;
    const shown = hidden === '' ? `${codeOf(raw)}…×${count}` : `hidden: ${hidden}`;
    const why = `${count} characters that draw nothing${hidden === '' ? '' : ` and spell “${hidden}”`}`;
    return { kind: 'mark', shown, why, oddity: 'hidden', count };
  }
  const char = groups.odd!;
  const count = raw.length / char.length;
  const shown = `${codeOf(char)}${count > 1 ? `×${count}` : ''}`;
  return { kind: 'mark', shown, why: sentenceOf(char), oddity: oddityOf(char), count };
}

function foldedLines(raw: string, first: boolean): Omit<Mark, 'start' | 'end'> {
  const count = raw.split('\n').length - (first ? 1 : 2);
  const unseen = Array.from(raw.replace(/[ \t\r\n]/g, '')).length;
  const within = unseen === 0 ? '' : `, with ${unseen} characters that are not seen`;
  return {
    kind: 'fold',
    shown: `${first ? '' : '\n'}⋯ ${count} blank lines${within} ⋯\n`,
    why: 'folded',
    oddity: unseen === 0 ? 'fold' : 'invisible',
    count: unseen,
  };
}

/** What lies between the marks is text, unless it reads as something else. */
function joined(text: string, marks: readonly Mark[], looks: readonly Look[]): Piece[] {
  const pieces: Piece[] = [];
  const push = (kind: Piece['kind'], raw: string, shown = raw, why = '') => {
    const last = pieces.at(-1);
    if (raw === '') return;
    if (kind === 'text' && last?.kind === 'text') {
      last.raw += raw;
      last.shown += shown;
    } else pieces.push({ kind, raw, shown, why });
  };
  const free = apart([...looks].sort((a, b) => a.start - b.start));
  let next = 0;
  const between = (from: number, to: number) => {
    let at = from;
    while (next < free.length && free[next]!.start < from) next += 1;
    for (; next < free.length && free[next]!.end <= to; next += 1) {
      const look = free[next]!;
      push('text', text.slice(at, look.start));
      push('looks', text.slice(look.start, look.end), undefined, look.why);
      at = look.end;
    }
    push('text', text.slice(at, to));
  };
  let at = 0;
  for (const { start, end, kind, shown, why } of marks) {
    between(at, start);
    push(kind, text.slice(start, end), shown, why);
    at = end;
  }
  between(at, text.length);
  return pieces;
}

/** Of two that overlap the first stays; what the other says is among the warnings all the same. */
function apart(looks: readonly Look[]): Look[] {
  const kept: Look[] = [];
  for (const look of looks) if (look.start >= (kept.at(-1)?.end ?? 0)) kept.push(look);
  return kept;
}

const WARNING: Partial<Record<Oddity | 'escape' | 'stack', (count: string, one: boolean) => string>> = {
  hidden: (count, one) => `${count} hidden character${one ? '' : 's'}, which may carry text`,
  direction: (count, one) =>
    `${count} character${one ? ' turns' : 's turn'} the direction of the text: the order on a screen may be another`,
  escape: (count, one) => `${count} terminal escape sequence${one ? '' : 's'}`,
  invisible: (count, one) => `${count} character${one ? ' draws' : 's draw'} nothing`,
  control: (count, one) => `${count} control character${one ? '' : 's'}`,
  stack: (count, one) => `${count} place${one ? '' : 's'} where marks are drawn over other characters`,
  space: (count, one) =>
    `${count} blank${one ? ' that is no ordinary space' : 's that are no ordinary spaces'}`,
  unknown: (count, one) => `${count} character${one ? '' : 's'} without an agreed shape`,
};
const LOOKS_MAX = 5;

function warningsOf(marks: readonly Mark[], looks: readonly Look[]): string[] {
  const counts = new Map<string, number>();
  for (const { oddity, count = 1 } of marks)
    if (oddity !== null) counts.set(oddity, (counts.get(oddity) ?? 0) + count);
  const said = [...new Set(looks.map(({ why }) => why))];
  const more = said.length - LOOKS_MAX;
  return [
    ...said.slice(0, LOOKS_MAX),
    ...(more > 0 ? [`${more} more words read as others`] : []),
    ...Object.entries(WARNING).flatMap(([oddity, sentence]) => {
      const count = counts.get(oddity);
      return count === undefined ? [] : [sentence(String(count), count === 1)];
    }),
  ];
}

/** Shortens a long text to its two ends, so that its end is visible too, and counts what is left out between them. */
import { cutText, endOfText } from '../text.ts';

export interface Ends {
  head: string;
  tail: string;
  /** What is left out between them. */
  lines: number;
  chars: number;
}

export interface EndsLimit {
  lines_max: number;
  chars_max: number;
}

/** Of what may be shown, a third goes to the end. */
const TAIL_PART = 1 / 3;

/** @returns null where all of it fits */
export function endsOf(text: string, { lines_max, chars_max }: EndsLimit): Ends | null {
  const lines = text.split('\n');
  if (lines.length <= lines_max && text.length <= chars_max) return null;
  const tailLines = Math.floor(lines_max * TAIL_PART);
  const tailChars = Math.floor(chars_max * TAIL_PART);
  const long = lines.length > lines_max;
  const above = long ? lines.slice(0, lines_max - tailLines).join('\n') : text;
  const below = long ? lines.slice(-tailLines).join('\n') : text;
  const head = cutText(above, { chars_max: chars_max - tailChars });
  const tail = endOfText(below, tailChars);
  const chars = Math.max(0, text.length - head.length - tail.length);
  const between = text.slice(head.length, text.length - tail.length);
  return { head, tail, chars, lines: between.split('\n').length - 1 };
}

/** `⋯ 120 lines, 4,321 characters ⋯` */
export function leftOut({ lines, chars }: Pick<Ends, 'lines' | 'chars'>): string {
  const count = (number: number, word: string) =>
    `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;
  return `⋯ ${lines > 1 ? `${count(lines, 'line')}, ` : ''}${count(chars, 'character')} ⋯`;
}

/** Of a list the first and the last, and how many are between. */
export function listEnds<T>(
  list: readonly T[],
  most: number,
): { head: readonly T[]; left: number; tail: readonly T[] } {
  if (list.length <= most) return { head: list, left: 0, tail: [] };
  const last = Math.floor(most * TAIL_PART);
  return { head: list.slice(0, most - last), left: list.length - most, tail: list.slice(-last) };
}

/**
 * Cuts a byte stream into lines, carrying the unfinished one from chunk to chunk as latin1 text: that is JSON
 * safe, loses no byte of a character cut in two, and can be stored with the run.
 */
import { stripVTControlCharacters } from 'node:util';
import { endOfText } from '../text.ts';

export interface Cut {
  lines: string[];
  rest: string;
  /** A line over the limit was dropped; this many bytes of it. */
  dropped: number;
}

export function cutLines(rest: string, chunk: Buffer, line_bytes_max: number): Cut {
  const lines: string[] = [];
  let from = 0;
  let carried = rest;
  let dropped = 0;
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
    const piece = chunk.subarray(from, at);
    const bytes = carried === '' ? piece : Buffer.concat([Buffer.from(carried, 'latin1'), piece]);
    carried = '';
    from = at + 1;
    const end = bytes.length > 0 && bytes[bytes.length - 1] === 13 ? bytes.length - 1 : bytes.length;
    if (end > 0) lines.push(bytes.toString('utf8', 0, end));
  }
  carried += chunk.toString('latin1', from);
  if (carried.length > line_bytes_max) {
    dropped = carried.length;
    carried = '';
  }
  return { lines, rest: carried, dropped };
}

const LAST_LINES = 3;
const LAST_CHARS_MAX = 400;

/** The last lines of what a program printed for people, as one bounded line; null when it printed nothing. */
export function lastWords(printed: string): string | null {
  const lines = stripVTControlCharacters(printed)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').trim())
    .filter((line) => line !== '')
    .slice(-LAST_LINES);
  const text = lines.join(' / ');
  if (text === '') return null;
  return text.length <= LAST_CHARS_MAX ? text : `…${endOfText(text, LAST_CHARS_MAX - 1)}`;
}

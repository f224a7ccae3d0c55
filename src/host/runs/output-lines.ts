/**
 * Cuts a byte stream into lines, carrying the unfinished one from chunk to chunk as latin1 text: that is JSON
 * safe, loses no byte of a character cut in two, and can be stored with the run. Long ones are shortened on the way.
 */
import { stripVTControlCharacters } from 'node:util';
import { endOfText } from '../text.ts';
import { excessOf, grown, NOTHING, SHORT_BYTES, type Unfinished } from './long-line.ts';

export interface Line {
  text: string;
  /** Bytes of its long strings that are not in `text`. */
  cut: number;
}

export interface Cut extends Unfinished {
  lines: Line[];
  /** Lines that are passed over, each told once: why, and what was kept of it as latin1 text. */
  dropped: { why: string; bytes: number; text: string }[];
}

export function cutLines(before: Unfinished, chunk: Buffer): Cut {
  const lines: Line[] = [];
  const dropped: Cut['dropped'] = [];
  let now = before.rest === '' && before.long === null ? NOTHING : before;
  const grow = (piece: Buffer) => {
    const known = now;
    now = grown(known, piece);
    const why = now.long?.over ?? null;
    if (why === null || known.long?.over) return;
    dropped.push({ why, bytes: now.long!.bytes, text: known.rest || piece.toString('latin1') });
  };
  let from = 0;
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
    const piece = chunk.subarray(from, at);
    from = at + 1;
    if (now === NOTHING && piece.length <= SHORT_BYTES) {
      const end = piece.at(-1) === 13 ? piece.length - 1 : piece.length;
      if (end > 0) lines.push({ text: piece.toString('utf8', 0, end), cut: 0 });
      continue;
    }
    grow(piece);
    const { rest, long } = now;
    now = NOTHING;
    const why = long === null ? excessOf(rest) : null;
    if (why !== null) {
      dropped.push({ why, bytes: rest.length, text: rest });
      continue;
    }
    const end = rest.endsWith('\r') ? rest.length - 1 : rest.length;
    if (end > 0)
      lines.push({ text: Buffer.from(rest, 'latin1').toString('utf8', 0, end), cut: long?.cut ?? 0 });
  }
  grow(chunk.subarray(from));
  return { lines, dropped, ...now };
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

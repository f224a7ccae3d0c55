/**
 * A line that grows long is shortened while it arrives, so that no step of the host decodes, parses or stores more
 * than a bounded part of it, however long it gets. Of each JSON string the beginning is kept: a picture or a file that
 * an engine repeats does not hide the fact beside it. A line that is too large even so is passed over up to its end.
 */
import { limits } from '../limits.ts';
import type { LongLine } from '../store/run-parts.ts';

/** A line up to this cannot hold too many values. */
export const SHORT_BYTES = 64 * 1024;
/** With the remark behind it below `event_text_bytes_max`. */
const STRING_BYTES_MAX = limits.event_text_bytes_max - 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BRACE = 0x7b;

/** An unfinished line: what is kept of it, as latin1 text, and where it stands once it is long. */
export interface Unfinished {
  rest: string;
  long: LongLine | null;
}

export const NOTHING: Unfinished = Object.freeze({ rest: '', long: null });

const BEGINNING: LongLine = {
  bytes: 0,
  string: null,
  left: 0,
  escape: 0,
  values: 0,
  cut: 0,
  over: null,
};

/** @param piece the next bytes of the line, without its end */
export function grown(line: Unfinished, piece: Buffer): Unfinished {
  if (line.long !== null) return shortened(line.rest, line.long, piece);
  if (line.rest.length + piece.length <= limits.engine_line_whole_bytes_max)
    return { rest: line.rest + piece.toString('latin1'), long: null };
  // What is there of it already is looked at as well.
  const before = shortened('', BEGINNING, Buffer.from(line.rest, 'latin1'));
  return grown(before, piece);
}

/** Why a whole line is left out that was kept as it is; null when it is not. */
export function excessOf(line: string): string | null {
  const long = { ...BEGINNING };
  if (line.length > SHORT_BYTES) keptOf(Buffer.from(line, 'latin1'), long);
  return excess(long, line.length);
}

function shortened(kept: string, before: LongLine, piece: Buffer): Unfinished {
  const long = { ...before, bytes: before.bytes + piece.length };
  if (long.over !== null) return { rest: '', long };
  const rest = kept + keptOf(piece, long);
  long.over = excess(long, rest.length);
  return { rest: long.over === null ? rest : '', long };
}

function excess({ bytes, values }: LongLine, kept: number): string | null {
  const { engine_line_bytes_max, engine_line_values_max, engine_line_kept_bytes_max } = limits;
  if (bytes > engine_line_bytes_max) return `it has more than ${engine_line_bytes_max} bytes`;
  if (values > engine_line_values_max) return `it has more than ${engine_line_values_max} values`;
  if (kept <= engine_line_kept_bytes_max) return null;
  return `it has more than ${engine_line_kept_bytes_max} bytes in short texts`;
}

/** What is kept of the piece. `long` goes on behind it. In local variables: it is done for every byte. */
function keptOf(piece: Buffer, long: LongLine): string {
  let { string, left, escape: inEscape, values, cut } = long;
  let kept = '';
  let from = 0;
  for (let at = 0; at < piece.length; at += 1) {
    const byte = piece[at]!;
    if (string === null) {
      if (byte === QUOTE) [string, left, inEscape] = [0, 0, 0];
      else if (byte === COMMA || byte === COLON || byte === BRACE || byte === BRACKET) values += 1;
      continue;
    }
    if (byte === QUOTE && inEscape === 0) {
      if (left > 0) {
        kept += remark(left);
        from = at;
      }
      cut += left;
      string = null;
      continue;
    }
    if (left > 0) left += 1;
    else if (string >= STRING_BYTES_MAX && inEscape === 0 && (byte & 0xc0) !== 0x80) {
      // Between characters, and between escapes.
      kept += piece.toString('latin1', from, at);
      left = 1;
    }
    string += 1;
    if (inEscape === -1) inEscape = byte === LETTER_U ? 4 : 0;
    else if (inEscape > 0) inEscape -= 1;
    else if (byte === BACKSLASH) inEscape = -1;
  }
  Object.assign(long, { string, left, escape: inEscape, values, cut });
  return string !== null && left > 0 ? kept : kept + piece.toString('latin1', from);
}

/** Inside a JSON string, as the line's other bytes: UTF-8 read as latin1. */
const remark = (left: number): string =>
  Buffer.from(`\\n… ${left} more bytes of this text are in the journal of the run`).toString('latin1');

/**
 * The part of much output that does not change the screen: lines that have scrolled out by the end. Only where
 * everything up to there is text, line ends and attributes; other output is never skipped, because it could change what
 * follows.
 */

const PLAIN = new Uint8Array(256);
PLAIN.fill(1, 0x20, 0x7f);
PLAIN.fill(1, 0x80, 0x100);
for (const control of ['\t', '\n', '\r', '\x07']) PLAIN[control.charCodeAt(0)] = 1;
/** In UTF-8 the first byte of 8-bit control characters. */
PLAIN[0xc2] = 0;
const LF = 0x0a;
const ESC = 0x1b;
/** Less is not worth the look. */
const BYTES_MIN = 64 * 1024;
/** Lines that are looked at for one before which the attributes are known. */
const TRIES_MAX = 500;

export interface Skip {
  /** Of the output that is drawn first. */
  head: number;
  /** Where drawing goes on: at the beginning of a line. */
  from: number;
  /** Attributes were reset before it. */
  plain: boolean;
}

/** @param lines that are drawn at least. @returns null where nothing can be left out */
export function skipAhead(output: Buffer, lines: number): Skip | null {
  const head = output.indexOf(LF) + 1;
  if (head === 0 || output.length - head < BYTES_MIN) return null;
  const end = plainEnd(output);
  let at = end;
  for (let count = 0; count <= lines; count += 1) {
    at = at === 0 ? -1 : output.lastIndexOf(LF, at - 1);
    if (at < head + BYTES_MIN) return null;
  }
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const from = at + 1;
    if (output[at - 1] === 0x0d) {
      const sequence = output.lastIndexOf(ESC, at);
      if (sequence < head) return { head, from, plain: false };
      if (isReset(output, sequence)) return { head, from, plain: true };
    }
    at = output.lastIndexOf(LF, at - 1);
    if (at < head + BYTES_MIN) return null;
  }
  return null;
}

/** Where something begins that is neither text nor attributes. */
function plainEnd(output: Buffer): number {
  const { length } = output;
  for (let at = 0; at < length; ) {
    const byte = output[at]!;
    if (PLAIN[byte] === 1) at += 1;
    else if (byte === 0xc2 && at + 1 < length && output[at + 1]! >= 0xa0) at += 2;
    else if (byte === ESC) {
      const end = attributesEnd(output, at);
      if (end === null) return at;
      at = end;
    } else return at;
  }
  return length;
}

/** Behind `ESC [ … m`; null where it is another sequence, or not whole. */
function attributesEnd(output: Buffer, at: number): number | null {
  if (output[at + 1] !== 0x5b) return null;
  let end = at + 2;
  // Digits, colon, semicolon.
  while (output[end]! >= 0x30 && output[end]! <= 0x3b) end += 1;
  return output[end] === 0x6d ? end + 1 : null;
}

function isReset(output: Buffer, at: number): boolean {
  return output[at + 2] === 0x6d || (output[at + 2] === 0x30 && output[at + 3] === 0x6d);
}

/**
 * Cutting text without damage. A string is counted in UTF-16 units and a character may be several of them: a text cut
 * between the two halves of one is invalid, and a strict reader of JSON refuses all of it. So every cut falls between
 * characters as people see them (grapheme clusters). It uses no package and nothing of Node, because the browser and
 * the programs beside an agent cut text, too.
 */

/** A longer character (a letter under a heap of accents) is cut between code points. */
const CHARACTER_CHARS_MAX = 256;
/** How far back a place is looked for where a character surely begins. */
const LOOK_BACK_CHARS = 4_096;

let segmenter: Intl.Segmenter | undefined;

export type TextLimit = { chars_max: number } | { bytes_max: number };

/** The beginning of the text: as many whole characters as fit. Halves of a character in it are replaced. */
export function cutText(text: string, limit: TextLimit): string {
  const most = 'chars_max' in limit ? limit.chars_max : charsOf(text, limit.bytes_max);
  return text.slice(0, characterStart(text, most)).toWellFormed();
}

/** The end of the text: as many whole characters as fit. */
export function endOfText(text: string, chars_max: number): string {
  const from = Math.max(0, text.length - Math.max(0, chars_max));
  return text.slice(characterEnd(text, from)).toWellFormed();
}

/** The text, or its beginning and "…", together no longer than the limit. */
export function shortText(text: string, chars_max: number): string {
  if (text.length <= chars_max) return text.toWellFormed();
  return `${cutText(text, { chars_max: chars_max - 1 })}…`;
}

/** Cuts the text into pieces, none longer than the limit (of 2 and more), that are the text together. */
export function textPieces(text: string, chars_max: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const most = at + chars_max;
    const start = characterStart(text, most);
    const end = start > at ? start : codePointStart(text, most);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** How many of the bytes are whole UTF-8 characters: what is left over is the beginning of one. */
export function wholeBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue; // inside a character
    const wants = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return wants > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** UTF-16 units from the beginning that fit into the bytes. */
function charsOf(text: string, bytes_max: number): number {
  if (text.length * 3 <= bytes_max) return text.length;
  return new TextEncoder().encodeInto(text, new Uint8Array(Math.max(0, bytes_max))).read;
}

/** The last place at or before `at` where a character begins. */
function characterStart(text: string, at: number): number {
  if (at <= 0) return 0;
  if (at >= text.length) return text.length;
  // Between two of ASCII there is always a boundary: the common case.
  if (isPlain(text, at - 1) && isPlain(text, at)) return at;
  const from = sureStart(text, at);
  const start = from + (segmentsOf(text.slice(from, at + 2)).containing(at - from)?.index ?? 0);
  return at - start > CHARACTER_CHARS_MAX ? codePointStart(text, at) : start;
}

/** The first place at or after `at` where a character begins, or the end. */
function characterEnd(text: string, at: number): number {
  const start = characterStart(text, at);
  if (start >= at) return start;
  const part = text.slice(start, at + CHARACTER_CHARS_MAX);
  const length = segmentsOf(part).containing(0)?.segment.length ?? 0;
  if (length < part.length || start + length === text.length) return start + length;
  return codePointStart(text, at) === at ? at : at + 1;
}

function segmentsOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** A place before `at` where a character begins whatever stands before it: flags, for one, pair up from there. */
function sureStart(text: string, at: number): number {
  const least = Math.max(0, at - LOOK_BACK_CHARS);
  for (let place = at - 1; place > least; place -= 1) if (isPlain(text, place)) return place;
  return least === 0 ? 0 : codePointStart(text, least);
}

/** Of ASCII, and not half of a line break. */
function isPlain(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit < 0x80 && unit !== 13 && unit !== 10;
}

function codePointStart(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  const inside = before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
  return inside ? at - 1 : at;
}

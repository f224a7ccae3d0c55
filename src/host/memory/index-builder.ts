/**
 * What the thread that makes the memory's index computes: which part is to be made next, and its lists. It reads; the
 * host writes, since two writers of one database wait for each other.
 */

import { damagedScopes } from '../store/memory-check.ts';
import { encodeDocuments, encodePostings } from '../store/memory-codec.ts';
import { type BuiltPart, MemoryTexts, type PartRange, type PartState } from '../store/memory-parts.ts';
import type { Reader } from '../store/reader.ts';
import { GrowingPart, PART_DOCS_MAX } from './search/part.ts';

/** Where the thread finds this file, as published and as source. */
export const INDEX_BUILDER = import.meta.url;

/** So many rows, or bytes, are searched without a part; more are put into one. */
export const UNINDEXED_ROWS = 512;
export const UNINDEXED_BYTES = 1024 * 1024;
const PART_BYTES_MAX = 32 * 1024 * 1024;
/** So many neighbouring parts that are smaller than a size become one. */
const MERGED = 8;
const SMALL_SIZES = [4_096, PART_DOCS_MAX];

let lists: { part: GrowingPart; terms: string[] } | null = null;

/** How many rows of these scopes have no part yet. */
export function waitingRows(reader: Reader, argument: unknown): number {
  const texts = new MemoryTexts(reader);
  return (argument as string[]).reduce(
    (sum, scope) => sum + texts.waiting(scope, lastIndexed(texts.ready(scope))),
    0,
  );
}

const lastIndexed = (parts: readonly PartState[]): number => parts.at(-1)?.last_rowid ?? 0;

/** The next part of a scope; null where all is as it should be. */
export function planPart(reader: Reader, argument: unknown): PartRange | null {
  const { scope, rows_max } = argument as { scope: string; rows_max: number };
  const texts = new MemoryTexts(reader);
  const parts = texts.ready(scope);
  const rows = texts.after(scope, lastIndexed(parts), PART_DOCS_MAX + 1);
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  if (rows.length > UNINDEXED_ROWS || bytes > UNINDEXED_BYTES) {
    const taken = upTo(rows, Math.min(rows_max, PART_DOCS_MAX));
    return { scope, first_rowid: taken[0]!.rowid, last_rowid: taken.at(-1)!.rowid };
  }
  const merged = smallOnes(parts);
  if (merged === null) return null;
  return { scope, first_rowid: merged[0]!.first_rowid, last_rowid: merged.at(-1)!.last_rowid };
}

function upTo(rows: { rowid: number; bytes: number }[], rows_max: number): { rowid: number }[] {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    bytes += row.bytes;
    return index >= rows_max || (index > 0 && bytes > PART_BYTES_MAX);
  });
  return end === -1 ? rows : rows.slice(0, end);
}

/** The last parts of one size that together make a larger one. */
function smallOnes(parts: readonly PartState[]): PartState[] | null {
  for (const size of SMALL_SIZES) {
    const from =
      parts.findLastIndex((part) => part.size >= size / 2 || part.text_bytes > PART_BYTES_MAX / 2) + 1;
    const small = parts.slice(from);
    const docs = small.reduce((sum, part) => sum + part.size, 0);
    const bytes = small.reduce((sum, part) => sum + part.text_bytes, 0);
    if (small.length >= MERGED && docs <= PART_DOCS_MAX && bytes <= PART_BYTES_MAX) return small;
  }
  return null;
}

/** Reads the rows of a range. Its lists are then asked for with `nextLists`. */
export function buildPart(reader: Reader, argument: unknown): BuiltPart {
  const part = new GrowingPart();
  let text_bytes = 0;
  for (const memory of new MemoryTexts(reader).between(argument as PartRange)) {
    part.add(memory);
    text_bytes += Buffer.byteLength(memory.text);
  }
  lists = { part, terms: part.terms() };
  return {
    size: part.size,
    length_sum: part.lengthSum,
    text_bytes,
    terms: lists.terms.length,
    documents: encodeDocuments(part.documents, part.size),
  };
}

/** The next lists of the part that was built last, as many as are asked for; none when all were given. */
export function nextLists(_reader: Reader, argument: unknown): [string, Uint8Array][] {
  const { from, lists_max, bytes_max } = argument as { from: number; lists_max: number; bytes_max: number };
  const given: [string, Uint8Array][] = [];
  let bytes = 0;
  for (let at = from; lists !== null && at < lists.terms.length; at += 1) {
    const term = lists.terms[at]!;
    const encoded = encodePostings(term, lists.part.postings(term)!);
    bytes += encoded.length;
    given.push([term, encoded]);
    if (given.length >= lists_max || bytes >= bytes_max) break;
  }
  if (given.length === 0) lists = null;
  return given;
}

/** Scopes whose parts are not what was written. */
export function checkIndex(reader: Reader): string[] {
  return damagedScopes(reader);
}

/**
 * How the parts of the memory's index are stored: arrays of numbers as they lie in memory, so that reading one is a copy
 * and no parsing, each with a checksum, so that a damaged one is found when it is read.
 */
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import type { Documents, Postings } from '../memory/search/part.ts';

const SUM_BYTES = 4;
/** Of one document in a list: its offset and its count. */
const POSTING_BYTES = 3;
const DOCUMENT_BYTES = 8 + 4 + 2 + 2 + 1 + 1;

/** What is stored is of this order: a database does not move to a machine of the other. */
export const BYTE_ORDER = endianness();

/** The stored bytes are not what was written. */
export class DamagedIndex extends Error {}

export function encodePostings(term: string, { docs, counts }: Postings): Buffer {
  const bytes = Buffer.allocUnsafe(docs.length * POSTING_BYTES + SUM_BYTES);
  bytes.set(bytesOf(docs), 0);
  bytes.set(counts, docs.byteLength);
  bytes.writeUInt32LE(sumOf(term, bytes), bytes.length - SUM_BYTES);
  return bytes;
}

/** @throws DamagedIndex */
export function decodePostings(term: string, bytes: Buffer): Postings {
  const size = (bytes.length - SUM_BYTES) / POSTING_BYTES;
  if (
    !Number.isInteger(size) ||
    size < 1 ||
    bytes.readUInt32LE(bytes.length - SUM_BYTES) !== sumOf(term, bytes)
  ) {
    throw new DamagedIndex('a list of the index does not have its checksum');
  }
  const own = aligned(bytes);
  return {
    docs: new Uint16Array(own.buffer, own.byteOffset, size),
    counts: new Uint8Array(own.buffer, own.byteOffset + 2 * size, size),
  };
}

/** A list without one document; null when it was the only one. The same list where it does not hold it. */
export function withoutDocument({ docs, counts }: Postings, doc: number): Postings | null {
  const at = docs.indexOf(doc);
  if (at === -1) return { docs, counts };
  if (docs.length === 1) return null;
  return { docs: docs.filter((_, index) => index !== at), counts: counts.filter((_, index) => index !== at) };
}

export function encodeDocuments(documents: Documents, size: number): Buffer {
  const { rowids, days, lengths, sessions, asks, cues } = documents;
  const bytes = Buffer.concat(
    [rowids, days, lengths, sessions, asks, cues].map((values) => bytesOf(values.subarray(0, size))),
  );
  const sum = Buffer.alloc(SUM_BYTES);
  sum.writeUInt32LE(crc32(bytes));
  return Buffer.concat([bytes, sum]);
}

/** Without decoding the rest: rowids come first. */
export function rowidAt(bytes: Buffer, doc: number): number {
  return BYTE_ORDER === 'LE' ? bytes.readDoubleLE(8 * doc) : bytes.readDoubleBE(8 * doc);
}

/** @throws DamagedIndex */
export function decodeDocuments(bytes: Buffer, size: number): Documents {
  const sum = bytes.length < SUM_BYTES ? null : bytes.readUInt32LE(bytes.length - SUM_BYTES);
  if (bytes.length !== size * DOCUMENT_BYTES + SUM_BYTES || sum !== crc32(bytes.subarray(0, -SUM_BYTES))) {
    throw new DamagedIndex('a part of the index does not have its checksum');
  }
  const { buffer, byteOffset } = aligned(bytes);
  let from = byteOffset;
  const next = (width: number) => {
    const at = from;
    from += width * size;
    return at;
  };
  return {
    rowids: new Float64Array(buffer, next(8), size),
    days: new Int32Array(buffer, next(4), size),
    lengths: new Uint16Array(buffer, next(2), size),
    sessions: new Uint16Array(buffer, next(2), size),
    asks: new Uint8Array(buffer, next(1), size),
    cues: new Uint8Array(buffer, next(1), size),
  };
}

const bytesOf = (values: Documents[keyof Documents]): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** The term is part of the sum: a list that stands under another term is damaged, too. */
const sumOf = (term: string, bytes: Buffer): number => crc32(bytes.subarray(0, -SUM_BYTES), crc32(term));

function aligned(bytes: Buffer): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
}

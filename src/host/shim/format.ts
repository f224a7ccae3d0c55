/**
 * The journal on disk, as both sides need it: how a record is laid out and how its files are named. Part of
 * the wire: nothing here touches a process or a socket.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type JournalRecord, RECORD_HEADER_BYTES, type RecordType } from './shim-protocol.ts';

const SUFFIX = '.journal';
/** A length beyond this is not a record but damage. */
const PAYLOAD_BYTES_MAX = 256 * 1024 * 1024;

export interface Segment {
  /** Logical offset of its first byte. */
  start: number;
  path: string;
}

export function segmentPath(dir: string, start: number): string {
  return join(dir, start.toString(16).padStart(16, '0') + SUFFIX);
}

/** The journal's files, oldest first; empty when there is no such directory. */
export function listSegments(dir: string): Segment[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => /^[0-9a-f]{16}\.journal$/.test(name))
    .sort()
    .map((name) => ({ start: Number.parseInt(name.slice(0, 16), 16), path: join(dir, name) }));
}

/**
 * Fills in the header of a record whose payload already lies behind it.
 * @param record RECORD_HEADER_BYTES of room, then the payload
 */
export function sealRecord(record: Buffer, type: RecordType, process: number, at_ms: number): void {
  record.writeUInt32LE(record.length - RECORD_HEADER_BYTES, 0);
  record.writeUInt8(type, 8);
  record.writeUInt8(0, 9);
  record.writeUInt16LE(process, 10);
  record.writeDoubleLE(at_ms, 12);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
}

/** A new record with a copy of the payload. */
export function encodeRecord(type: RecordType, process: number, at_ms: number, payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + payload.byteLength);
  record.set(payload, RECORD_HEADER_BYTES);
  sealRecord(record, type, process, at_ms);
  return record;
}

/** What lies at `position` of a buffer that may end anywhere. */
export type Parsed =
  | { kind: 'record'; record: JournalRecord; next: number }
  /** `bytes` from `position` on would hold the whole record, or at least its header. */
  | { kind: 'short'; bytes: number }
  | { kind: 'damaged' };

/**
 * @param logical the logical offset of `position`
 * @returns a record whose payload is a view into `bytes`
 */
export function parseRecord(bytes: Buffer, position: number, logical: number): Parsed {
  const left = bytes.length - position;
  if (left < RECORD_HEADER_BYTES) return { kind: 'short', bytes: RECORD_HEADER_BYTES };
  const length = bytes.readUInt32LE(position);
  if (length > PAYLOAD_BYTES_MAX) return { kind: 'damaged' };
  const whole = RECORD_HEADER_BYTES + length;
  if (left < whole) return { kind: 'short', bytes: whole };
  const next = position + whole;
  if (bytes.readUInt32LE(position + 4) !== crc32(bytes.subarray(position + 8, next)))
    return { kind: 'damaged' };
  return {
    kind: 'record',
    next,
    record: {
      type: bytes.readUInt8(position + 8) as RecordType,
      process: bytes.readUInt16LE(position + 10),
      at_ms: bytes.readDoubleLE(position + 12),
      payload: bytes.subarray(position + RECORD_HEADER_BYTES, next),
      end: logical + whole,
    },
  };
}

/**
 * Identifiers. Facts that may one day be merged with another host's (events, memories, messages) carry a
 * UUIDv7, which sorts by time and is unique in the world (RFC 9562 §5.7). Runs carry a short id because it
 * is part of a unix socket path, which may not exceed 107 bytes.
 */
import { randomBytes, randomFillSync } from 'node:crypto';

export interface Ids {
  /** A UUIDv7 for the given time. */
  uuid(at_ms: number): string;
  /** A short id: prefix, '_' and 12 base32 characters (60 random bits), safe in paths. */
  short(prefix: string): string;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** One call of the system's generator for many ids: it costs as much as all the rest of an id together. */
const pool = Buffer.alloc(4096);
let pooled = pool.length;

function sixteenBytes(): Buffer {
  if (pooled + 16 > pool.length) {
    randomFillSync(pool);
    pooled = 0;
  }
  const bytes = Buffer.from(pool.subarray(pooled, pooled + 16));
  pooled += 16;
  return bytes;
}

export const randomIds: Ids = {
  uuid(at_ms) {
    const bytes = sixteenBytes();
    bytes.writeUIntBE(at_ms, 0, 6);
    bytes[6] = (bytes[6]! & 0x0f) | 0x70;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
  short(prefix) {
    let text = '';
    for (const byte of randomBytes(12)) text += BASE32[byte & 31];
    return `${prefix}_${text}`;
  },
};

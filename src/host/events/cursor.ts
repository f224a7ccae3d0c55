/**
 * A position in the log, opaque to clients. It names an event, so a cursor of another log can be told from one of this
 * log whose event retention has removed. Its first byte says which format it has.
 */
import { AetherError } from '../errors.ts';
import { shortText } from '../text.ts';

const VERSION = 1;
/** Version, six bytes of seq, the last four bytes of the event's id. */
const BYTES = 11;

export interface Place {
  seq: number;
  /** The last eight hex digits of the event's id. */
  tag: string;
}

/** Before the first event. */
export const BEGINNING: Place = { seq: 0, tag: '00000000' };

export const tagOf = (id: string): string => id.slice(-8);

export function cursorOf({ seq, tag }: Place): string {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt8(VERSION);
  bytes.writeUIntBE(seq, 1, 6);
  bytes.write(tag, 7, 'hex');
  return bytes.toString('base64url');
}

/** @throws AetherError `cursor.invalid` */
export function placeOf(cursor: string): Place {
  const bytes = Buffer.from(cursor, 'base64url');
  // Decoding skips what does not belong: only what encodes to the same text was a cursor.
  if (bytes.length !== BYTES || bytes[0] !== VERSION || bytes.toString('base64url') !== cursor) {
    throw new AetherError({
      code: 'cursor.invalid',
      who: 'user',
      message: `${JSON.stringify(shortText(cursor, 40))} is not a cursor of an event log.`,
      next: 'Pass a cursor unchanged, as it came with an event, or leave it out and read from the newest events.',
    });
  }
  return { seq: bytes.readUIntBE(1, 6), tag: bytes.toString('hex', 7) };
}

export function foreignCursor(): AetherError {
  return new AetherError({
    code: 'cursor.foreign',
    who: 'user',
    message: 'This cursor is of another event log: the database of this host is not the one it came from.',
    next: 'Leave it out and read from the newest events.',
  });
}

/**
 * A run's journal as the host reads it, from one record boundary to the next. What cannot be read is passed over
 * at the next boundary that is known for certain: the beginning of a later file, or what the shim says it has
 * written. Bytes in between are never searched for records: a program could have printed some that look real.
 */
import { statSync } from 'node:fs';
import { JournalReader } from '../shim/client/reader.ts';
import { listSegments } from '../shim/format.ts';
import type { JournalRecord } from '../shim/shim-protocol.ts';

export class JournalSource {
  readonly #dir: string;
  /** Whole records that the shim says it has written; null without a connection. */
  readonly #written: () => number | null;
  #reader: JournalReader | null = null;

  constructor(dir: string, written: () => number | null) {
    this.#dir = dir;
    this.#written = written;
  }

  /** The next records, [] when there are none yet. Goes on where the last call stopped, until `rewind`. */
  read(offset: number, bytes_max: number): JournalRecord[] {
    this.#reader ??= new JournalReader(this.#dir, offset);
    return this.#reader.read(bytes_max);
  }

  /** The next call of `read` begins at the offset it is given. */
  rewind(): void {
    this.#reader?.close();
    this.#reader = null;
  }

  /** After a `read` that found nothing at `offset`, or failed: where reading can go on; null when nothing was missed. */
  beyond(offset: number): number | null {
    const segments = listSegments(this.#dir);
    const later = segments.find(({ start }) => start > offset);
    if (later !== undefined) return later.start;
    const written = this.#written();
    return written !== null && written > offset && written <= this.end() ? written : null;
  }

  /** Length of the journal, an unfinished record included. */
  end(): number {
    const last = listSegments(this.#dir).at(-1);
    return last === undefined ? 0 : last.start + (statSync(last.path, { throwIfNoEntry: false })?.size ?? 0);
  }
}

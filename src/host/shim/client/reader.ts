/**
 * Reads a run's journal while the shim appends to it, at the host's own pace and from any record boundary.
 * Synchronous on purpose: the pages are in memory, and a copy of 1 MB costs less than a trip through the
 * thread pool.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { AetherError } from '../../errors.ts';
import { openFile } from '../../files.ts';
import { listSegments, parseRecord, type Segment } from '../format.ts';
import type { JournalRecord } from '../shim-protocol.ts';

export class JournalReader {
  readonly #dir: string;
  #offset: number;
  #open: { segment: Segment; fd: number } | null = null;
  #damaged = false;
  readonly #room: Buffer | null;

  /**
   * @param offset logical: 0, or the `end` of a record read before
   * @param room payloads are views into it, good until the next read; default: each call makes a buffer of its own
   */
  constructor(dir: string, offset = 0, room: Buffer | null = null) {
    this.#dir = dir;
    this.#offset = offset;
    this.#room = room;
  }

  /** Logical offset of the next record. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * True when the last read stopped at bytes that are no record. At the very end of a dead shim's journal
   * that is the torn tail, which repairTail() cuts; anywhere else the file was damaged.
   */
  get damaged(): boolean {
    return this.#damaged;
  }

  /**
   * The next whole records, about `maxBytes` of them, at least one if there is one; [] when there is none yet.
   * Payloads are views into one buffer (see `room`): copy what is to be kept long.
   * @throws AetherError `journal.gap` when the records at this offset were deleted
   */
  read(maxBytes = 1024 * 1024): JournalRecord[] {
    this.#damaged = false;
    const records: JournalRecord[] = [];
    let want = maxBytes;
    for (;;) {
      const open = this.#seek();
      if (open === null) return records;
      const position = this.#offset - open.segment.start;
      const available = fstatSync(open.fd).size - position;
      if (available <= 0) {
        if (!this.#advance()) return records;
        continue;
      }
      const bytes = Math.min(want, available);
      const fits = this.#room !== null && bytes <= this.#room.length;
      const buffer = fits ? this.#room!.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes);
      const got = readSync(open.fd, buffer, 0, buffer.length, position);
      const stopped = this.#parse(buffer.subarray(0, got), records);
      if (stopped.kind === 'damaged') this.#damaged = true;
      // One record larger than asked for is read whole; one that is still being written waits for the next call.
      const larger = stopped.kind === 'short' && stopped.bytes > got && stopped.bytes <= available;
      if (records.length > 0 || !larger) return records;
      want = stopped.bytes;
    }
  }

  close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = null;
  }

  #parse(chunk: Buffer, into: JournalRecord[]): { kind: 'short'; bytes: number } | { kind: 'damaged' } {
    for (let at = 0; ; ) {
      const parsed = parseRecord(chunk, at, this.#offset);
      if (parsed.kind !== 'record') return parsed;
      into.push(parsed.record);
      at = parsed.next;
      this.#offset = parsed.record.end;
    }
  }

  /** The file that holds the current offset. */
  #seek(): { segment: Segment; fd: number } | null {
    if (this.#open) return this.#open;
    const segments = listSegments(this.#dir);
    const segment = segments.findLast((one) => one.start <= this.#offset);
    if (segment === undefined) {
      if (segments.length === 0 && this.#offset === 0) return null;
      throw this.#gap(segments[0]?.start);
    }
    this.#open = { segment, fd: openFile(segment.path) };
    return this.#open;
  }

  /** Moves on when the next file begins exactly here. @throws AetherError `journal.gap` when that one was deleted */
  #advance(): boolean {
    const current = this.#open?.segment;
    const later = listSegments(this.#dir).filter((one) => one.start >= this.#offset);
    const next = later.find((one) => one.start === this.#offset);
    if (next === undefined && later[0] !== undefined) {
      // Not a gap where the writer went on in this file, and to the next one, since it was looked at.
      if (this.#open && fstatSync(this.#open.fd).size > this.#offset - this.#open.segment.start) return true;
      throw this.#gap(later[0].start);
    }
    if (next === undefined || next.path === current?.path) return false;
    this.close();
    this.#open = { segment: next, fd: openFile(next.path) };
    return true;
  }

  #gap(first: number | undefined): AetherError {
    return new AetherError({
      code: 'journal.gap',
      who: 'host',
      message: `The journal in ${this.#dir} no longer holds offset ${this.#offset} (it begins at ${first ?? 'nothing'}).`,
      next: 'Something removed journal files that were not processed yet; the output in between is lost.',
    });
  }
}

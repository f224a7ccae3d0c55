/**
 * Reads a run's journal while the shim appends to it, at the host's own pace and from any record boundary.
 * Synchronous on purpose: the pages are in memory, and a copy of 1 MB costs less than a trip through the
 * thread pool.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { AetherError } from '../../errors.ts';
import { listSegments, parseRecord, type Segment } from '../format.ts';
import type { JournalRecord } from '../wire.ts';

export class JournalReader {
  readonly #dir: string;
  #offset: number;
  #open: { segment: Segment; fd: number } | null = null;
  #damaged = false;

  /** @param offset logical: 0, or the `end` of a record read before */
  constructor(dir: string, offset = 0) {
    this.#dir = dir;
    this.#offset = offset;
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
   * Payloads are views into one buffer made for this call: copy what is to be kept long.
   * @throws AetherError `journal-gap` when the records at this offset were deleted
   */
  read(maxBytes = 1024 * 1024): JournalRecord[] {
    this.#damaged = false;
    const records: JournalRecord[] = [];
    let want = maxBytes;
    for (;;) {
      const open = this.#seek();
      if (open === null) return records;
      const buffer = Buffer.allocUnsafeSlow(want);
      const got = readSync(open.fd, buffer, 0, want, this.#offset - open.segment.start);
      const chunk = buffer.subarray(0, got);
      const stopped = this.#parse(chunk, records);
      if (stopped.kind === 'damaged') this.#damaged = true;
      if (records.length > 0 || stopped.kind === 'damaged') return records;
      // One record larger than asked for: read it whole. Otherwise this file has no more, perhaps the next has.
      if (stopped.bytes > want && got === want) want = stopped.bytes;
      else if (got > 0 || !this.#advance()) return records;
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
    this.#open = { segment, fd: openSync(segment.path, 'r') };
    return this.#open;
  }

  /** Moves on when the next file begins exactly here. */
  #advance(): boolean {
    const current = this.#open?.segment;
    const next = listSegments(this.#dir).find((one) => one.start === this.#offset);
    if (next === undefined || next.path === current?.path) return false;
    this.close();
    this.#open = { segment: next, fd: openSync(next.path, 'r') };
    return true;
  }

  #gap(first: number | undefined): AetherError {
    return new AetherError({
      code: 'journal-gap',
      who: 'host',
      message: `The journal in ${this.#dir} no longer holds offset ${this.#offset} (it begins at ${first ?? 'nothing'}).`,
      next: 'Something removed journal files that were not processed yet; the output in between is lost.',
    });
  }
}

/**
 * The run's memory on disk. A record counts once the kernel has it (it then survives the death of this
 * process), in the order things happened. When the disk takes no more, what was accepted waits here in memory,
 * reading from the engine stops, and nothing new is accepted until the disk has taken it.
 */
import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { encodeRecord, listSegments, type Segment, sealRecord, segmentPath } from '../format.ts';
import { RECORD_HEADER_BYTES, RecordType } from '../shim-protocol.ts';
import { repairTail } from '../tail.ts';

const COALESCE_BYTES = 64 * 1024;
const COALESCE_MS = 4;
const RETRY_MS = 250;
/** Power loss may lose this much of what a process printed; the end of the run is synced at once. */
const SYNC_MS = 1_000;

export interface JournalOptions {
  dir: string;
  segmentBytes: number;
  /** More than this unprocessed by the host stops reading; processed segments beyond it are deleted. */
  bytesMax: number;
  /** The journal holds whole records up to here. */
  onGrown(offset: number): void;
  /** Reading from the engine must stop, or may go on. */
  onBlocked(blocked: boolean): void;
}

export class Journal {
  readonly #options: JournalOptions;
  #segments: Segment[];
  #fd: number;
  /** Bytes in the current file, a partly written record included. */
  #size: number;
  #offset: number;
  #acked: number;
  /** Whole records the disk has not taken yet, and how much of the first it has. */
  #queue: Buffer[] = [];
  #queued = 0;
  #written = 0;
  #trouble: string | null = null;
  #blocked = false;
  #closed = false;
  /** One output record being filled, its header's room in front. */
  readonly #output = Buffer.allocUnsafeSlow(RECORD_HEADER_BYTES + COALESCE_BYTES);
  #outputBytes = 0;
  #outputType: RecordType = RecordType.out;
  #outputProcess = 0;
  #flushedAt = 0;
  #flushSet = false;
  #syncTimer: NodeJS.Timeout | null = null;
  #syncs: Promise<void> = Promise.resolve();

  constructor(options: JournalOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    const { offset } = repairTail(options.dir);
    this.#segments = listSegments(options.dir);
    this.#offset = offset;
    this.#acked = this.#segments[0]?.start ?? 0;
    const last = this.#segments.at(-1);
    if (last) {
      this.#fd = openSync(last.path, 'r+');
      this.#size = statSync(last.path).size;
    } else {
      const first = { start: 0, path: segmentPath(options.dir, 0) };
      this.#fd = openSync(first.path, 'wx', 0o600);
      this.#segments.push(first);
      this.#size = 0;
    }
  }

  /** Logical length: whole records that the kernel has. */
  get offset(): number {
    return this.#offset;
  }

  /** Why nothing can be written at present. */
  get trouble(): string | null {
    return this.#trouble;
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Bytes accepted that the disk has not taken. */
  get waiting(): number {
    return this.#queued;
  }

  /** Everything that is not output: goes behind all output that was read before it. */
  append(type: RecordType, process: number, payload: object | Uint8Array): void {
    this.flush();
    const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
    this.#put(encodeRecord(type, process, Date.now(), bytes), true);
  }

  /** Output of a process, gathered for at most COALESCE_MS. The chunk may be reused afterwards. */
  output(type: RecordType, process: number, chunk: Buffer): void {
    if (type !== this.#outputType || process !== this.#outputProcess) this.flush();
    this.#outputType = type;
    this.#outputProcess = process;
    for (let from = 0; from < chunk.length; ) {
      const room = COALESCE_BYTES - this.#outputBytes;
      const part = Math.min(room, chunk.length - from);
      chunk.copy(this.#output, RECORD_HEADER_BYTES + this.#outputBytes, from, from + part);
      this.#outputBytes += part;
      from += part;
      if (this.#outputBytes === COALESCE_BYTES) this.flush();
    }
    if (this.#outputBytes > 0 && !this.#flushSet) this.#flushSoon();
  }

  flush(): void {
    if (this.#outputBytes === 0) return;
    const record = this.#output.subarray(0, RECORD_HEADER_BYTES + this.#outputBytes);
    sealRecord(record, this.#outputType, this.#outputProcess, Date.now());
    this.#outputBytes = 0;
    this.#flushedAt = performance.now();
    this.#put(record, false);
  }

  /** @throws RangeError beyond the end: the host confuses two runs */
  ack(offset: number): void {
    if (!Number.isSafeInteger(offset) || offset > this.#offset) {
      throw new RangeError(`The journal has ${this.#offset} bytes, not ${offset}.`);
    }
    if (offset <= this.#acked) return;
    this.#acked = offset;
    this.#deleteProcessed();
    this.#judge();
  }

  get acked(): number {
    return this.#acked;
  }

  /** Resolves once the disk has taken everything, however long that takes, and it is synced. */
  async close(): Promise<void> {
    this.flush();
    while (this.#queue.length > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    if (this.#syncTimer) clearTimeout(this.#syncTimer);
    await this.#syncs;
    this.#closed = true;
    fdatasyncSync(this.#fd);
    closeSync(this.#fd);
  }

  /** The first output after a pause goes out at once (a keystroke's echo), a flood in COALESCE_MS steps. */
  #flushSoon(): void {
    this.#flushSet = true;
    const flush = () => {
      this.#flushSet = false;
      this.flush();
    };
    const wait = COALESCE_MS - (performance.now() - this.#flushedAt);
    if (wait <= 0) setImmediate(flush);
    else setTimeout(flush, wait);
  }

  /** @param keep the buffer is the journal's from now on; otherwise it is copied if it must wait */
  #put(record: Buffer, keep: boolean): void {
    if (this.#closed) throw new Error('the journal is closed');
    if (this.#queue.length > 0) {
      this.#enqueue(keep ? record : Buffer.from(record));
    } else if (!this.#write(record)) {
      this.#enqueue(keep ? record : Buffer.from(record));
      setTimeout(() => this.#retry(), RETRY_MS);
    } else {
      this.#options.onGrown(this.#offset);
    }
    this.#judge();
  }

  #enqueue(record: Buffer): void {
    this.#queue.push(record);
    this.#queued += record.length;
  }

  #retry(): void {
    const before = this.#trouble;
    while (this.#queue.length > 0) {
      const record = this.#queue[0]!;
      if (!this.#write(record)) {
        setTimeout(() => this.#retry(), RETRY_MS);
        return;
      }
      this.#queue.shift();
      this.#queued -= record.length;
    }
    this.#trouble = null;
    this.append(RecordType.trouble, 0, { cause: `for a while the journal could not be written: ${before}` });
    this.#options.onGrown(this.#offset);
  }

  /** @returns false when the disk did not take it all; the next call goes on where this one stopped */
  #write(record: Buffer): boolean {
    try {
      if (this.#written === 0 && this.#size >= this.#options.segmentBytes) this.#rotate();
      while (this.#written < record.length) {
        const left = record.length - this.#written;
        const took = writeSync(this.#fd, record, this.#written, left, this.#size);
        this.#written += took;
        this.#size += took;
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#trouble = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : message;
      return false;
    }
    this.#written = 0;
    this.#offset += record.length;
    this.#syncSoon();
    return true;
  }

  #rotate(): void {
    const next = { start: this.#offset, path: segmentPath(this.#options.dir, this.#offset) };
    const fd = openSync(next.path, 'wx', 0o600);
    const before = this.#fd;
    this.#fd = fd;
    this.#size = 0;
    this.#segments.push(next);
    this.#syncs = this.#syncs.then(() => sync(before)).then(() => closeAsync(before));
    syncDirectory(this.#options.dir);
    this.#deleteProcessed();
  }

  #deleteProcessed(): void {
    for (;;) {
      const [first, second] = this.#segments;
      if (!first || !second || second.start > this.#acked) return;
      if (this.#offset - first.start <= this.#options.bytesMax) return;
      this.#segments.shift();
      try {
        unlinkSync(first.path);
      } catch (error) {
        // It was removed already, which is what was wanted.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  /** Decides whether reading goes on; a quarter of the limit lies between stopping and going on. */
  #judge(): void {
    const backlog = this.#offset + this.#queued - this.#acked;
    const limit = this.#blocked ? this.#options.bytesMax * 0.75 : this.#options.bytesMax;
    const blocked = this.#trouble !== null || backlog > limit;
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.#options.onBlocked(blocked);
  }

  #syncSoon(): void {
    if (this.#syncTimer) return;
    this.#syncTimer = setTimeout(() => {
      const fd = this.#fd;
      this.#syncs = this.#syncs
        .then(() => sync(fd))
        .then(() => {
          this.#syncTimer = null;
        });
    }, SYNC_MS);
  }
}

/** A failed sync is a failing disk; the next write says so in a way that can be waited out. */
function sync(fd: number): Promise<void> {
  return new Promise((resolve) => fdatasync(fd, () => resolve()));
}

function closeAsync(fd: number): Promise<void> {
  return new Promise((resolve) => close(fd, () => resolve()));
}

function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

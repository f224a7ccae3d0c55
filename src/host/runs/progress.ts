/**
 * How far a run's journal is processed. Facts and offset are saved in one transaction, so a host that dies
 * anywhere repeats nothing and skips nothing; output that told of nothing is saved in steps, because reading it
 * again tells of nothing either. What cannot be processed (a disk that is full) is tried again by itself.
 */
import type { Clock } from '../clock.ts';
import { messageOf, toWireError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import type { ShimClient } from '../shim/client/client.ts';
import { JournalReader } from '../shim/client/reader.ts';
import { type JournalRecord, RecordType } from '../shim/wire.ts';
import type { RunRecord, RunTable } from '../store/runs.ts';
import type { Store } from '../store/store.ts';

const BATCH_BYTES = 256 * 1024;
/** Output alone is saved after so many bytes, or when the run is quiet for so long. */
const SAVE_EVERY_BYTES = 4 * 1024 * 1024;
const SAVE_AFTER_MS = 250;
/** An unfinished line larger than this is not saved as it grows, but read again by the next host. */
const PARTIAL_SAVED_CHARS_MAX = 64 * 1024;
/** Far below the journal's limit, far above one line. */
const ACK_EVERY_BYTES = 4 * 1024 * 1024;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 2_000;

export interface ProgressOptions {
  record: RunRecord;
  journal: string;
  store: Store;
  table: RunTable;
  clock: Clock;
  log: Log;
  /** Inside the transaction. @returns true when the record told the rest of the host of something */
  apply(record: JournalRecord): boolean;
  /** After a commit that told of something, once, in this order, until none of them throws. */
  follow(records: JournalRecord[]): (() => void)[];
  /** The connection to acknowledge on; null while there is none. */
  client(): ShimClient | null;
}

export class Progress {
  readonly #o: ProgressOptions;
  readonly #grown = new Set<() => void>();
  #reader: JournalReader | null = null;
  #pumping: Promise<void> | null = null;
  #again = false;
  #closed = false;
  /** Journal offset that the database knows, and the last one the shim was told. */
  #saved: number;
  #acked = 0;
  #following: (() => void)[] = [];
  #cancelSave: (() => void) | null = null;
  #cancelRetry: (() => void) | null = null;
  #retry_ms = RETRY_MS_MIN;
  #behind = false;

  constructor(options: ProgressOptions) {
    this.#o = options;
    this.#saved = options.record.journal_offset;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True while the journal holds what could not be processed; it is tried again in a moment. */
  get behind(): boolean {
    return this.#behind;
  }

  /** Calls back whenever the journal may have grown: viewers read it themselves. */
  onGrown(listener: () => void): () => void {
    this.#grown.add(listener);
    return () => this.#grown.delete(listener);
  }

  /** Reads what is new; returns when everything that was there at the call is processed, or while `behind`. */
  pump(): Promise<void> {
    for (const listener of this.#grown) listener();
    this.#again = true;
    // However much is printed meanwhile: the next attempt has its time.
    if (this.#cancelRetry !== null) return Promise.resolve();
    this.#pumping ??= this.#drain().finally(() => {
      this.#pumping = null;
    });
    return this.#pumping;
  }

  /** Changes the record and what belongs to it, or neither: after a failure it is what the database has. */
  change(body: () => void): void {
    this.#transaction(() => {
      body();
      this.#put();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelSave?.();
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#rewind();
  }

  async #drain(): Promise<void> {
    while (this.#again && (!this.#closed || this.#following.length > 0)) {
      this.#again = false;
      try {
        this.#follow();
        while (!this.#closed) {
          this.#reader ??= new JournalReader(this.#o.journal, this.#o.record.journal_offset);
          const records = this.#reader.read(BATCH_BYTES);
          if (records.length === 0) break;
          this.#process(records);
          this.#follow();
          await new Promise((resolve) => setImmediate(resolve));
        }
        this.#retry_ms = RETRY_MS_MIN;
        if (this.#behind) this.#o.log.info('the journal goes on');
        this.#behind = false;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #process(records: JournalRecord[]): void {
    let told = false;
    this.#transaction(() => {
      for (const record of records) {
        if (this.#o.apply(record)) told = true;
        this.#o.record.journal_offset = record.end;
      }
      if (told || this.#due()) this.#put();
      else this.#saveSoon();
    });
    this.#acknowledge();
    // Output is looked at by whoever shows it; the rest was told of something.
    if (told) this.#following.push(...this.#o.follow(records.filter(({ type }) => type !== RecordType.out)));
  }

  /** What follows a commit is done once, also when the first attempt fails on a disk that is full. */
  #follow(): void {
    // Taken off before it is done: it may come back here.
    for (let next = this.#following.shift(); next !== undefined; next = this.#following.shift()) {
      try {
        next();
      } catch (error) {
        this.#following.unshift(next);
        throw error;
      }
    }
  }

  /** Nothing is skipped: the same records are read again from where the database stands, in a moment. */
  #failed(error: unknown): void {
    const { clock, log } = this.#o;
    if (!this.#behind)
      log.error({ error: messageOf(error), code: toWireError(error).code }, 'the journal waits');
    this.#behind = true;
    this.#rewind();
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(this.#retry_ms, () => {
      this.#cancelRetry = null;
      void this.pump();
    });
    this.#retry_ms = Math.min(this.#retry_ms * 2, RETRY_MS_MAX);
  }

  #transaction(body: () => void): void {
    const { store, table, record } = this.#o;
    store.transaction(() => {
      store.onRollback(() => {
        const saved = table.get(record.id);
        if (saved !== null) Object.assign(record, saved);
        this.#saved = record.journal_offset;
        this.#rewind();
      });
      body();
    });
  }

  /** The journal is read on from what the record says. */
  #rewind(): void {
    this.#reader?.close();
    this.#reader = null;
  }

  #put(): void {
    this.#o.table.put(this.#o.record);
    this.#saved = this.#o.record.journal_offset;
    this.#cancelSave?.();
    this.#cancelSave = null;
  }

  #due(): boolean {
    const unsaved = this.#o.record.journal_offset - this.#saved;
    return unsaved >= (this.#growsLine() ? 2 * limits.engine_line_bytes_max : SAVE_EVERY_BYTES);
  }

  /** Saving an unfinished line again and again as it grows would cost its square. */
  #growsLine(): boolean {
    const { partialOut, partialErr } = this.#o.record.floor;
    return partialOut.length + partialErr.length > PARTIAL_SAVED_CHARS_MAX;
  }

  #saveSoon(): void {
    this.#cancelSave ??= this.#o.clock.after(SAVE_AFTER_MS, () => {
      this.#cancelSave = null;
      if (this.#closed || this.#growsLine() || this.#saved === this.#o.record.journal_offset) return;
      try {
        this.#transaction(() => this.#put());
        this.#acknowledge();
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  /** Lets the shim delete what is processed; a lost acknowledgement is made good by the next one. */
  #acknowledge(): void {
    const client = this.#o.client();
    if (client === null || this.#saved - this.#acked < ACK_EVERY_BYTES) return;
    this.#acked = this.#saved;
    client
      .ack(this.#acked)
      .catch((error: unknown) => this.#o.log.debug({ error: messageOf(error) }, 'not acknowledged'));
  }
}

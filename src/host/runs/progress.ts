/**
 * How far a run's journal is processed. Facts and offset are saved in one transaction, so a host that dies anywhere
 * repeats nothing and skips nothing; for output without facts the offset is saved in steps, because reading it twice
 * does no harm. Only the store is waited for (a full disk). A record that cannot be taken for another reason is left
 * out, and bytes that cannot be read are passed over: what a program prints must not stop its run.
 */
import type { Clock } from '../clock.ts';
import { isStoreFailure, messageOf, toWireError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import type { ShimClient } from '../shim/client/client.ts';
import { type JournalRecord, RecordType } from '../shim/shim-protocol.ts';
import type { RunRecord, RunTable } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { Acknowledgement } from './acknowledgement.ts';
import { Batch } from './batch.ts';
import { onFloor } from './floor.ts';
import { JournalSource } from './source.ts';

/** Output alone is saved after so many bytes, or when the run is quiet for so long. */
const SAVE_EVERY_BYTES = 4 * 1024 * 1024;
const SAVE_AFTER_MS = 250;
/** An unfinished line larger than this is not saved as it grows, but read again by the next host. */
const PARTIAL_SAVED_CHARS_MAX = 64 * 1024;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 2_000;
/** Reading fails so often in a row before it is told; a lack of descriptors can pass. */
const READ_ATTEMPTS = 3;
/** What follows a commit is tried so often before it is given up. */
const FOLLOW_ATTEMPTS = 3;

export interface ProgressOptions {
  record: RunRecord;
  journal: string;
  store: Store;
  table: RunTable;
  clock: Clock;
  log: Log;
  /**
   * Inside the transaction. @returns true when the record told the rest of the host of something
   * @param apart what cannot be taken is left out; otherwise it throws
   */
  apply(record: JournalRecord, apart: boolean): boolean;
  /** Inside the transaction: `apply` failed on the record as a whole. */
  leaveOut(record: JournalRecord, error: unknown): void;
  /** Inside the transaction: part of the journal could not be read. */
  passedOver(from: number, to: number, why: string): void;
  /** The journal cannot be read at all. Null: it can be again. */
  unreadable(why: string | null): void;
  /** After a commit that told of something, once and in this order. */
  follow(records: JournalRecord[]): (() => void)[];
  /** The connection to acknowledge on; null while there is none. */
  client(): ShimClient | null;
  /** How far others have read it; null: none is behind. */
  readTo(): number | null;
}

export class Progress {
  readonly #o: ProgressOptions;
  readonly #grown = new Set<() => void>();
  readonly #source: JournalSource;
  readonly #batch: Batch;
  #pumping: Promise<void> | null = null;
  #again = false;
  #closed = false;
  /** Journal offset that the database knows. */
  #saved: number;
  readonly #read: Acknowledgement;
  #following: (() => void)[] = [];
  #followFailures = 0;
  /** Records up to here are taken one at a time: a batch that holds one of them failed. */
  #apartUntil = 0;
  #readFailures = 0;
  #unreadable: string | null = null;
  /** Who waits until so much is processed. */
  #targets: { offset: number; reached: () => void }[] = [];
  #cancelSave: (() => void) | null = null;
  #cancelRetry: (() => void) | null = null;
  #retry_ms = RETRY_MS_MIN;
  #behind = false;

  constructor(options: ProgressOptions) {
    this.#o = options;
    this.#saved = options.record.journal_offset;
    this.#batch = new Batch(options.clock);
    this.#read = new Acknowledgement(options);
    this.#source = new JournalSource(options.journal, () => options.client()?.offset ?? null);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True while the store does not take what the journal holds; it is tried again in a moment. */
  get behind(): boolean {
    return this.#behind;
  }

  /** Why the journal cannot be read at present; null when it can. */
  get unreadable(): string | null {
    return this.#unreadable;
  }

  /** Calls back whenever the journal may have grown: viewers read it themselves. */
  onGrown(listener: () => void): () => void {
    this.#grown.add(listener);
    return () => this.#grown.delete(listener);
  }

  /** Reads what is new. */
  noticed(): void {
    void this.#pump();
  }

  /**
   * Reads what is new.
   * @returns when everything that was there at the call is processed, whatever is printed meanwhile; also when that
   *   is not possible at present
   */
  pump(): Promise<void> {
    const drained = this.#pump();
    if (this.#pumping === null) return drained;
    const reached = new Promise<void>((resolve) => {
      this.#targets.push({ offset: this.#length(), reached: resolve });
    });
    return Promise.race([drained, reached]);
  }

  #pump(): Promise<void> {
    for (const listener of this.#grown) listener();
    this.#again = true;
    // However much is printed meanwhile: the next attempt has its time.
    if (this.#cancelRetry !== null) return Promise.resolve();
    this.#pumping ??= this.#drain().finally(() => {
      this.#pumping = null;
      this.#reached(Number.POSITIVE_INFINITY);
    });
    return this.#pumping;
  }

  #length(): number {
    try {
      return this.#source.end();
    } catch {
      // Reading fails as well, and tells of it.
      return 0;
    }
  }

  #reached(offset: number): void {
    if (this.#targets.length === 0) return;
    const reached = this.#targets.filter((target) => target.offset <= offset);
    this.#targets = this.#targets.filter((target) => target.offset > offset);
    for (const target of reached) target.reached();
  }

  /** Changes the record and what belongs to it, or neither: after a failure it is what the database has. */
  change(body: () => void): void {
    this.#transaction(() => {
      body();
      this.#put();
    });
  }

  readFurther(): void {
    if (!this.#closed) this.#read.upTo(this.#saved);
  }

  close(): void {
    this.#closed = true;
    this.#cancelSave?.();
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#source.rewind();
    this.#reached(Number.POSITIVE_INFINITY);
  }

  async #drain(): Promise<void> {
    while (this.#again && (!this.#closed || this.#following.length > 0)) {
      this.#again = false;
      try {
        this.#follow();
        while (!this.#closed) {
          const records = this.#next();
          if (records === null) return;
          if (records.length === 0) break;
          const began_ms = this.#o.clock.elapsed();
          this.#process(records);
          this.#follow();
          this.#reached(this.#o.record.journal_offset);
          await this.#batch.next(this.#o.clock.elapsed() - began_ms);
        }
        this.#retry_ms = RETRY_MS_MIN;
        if (this.#behind) this.#o.log.info('the journal continues');
        this.#behind = false;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** The next records, [] when there are none; null when the journal cannot be read now. */
  #next(): JournalRecord[] | null {
    for (;;) {
      const from = this.#o.record.journal_offset;
      let failure: unknown = null;
      try {
        const records = this.#source.read(from, this.#batch.bytes_max);
        if (records.length > 0) {
          this.#readable();
          return records;
        }
      } catch (error) {
        failure = error;
      }
      try {
        const to = this.#source.beyond(from);
        if (to === null && failure === null) {
          this.#readable();
          return [];
        }
        if (to === null) throw failure;
        this.#passOver(from, to, failure === null ? 'no whole record is there' : messageOf(failure));
      } catch (error) {
        if (isStoreFailure(error)) throw error;
        this.#cannotRead(error);
        return null;
      }
    }
  }

  #passOver(from: number, to: number, why: string): void {
    this.#transaction(() => {
      this.#o.passedOver(from, to, why);
      this.#o.record.journal_offset = to;
      this.#put();
    });
    this.#source.rewind();
  }

  #readable(): void {
    this.#readFailures = 0;
    if (this.#unreadable === null) return;
    this.#tellReadable(null);
  }

  #tellReadable(why: string | null): void {
    this.#unreadable = why;
    try {
      this.#o.unreadable(why);
    } catch (error) {
      this.#o.log.error({ error: messageOf(error) }, 'it was not stored whether the journal can be read');
    }
  }

  /** The run goes on unseen. It is tried again, and no other run waits for that. */
  #cannotRead(error: unknown): void {
    this.#readFailures += 1;
    if (this.#readFailures === READ_ATTEMPTS) {
      this.#o.log.error({ error: messageOf(error) }, 'the journal cannot be read');
      this.#tellReadable(messageOf(error));
    }
    this.#source.rewind();
    this.#tryLater();
  }

  /** Takes the records in one transaction; where one of them fails, each in its own. */
  #process(records: JournalRecord[]): void {
    const apart = records[0]!.end <= this.#apartUntil;
    try {
      for (const some of apart ? records.map((record) => [record]) : [records]) this.#take(some, apart);
    } catch (error) {
      if (isStoreFailure(error) || this.#closed) throw error;
      // What was not saved yet is read again as well.
      this.#apartUntil = records.at(-1)!.end;
    }
  }

  #take(records: JournalRecord[], apart: boolean): void {
    let told = false;
    const take = () => {
      for (const record of records) {
        if (this.#o.apply(record, apart)) told = true;
        this.#o.record.journal_offset = record.end;
      }
      if (told || apart || this.#due()) this.#put();
      else this.#saveSoon();
    };
    try {
      this.#transaction(take);
    } catch (error) {
      if (!apart || isStoreFailure(error) || this.#closed) throw error;
      told = false;
      this.#leaveOut(records[0]!, error);
      this.#following.push(...this.#o.follow([]));
    }
    this.#read.upTo(this.#saved);
    // Viewers read output themselves; the other records change something here.
    if (told) this.#following.push(...this.#o.follow(records.filter(({ type }) => type !== RecordType.out)));
  }

  /** The record that could not be taken, even without the lines and facts that failed. */
  #leaveOut(record: JournalRecord, error: unknown): void {
    this.#transaction(() => {
      this.#o.leaveOut(record, error);
      this.#o.record.journal_offset = record.end;
      this.#put();
    });
  }

  /** What follows a commit is done once, also when the first attempt fails on a disk that is full. */
  #follow(): void {
    // Taken off before it is done: it may come back here.
    for (let next = this.#following.shift(); next !== undefined; next = this.#following.shift()) {
      try {
        next();
        this.#followFailures = 0;
      } catch (error) {
        this.#followFailures += isStoreFailure(error) ? 0 : 1;
        if (this.#followFailures < FOLLOW_ATTEMPTS) {
          this.#following.unshift(next);
          throw error;
        }
        this.#followFailures = 0;
        this.#o.log.error(
          { error: messageOf(error) },
          'the effects of a journal record could not be applied',
        );
      }
    }
  }

  /** Nothing is skipped: the same records are read again from where the database stands, in a moment. */
  #failed(error: unknown): void {
    if (!this.#behind)
      this.#o.log.error({ error: messageOf(error), code: toWireError(error).code }, 'the journal waits');
    this.#behind = true;
    this.#source.rewind();
    this.#tryLater();
  }

  #tryLater(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.#o.clock.after(this.#retry_ms, () => {
      this.#cancelRetry = null;
      this.noticed();
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
        this.#source.rewind();
      });
      body();
    });
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
    const { partialOut, partialErr } = onFloor(this.#o.record.floor);
    return partialOut.length + partialErr.length > PARTIAL_SAVED_CHARS_MAX;
  }

  #saveSoon(): void {
    this.#cancelSave ??= this.#o.clock.after(SAVE_AFTER_MS, () => {
      this.#cancelSave = null;
      if (this.#closed || this.#growsLine() || this.#saved === this.#o.record.journal_offset) return;
      try {
        this.#transaction(() => this.#put());
        this.#read.upTo(this.#saved);
      } catch (error) {
        this.#failed(error);
      }
    });
  }
}

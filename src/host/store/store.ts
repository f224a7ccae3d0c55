/**
 * The one SQLite file of a state directory: opened, migrated, and the only way to a transaction. An
 * acknowledged write survives SIGKILL of anything (WAL, synchronous=NORMAL); power loss may lose the last
 * second. Tables are in the files beside this one; no other room writes SQL.
 */
import { closeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { AetherError, diskFull, isDiskFull, messageOf } from '../errors.ts';
import { openToAppend } from '../files.ts';
import { migrations } from './migrations.ts';
import { ReadThread } from './read-thread.ts';
import { Reader } from './reader.ts';

/** A statement waits so long for another process that writes. */
const BUSY_MS = 2_000;
const LOG_AGAIN_MS = 20;

export type Db = Database.Database;

export class Store {
  readonly db: Db;
  readonly #dir: string;
  /** Made once: making one costs as much as an empty transaction. */
  readonly #immediately: (body: () => unknown) => unknown;
  #rollbacks = 0;
  #undo: (() => void)[] = [];
  readonly #savepoint;
  readonly #threads: ReadThread[] = [];

  constructor(file: string) {
    this.#dir = dirname(file);
    try {
      // Conversations and mail are its owner's, wherever the directory lies. SQLite gives its other files this mode.
      closeSync(openToAppend(file));
      this.db = new Database(file);
      this.db.pragma('journal_mode = WAL');
      this.db.pragma('synchronous = NORMAL');
      // A checkpoint copies its pages at once: fewer and larger ones cost less in sum, and 16 MB is little to copy.
      this.db.pragma('wal_autocheckpoint = 4000');
      this.db.pragma(`busy_timeout = ${BUSY_MS}`);
      // What is deleted is overwritten: a memory that was forgotten cannot be read from the file.
      this.db.pragma('secure_delete = ON');
      this.db.pragma('foreign_keys = ON');
      this.#migrate(file);
      this.#immediately = this.db.transaction((body: () => unknown) => body()).immediate;
      this.#savepoint = {
        set: this.db.prepare('SAVEPOINT part'),
        undo: this.db.prepare('ROLLBACK TO part'),
        release: this.db.prepare('RELEASE part'),
      };
    } catch (error) {
      if (error instanceof AetherError) throw error;
      if (isDiskFull(error)) throw diskFull(this.#dir, error);
      throw new AetherError(
        {
          code: 'store.unreadable',
          who: 'user',
          message: `The database ${file} cannot be opened: ${messageOf(error)}.`,
          next: 'Move the state directory away to begin with an empty one, or restore it from a backup.',
        },
        { cause: error },
      );
    }
  }

  /** All versions in one transaction: a process that dies in the middle leaves the database as it was. */
  #migrate(file: string): void {
    const version = () => this.db.pragma('user_version', { simple: true }) as number;
    if (version() === migrations.length) return;
    this.db
      .transaction(() => {
        // Read again under the lock: another process may just have done it.
        const found = version();
        if (found > migrations.length) throw newer(file, found);
        for (const migration of migrations.slice(found)) this.db.exec(migration);
        this.db.pragma(`user_version = ${migrations.length}`);
      })
      .immediate();
  }

  /**
   * All or nothing; nested calls join the outer one. The body must be synchronous.
   * @throws AetherError `host.disk-full` when it could not be made durable
   */
  transaction<T>(body: () => T): T {
    if (this.db.inTransaction) return body();
    this.#undo = [];
    try {
      return this.#immediately(body) as T;
    } catch (error) {
      this.#rollbacks += 1;
      for (const undo of this.#undo.reverse()) undo();
      throw isDiskFull(error) && !(error instanceof AetherError) ? diskFull(this.#dir, error) : error;
    } finally {
      this.#undo = [];
    }
  }

  /**
   * Part of the transaction under way that can fail alone: its own changes are undone and the rest stays.
   * @throws what `body` threw
   */
  part<T>(body: () => T): T {
    const from = this.#undo.length;
    this.#savepoint.set.run();
    try {
      const result = body();
      this.#savepoint.release.run();
      return result;
    } catch (error) {
      // SQLite ends the whole transaction by itself after some errors, such as a full disk.
      if (this.db.inTransaction) {
        this.#savepoint.undo.run();
        this.#savepoint.release.run();
      }
      this.#rollbacks += 1;
      for (const undo of this.#undo.splice(from).reverse()) undo();
      throw error;
    }
  }

  /**
   * For what is kept in memory beside a row: `undo` makes it what it was, should the transaction under way not be
   * committed. Newest first.
   */
  onRollback(undo: () => void): void {
    if (this.db.inTransaction) this.#undo.push(undo);
  }

  /** How many transactions were rolled back: what was remembered of rows before a change of it may be untrue. */
  get rollbacks(): number {
    return this.#rollbacks;
  }

  /**
   * Empties the write-ahead log, which holds pages as they were. It waits for readers without holding up the event loop.
   * @returns false where they did not end in time
   */
  async emptyLog(within_ms: number): Promise<boolean> {
    for (const end = performance.now() + within_ms; ; ) {
      this.db.pragma('busy_timeout = 0');
      let busy = 1;
      try {
        [{ busy }] = this.db.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
      } finally {
        this.db.pragma(`busy_timeout = ${BUSY_MS}`);
      }
      if (busy === 0) return true;
      if (performance.now() > end) return false;
      await sleep(LOG_AGAIN_MS);
    }
  }

  /** A read connection of its own: for a thread, or a check that must see one moment. To be closed by the caller. */
  openReader(): Reader {
    return new Reader(this.db.name);
  }

  /**
   * A thread that reads; it ends with this store.
   * @param module as for ReadThread
   */
  openThread(module: string): ReadThread {
    const thread = new ReadThread({ file: this.db.name, module });
    this.#threads.push(thread);
    return thread;
  }

  close(): void {
    for (const thread of this.#threads) void thread.close();
    this.db.close();
  }
}

function newer(file: string, found: number): AetherError {
  return new AetherError({
    code: 'store.newer',
    who: 'user',
    message: `The database ${file} was written by a newer Aether (version ${found}; this one knows ${migrations.length}).`,
    next: 'Run the newer Aether, or use another state directory (--state DIR).',
  });
}

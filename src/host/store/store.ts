/**
 * The one SQLite file of a state directory: opened, migrated, and the only way to a transaction. An
 * acknowledged write survives SIGKILL of anything (WAL, synchronous=NORMAL); power loss may lose the last
 * second. Tables are in the files beside this one; no other room writes SQL.
 */
import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { AetherError, messageOf } from '../errors.ts';
import { migrations } from './schema.ts';

export type Db = Database.Database;

export class Store {
  readonly db: Db;
  #rollbacks = 0;

  constructor(file: string) {
    try {
      // Conversations and mail are its owner's, wherever the directory lies. SQLite gives its other files this mode.
      closeSync(openSync(file, 'a', 0o600));
      this.db = new Database(file);
      this.db.pragma('journal_mode = WAL');
      this.db.pragma('synchronous = NORMAL');
      // A checkpoint copies its pages at once: fewer and larger ones cost less in sum, and 16 MB is little to copy.
      this.db.pragma('wal_autocheckpoint = 4000');
      this.db.pragma('busy_timeout = 2000');
      this.db.pragma('foreign_keys = ON');
      this.#migrate(file);
    } catch (error) {
      if (error instanceof AetherError) throw error;
      throw new AetherError(
        {
          code: 'store.unreadable',
          who: 'user',
          message: `The database ${file} cannot be opened: ${messageOf(error)}.`,
          next: 'Move the state directory aside to begin anew, or restore it from a backup.',
        },
        { cause: error },
      );
    }
  }

  #migrate(file: string): void {
    const found = this.db.pragma('user_version', { simple: true }) as number;
    if (found > migrations.length) {
      throw new AetherError({
        code: 'store.newer',
        who: 'user',
        message: `The database ${file} was written by a newer Aether (version ${found}; this one knows ${migrations.length}).`,
        next: 'Run the newer Aether, or use another state directory (--state DIR).',
      });
    }
    for (let version = found; version < migrations.length; version += 1) {
      this.db.transaction(() => {
        this.db.exec(migrations[version]!);
        this.db.pragma(`user_version = ${version + 1}`);
      })();
    }
  }

  /** All or nothing; nested calls join the outer one. The body must be synchronous. */
  transaction<T>(body: () => T): T {
    if (this.db.inTransaction) return body();
    try {
      return this.db.transaction(body).immediate();
    } catch (error) {
      this.#rollbacks += 1;
      throw error;
    }
  }

  /** How many transactions were rolled back: what was remembered of rows before a change of it may be untrue. */
  get rollbacks(): number {
    return this.#rollbacks;
  }

  close(): void {
    this.db.close();
  }
}

/**
 * A read connection of its own, for a thread that must not hold up the host's: SQLite in WAL mode lets readers go on
 * beside the one that writes. It sees what was committed when its query began.
 */
import Database from 'better-sqlite3';

/** What a table needs in order to read. */
export interface Readable {
  readonly db: Database.Database;
}

export class Reader implements Readable {
  readonly db: Database.Database;

  /** @param file of a store that is open, or was: a reader makes and migrates nothing */
  constructor(file: string) {
    this.db = new Database(file, { readonly: true, fileMustExist: true });
    this.db.pragma('busy_timeout = 2000');
    this.db.pragma('query_only = ON');
    // Rows all over a large file are read again and again. Not by mmap: a file that is cut short would end the process.
    this.db.pragma('cache_size = -32768');
  }

  close(): void {
    this.db.close();
  }
}

/**
 * SQL of `memory_shown`: which memories a reader was given, and when first. A reader is a run, or the bridge of an
 * outside client. What was shown before something was stored may be what it rests on.
 */
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

export const memoryShown = defineTable({
  name: 'memory_shown',
  migrations: {
    16: /* sql */ `
  CREATE TABLE memory_shown (
    reader TEXT NOT NULL, memory TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (reader, memory)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX memory_shown_of ON memory_shown (memory, at_ms);
  CREATE INDEX memory_shown_at ON memory_shown (at_ms);
  `,
  },
  leaves: {
    kept_ms: ({ events_days }) => events_days * DAY_MS,
    over: 'at_ms < @before_ms',
    key: 'reader, memory',
  },
});

export class MemoryShownTable {
  readonly #add;
  readonly #to;
  readonly #of;

  constructor({ db }: Readable) {
    this.#add = db.prepare<[string, string, number]>(
      `INSERT INTO memory_shown (reader, memory, at_ms) VALUES (?, ?, ?)
       ON CONFLICT (reader, memory) DO UPDATE SET at_ms = excluded.at_ms`,
    );
    this.#to = db
      .prepare<[string, number, number], string>(
        `SELECT s.memory FROM memory_shown s JOIN memories m ON m.id = s.memory AND m.forgotten_ms IS NULL
         WHERE s.reader = ? AND s.at_ms <= ? ORDER BY s.at_ms DESC LIMIT ?`,
      )
      .pluck();
    this.#of = db.prepare<[string, number], { reader: string; at_ms: number }>(
      'SELECT reader, at_ms FROM memory_shown WHERE memory = ? ORDER BY at_ms DESC LIMIT ?',
    );
  }

  add(reader: string, memory: string, at_ms: number): void {
    this.#add.run(reader, memory, at_ms);
  }

  /** Ids of what this reader was given, the latest first; not what is forgotten. */
  shownTo(reader: string, limit: number, until_ms = Number.MAX_SAFE_INTEGER): string[] {
    return this.#to.all(reader, until_ms, limit);
  }

  /** Who was given it, the latest first. */
  readersOf(memory: string, limit: number): { reader: string; at_ms: number }[] {
    return this.#of.all(memory, limit);
  }
}

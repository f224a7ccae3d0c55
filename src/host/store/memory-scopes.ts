/**
 * SQL of `memory_scopes`: how much each scope holds, kept in step by triggers, so that a quota is checked without
 * counting. Tombstones count nothing; earlier versions of a key count their bytes.
 */
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

const BYTES = (row: string) =>
  `octet_length(${row}.text) + octet_length(${row}.tags) + coalesce(octet_length(${row}.key), 0)`;
const KEPT = (row: string) => `${row}.forgotten_ms IS NULL`;
const CURRENT = (row: string) => `${KEPT(row)} AND ${row}.superseded_ms IS NULL`;

export const memoryScopes = defineTable({
  name: 'memory_scopes',
  migrations: {
    17: /* sql */ `
  CREATE TABLE memory_scopes (
    ordinal INTEGER PRIMARY KEY, scope TEXT NOT NULL UNIQUE,
    memories INTEGER NOT NULL DEFAULT 0,  -- statements that nothing has replaced
    bytes INTEGER NOT NULL DEFAULT 0      -- of them and of their earlier versions
  ) STRICT;
  INSERT INTO memory_scopes (scope, memories, bytes)
    SELECT m.scope, count(*), sum(${BYTES('m')}) FROM memories m WHERE ${KEPT('m')} GROUP BY m.scope;
  CREATE TRIGGER memories_counted_in AFTER INSERT ON memories WHEN ${KEPT('new')} BEGIN
    INSERT OR IGNORE INTO memory_scopes (scope) VALUES (new.scope);
    UPDATE memory_scopes SET memories = memories + (${CURRENT('new')}), bytes = bytes + ${BYTES('new')} WHERE scope = new.scope;
  END;
  CREATE TRIGGER memories_counted_anew AFTER UPDATE OF text, tags, key, forgotten_ms, superseded_ms ON memories BEGIN
    UPDATE memory_scopes SET
      memories = memories + (${CURRENT('new')}) - (${CURRENT('old')}),
      bytes = bytes + iif(${KEPT('new')}, ${BYTES('new')}, 0) - iif(${KEPT('old')}, ${BYTES('old')}, 0)
      WHERE scope = new.scope;
  END;
  CREATE TRIGGER memories_counted_out AFTER DELETE ON memories WHEN ${KEPT('old')} BEGIN
    UPDATE memory_scopes SET memories = memories - (${CURRENT('old')}), bytes = bytes - (${BYTES('old')}) WHERE scope = old.scope;
  END;
  `,
  },
  leaves: 'never',
});

export interface ScopeUse {
  memories: number;
  bytes: number;
}

export class MemoryScopeTable {
  readonly #use;
  readonly #all;
  readonly #total;
  readonly #lastRow;

  constructor({ db }: Readable) {
    this.#use = db.prepare<[string], ScopeUse>('SELECT memories, bytes FROM memory_scopes WHERE scope = ?');
    this.#all = db.prepare<[], string>('SELECT scope FROM memory_scopes').pluck();
    this.#lastRow = db.prepare<[], number | null>('SELECT max(rowid) FROM memories').pluck();
    this.#total = db.prepare<[], number | null>('SELECT sum(bytes) FROM memory_scopes').pluck();
  }

  all(): string[] {
    return this.#all.all();
  }

  /** Rows of all scopes that there are or were, and the bytes of those that are kept. */
  total(): { rows: number; bytes: number } {
    return { rows: this.lastRow(), bytes: this.#total.get() ?? 0 };
  }

  lastRow(): number {
    return this.#lastRow.get() ?? 0;
  }

  useOf(scope: string): ScopeUse {
    return this.#use.get(scope) ?? { memories: 0, bytes: 0 };
  }
}

/**
 * SQL of `memory_links`: which memory was made from which. `from_id` is the younger statement, `to_id` what it rests on,
 * contradicts or replaces. A link goes with the rows of its memories (memories.ts).
 */

import type { MemoryState } from '../shapes.ts';
import { type MemoryRecord, stateOf } from './memory-record.ts';
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

export const memoryLinks = defineTable({
  name: 'memory_links',
  migrations: {
    15: /* sql */ `
  CREATE TABLE memory_links (
    from_id TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('derived', 'possible', 'contradicts', 'supersedes')), to_id TEXT NOT NULL,
    PRIMARY KEY (from_id, kind, to_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX memory_links_to ON memory_links (to_id, kind, from_id);
  `,
  },
  leaves: 'never',
});

/** derived: declared by its writer. possible: its writer was shown it before, and says something alike. */
export type MemoryLinkKind = 'derived' | 'possible' | 'contradicts' | 'supersedes';

export interface Dependant {
  id: string;
  kind: 'derived' | 'possible';
  stale: 'stale' | 'possibly_stale' | null;
}

/** What a memory rests on. */
export interface SourceState {
  id: string;
  kind: 'derived' | 'possible';
  state: MemoryState | null;
}

type SourceRow = Omit<SourceState, 'state'> &
  Pick<MemoryRecord, 'superseded_ms' | 'expired_ms' | 'stale'> & { scope: string | null };

export class MemoryLinkTable {
  readonly #add;
  readonly #dependants;
  readonly #sources;
  readonly #opposed;
  readonly #sourceStates;
  readonly #replaced;

  constructor({ db }: Readable) {
    this.#add = db.prepare<[string, MemoryLinkKind, string]>(
      'INSERT OR IGNORE INTO memory_links (from_id, kind, to_id) VALUES (?, ?, ?)',
    );
    this.#dependants = db.prepare<[string], Dependant>(
      `SELECT m.id, l.kind, m.stale FROM memory_links l JOIN memories m ON m.id = l.from_id
       WHERE l.to_id = ? AND l.kind IN ('derived', 'possible')
         AND m.forgotten_ms IS NULL AND m.superseded_ms IS NULL AND m.expired_ms IS NULL`,
    );
    this.#sources = db.prepare<[string], { id: string; kind: 'derived' | 'possible' }>(
      "SELECT to_id AS id, kind FROM memory_links WHERE from_id = ? AND kind IN ('derived', 'possible') ORDER BY kind, to_id",
    );
    this.#sourceStates = db.prepare<[string], SourceRow>(
      `SELECT l.to_id AS id, l.kind, m.scope, m.superseded_ms, m.expired_ms, m.stale
       FROM memory_links l LEFT JOIN memories m ON m.id = l.to_id AND m.forgotten_ms IS NULL
       WHERE l.from_id = ? AND l.kind IN ('derived', 'possible') ORDER BY l.kind, l.to_id`,
    );
    this.#replaced = db
      .prepare<[string], string>(
        "SELECT to_id FROM memory_links WHERE from_id = ? AND kind = 'supersedes' ORDER BY to_id DESC",
      )
      .pluck();
    this.#opposed = db
      .prepare<[string, string], string>(
        `SELECT to_id FROM memory_links WHERE from_id = ? AND kind = 'contradicts'
         UNION SELECT from_id FROM memory_links WHERE to_id = ? AND kind = 'contradicts'`,
      )
      .pluck();
  }

  /** What it took the place of. */
  replaced(id: string): string[] {
    return this.#replaced.all(id);
  }

  add(from: string, kind: MemoryLinkKind, to: string): void {
    this.#add.run(from, kind, to);
  }

  /** What rests on it and has not been replaced, has not expired and is not forgotten. */
  dependants(id: string): Dependant[] {
    return this.#dependants.all(id);
  }

  /** What it rests on, in any state. */
  sources(id: string): { id: string; kind: 'derived' | 'possible' }[] {
    return this.#sources.all(id);
  }

  /** As `sources`, and how each stands; null: forgotten, or in none of these scopes. */
  sourceStates(id: string, scopes: readonly string[]): SourceState[] {
    return this.#sourceStates.all(id).map((row) => ({
      id: row.id,
      kind: row.kind,
      state: row.scope !== null && scopes.includes(row.scope) ? stateOf(row) : null,
    }));
  }

  /** Declared to contradict it, by either of the two. */
  opposed(id: string): string[] {
    return this.#opposed.all(id, id);
  }
}

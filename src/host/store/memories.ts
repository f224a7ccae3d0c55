/**
 * SQL of `memories` and its full-text index. The index is contentless: it holds the words only, so every change
 * of a live row is written to both tables, in the caller's transaction. `tags` is a JSON array of strings.
 * A forgotten row stays as a tombstone and is in no index.
 */
import { toJson } from './json.ts';
import { MemoryIndex } from './memory-index.ts';
import { bound, type MemoryRecord, type MemoryRow, toRecord } from './memory-record.ts';
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable, type Removal } from './table.ts';

/** A forgotten memory leaves, with its links; a live one never does. */
export const memories = defineTable({
  name: 'memories',
  parts: ['memories_text'],
  migrations: {
    13: 'ALTER TABLE memories ADD COLUMN via TEXT; -- JSON principals that its author followed when storing it; null: none',
    14: /* sql */ `
  ALTER TABLE memories ADD COLUMN layer TEXT NOT NULL DEFAULT 'semantic';
  ALTER TABLE memories ADD COLUMN importance INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE memories ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE memories ADD COLUMN valid_from_ms INTEGER;
  ALTER TABLE memories ADD COLUMN expires_ms INTEGER;
  ALTER TABLE memories ADD COLUMN expired_ms INTEGER;   -- found to have expired; it stays so when the clock goes back
  ALTER TABLE memories ADD COLUMN superseded_by TEXT;   -- id
  ALTER TABLE memories ADD COLUMN superseded_ms INTEGER;
  ALTER TABLE memories ADD COLUMN stale TEXT CHECK (stale IN ('stale', 'possibly_stale'));
  ALTER TABLE memories ADD COLUMN stale_why TEXT;       -- JSON StaleReason
  ALTER TABLE memories ADD COLUMN run TEXT;
  ALTER TABLE memories ADD COLUMN evidence TEXT;        -- JSON MemoryEvidence
  ALTER TABLE memories ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE memories ADD COLUMN used_ms INTEGER;
  ALTER TABLE memories ADD COLUMN weight REAL NOT NULL DEFAULT 0;
  DROP INDEX memories_live;
  CREATE INDEX memories_live ON memories (scope, updated_ms) WHERE forgotten_ms IS NULL AND superseded_ms IS NULL;
  DROP INDEX memories_by_key;
  CREATE UNIQUE INDEX memories_by_key ON memories (scope, key)
    WHERE key IS NOT NULL AND forgotten_ms IS NULL AND superseded_ms IS NULL;
  CREATE INDEX memories_versions ON memories (scope, key, version) WHERE key IS NOT NULL AND forgotten_ms IS NULL;
  CREATE INDEX memories_due ON memories (expires_ms)
    WHERE expires_ms IS NOT NULL AND expired_ms IS NULL AND forgotten_ms IS NULL AND superseded_ms IS NULL;
  `,
  },
  leaves: { kept_ms: ({ events_days }) => events_days * DAY_MS, over: removeForgotten },
});

function removeForgotten({ db }: Readable): Removal {
  const over = db.prepare<[number, number], { rowid: number; id: string }>(
    'SELECT rowid, id FROM memories WHERE forgotten_ms < ? ORDER BY forgotten_ms LIMIT ?',
  );
  const links = db.prepare<[string, string]>('DELETE FROM memory_links WHERE from_id = ? OR to_id = ?');
  const row = db.prepare<[number]>('DELETE FROM memories WHERE rowid = ?');
  return (before_ms, rows_max) => {
    const gone = over.all(before_ms, rows_max);
    for (const { rowid, id } of gone) {
      links.run(id, id);
      row.run(rowid);
    }
    return gone.length;
  };
}

export interface MemoryHit {
  memory: MemoryRecord;
  /** Higher is better; 0 where nothing was ranked. */
  score: number;
}

type RankedRow = MemoryRow & { rank: number; total: number };

const COLUMNS = [
  ...[
    'id',
    'scope',
    'key',
    'text',
    'tags',
    'layer',
    'author',
    'via',
    'run',
    'evidence',
    'version',
    'importance',
  ],
  ...[
    'pinned',
    'valid_from_ms',
    'expires_ms',
    'expired_ms',
    'superseded_by',
    'superseded_ms',
    'stale',
    'stale_why',
  ],
  ...['uses', 'used_ms', 'weight', 'created_ms', 'updated_ms'],
];

/** Texts stay out of it: only the rows that are shown are read whole. */
const LIVE = `m.forgotten_ms IS NULL AND m.superseded_ms IS NULL AND m.scope IN (@own, @other)
  AND (@tags = '[]' OR NOT EXISTS (
    SELECT 1 FROM json_each(@tags) wanted WHERE wanted.value NOT IN (SELECT value FROM json_each(m.tags))))`;

interface Filter {
  own: string;
  other: string;
  tags: string;
  limit: number;
}

export interface MemoryQuery {
  /** Null lists the newest. */
  match: string | null;
  scopes: [string, string?];
  tags: string[];
  limit: number;
}

export interface MemoryResult {
  hits: MemoryHit[];
  total: number;
}

export class MemoryTable {
  readonly #insert;
  readonly #update;
  readonly #forget;
  readonly #index;
  readonly #byId;
  readonly #byKey;
  readonly #count;
  readonly #search;
  readonly #recent;
  readonly #last;

  constructor(store: Readable) {
    const { db } = store;
    this.#insert = db.prepare(
      `INSERT INTO memories (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((name) => `@${name}`).join(', ')})`,
    );
    this.#update = db.prepare(
      `UPDATE memories SET text = @text, tags = @tags, author = @author, via = @via, version = @version, updated_ms = @updated_ms
       WHERE id = @id`,
    );
    this.#forget = db.prepare<[number, string]>('UPDATE memories SET forgotten_ms = ? WHERE id = ?');
    this.#index = new MemoryIndex(store);
    this.#byId = db.prepare<[string], MemoryRow>(
      'SELECT * FROM memories WHERE id = ? AND forgotten_ms IS NULL',
    );
    this.#byKey = db.prepare<[string, string], MemoryRow>(
      'SELECT * FROM memories WHERE scope = ? AND key = ? AND forgotten_ms IS NULL AND superseded_ms IS NULL',
    );
    this.#count = db
      .prepare<[string], number>('SELECT count(*) FROM memories WHERE scope = ? AND forgotten_ms IS NULL')
      .pluck();
    // The rank is rounded so that rows which say the same are a tie, and the newer one wins it; no coarser,
    // because in a small collection a word that most rows hold weighs about a millionth.
    this.#search = db.prepare<[Filter & { match: string }], RankedRow>(
      `WITH live AS MATERIALIZED (
         SELECT m.rowid AS hit, round(bm25(memories_text, 1.0, 2.0, 1.5), 9) AS rank, m.updated_ms AS at
         FROM memories_text JOIN memories m ON m.rowid = memories_text.rowid
         WHERE memories_text MATCH @match AND ${LIVE}
       ), best AS (SELECT * FROM live ORDER BY rank, at DESC, hit DESC LIMIT @limit)
       SELECT m.*, best.rank AS rank, (SELECT count(*) FROM live) AS total
       FROM best JOIN memories m ON m.rowid = best.hit ORDER BY best.rank, best.at DESC, best.hit DESC`,
    );
    this.#last = db.prepare<[], number | null>('SELECT max(rowid) FROM memories').pluck();
    this.#recent = db.prepare<[Filter], RankedRow>(
      `SELECT m.*, 0 AS rank, (SELECT count(*) FROM memories m WHERE ${LIVE}) AS total FROM memories m
       WHERE ${LIVE} ORDER BY m.updated_ms DESC, m.rowid DESC LIMIT @limit`,
    );
  }

  insert(memory: MemoryRecord): void {
    const { lastInsertRowid } = this.#insert.run(bound(memory));
    this.#index.add({ ...memory, rowid: Number(lastInsertRowid) });
  }

  /** Replaces text, tags, author and way, version and time of a live memory. */
  update(memory: MemoryRecord): void {
    const before = this.#row(memory.id);
    this.#index.remove({ ...toRecord(before), rowid: before.rowid });
    this.#update.run(bound(memory));
    this.#index.add({ ...memory, rowid: before.rowid });
  }

  forget(id: string, at_ms: number): void {
    const row = this.#row(id);
    this.#index.remove({ ...toRecord(row), rowid: row.rowid });
    this.#forget.run(at_ms, id);
  }

  byId(id: string): MemoryRecord | null {
    const row = this.#byId.get(id);
    return row === undefined ? null : toRecord(row);
  }

  byKey(scope: string, key: string): MemoryRecord | null {
    const row = this.#byKey.get(scope, key);
    return row === undefined ? null : toRecord(row);
  }

  count(scope: string): number {
    return this.#count.get(scope) ?? 0;
  }

  /**
   * Best first, from one scope or two. `match` is an FTS5 expression (null: all, newest first); a memory has to
   * carry every one of `tags`. `total` counts what matches, whatever the limit.
   */
  search(query: MemoryQuery): MemoryResult {
    const [own, other = own] = query.scopes;
    const filter = { own, other, tags: toJson(query.tags), limit: query.limit };
    const { match } = query;
    const rows = match === null ? this.#recent.all(filter) : this.#search.all({ ...filter, match });
    return {
      hits: rows.map((row) => ({ memory: toRecord(row), score: Number((-row.rank || 0).toPrecision(4)) })),
      total: rows[0]?.total ?? 0,
    };
  }

  /** How many there are, all scopes and the forgotten ones included, or more. */
  atMost(): number {
    return this.#last.get() ?? 0;
  }

  #row(id: string): MemoryRow {
    const row = this.#byId.get(id);
    if (row === undefined) throw new Error(`memory ${id} is not live`);
    return row;
  }
}

/**
 * The table `memories` and the search of it; its rows are read and changed by memory-rows.ts. `tags` is a JSON array of
 * strings. A forgotten row stays as a tombstone and is in no index.
 */
import { toJson } from './json.ts';
import { type MemoryRecord, type MemoryRow, toRecord } from './memory-record.ts';
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
    18: /* sql */ `
  CREATE INDEX memories_spent ON memories (scope) WHERE forgotten_ms IS NULL AND pinned = 0
    AND (superseded_ms IS NOT NULL OR expired_ms IS NOT NULL OR stale IS NOT NULL);
  CREATE INDEX memories_keys ON memories (key, scope) WHERE key IS NOT NULL AND forgotten_ms IS NULL AND superseded_ms IS NULL;
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

/** Texts stay out of it: only the rows that are shown are read whole. */
const LIVE = `m.forgotten_ms IS NULL AND m.superseded_ms IS NULL AND m.expired_ms IS NULL
  AND m.scope IN (SELECT value FROM json_each(@scopes))
  AND (@tags = '[]' OR NOT EXISTS (
    SELECT 1 FROM json_each(@tags) wanted WHERE wanted.value NOT IN (SELECT value FROM json_each(m.tags))))`;

interface Filter {
  scopes: string;
  tags: string;
  limit: number;
}

export interface MemoryQuery {
  /** Null lists the newest. */
  match: string | null;
  scopes: string[];
  tags: string[];
  limit: number;
}

export interface MemoryResult {
  hits: MemoryHit[];
  total: number;
}

export class MemoryTable {
  readonly #search;
  readonly #recent;
  readonly #last;

  constructor(store: Readable) {
    const { db } = store;
    // The rank is rounded so that rows which say the same are a tie, and the newer one wins it; no coarser,
    // because in a small collection a word that most rows hold weighs about a millionth.
    this.#search = db.prepare<[Filter & { match: string }], RankedRow>(
      `WITH live AS MATERIALIZED (
         SELECT m.rowid AS hit, round(bm25(memories_text, 1.0, 2.0, 1.5), 9) AS rank,
           m.stale IS NOT NULL AS stale, m.updated_ms AS at
         FROM memories_text JOIN memories m ON m.rowid = memories_text.rowid
         WHERE memories_text MATCH @match AND ${LIVE}
       ), best AS (SELECT * FROM live ORDER BY stale, rank, at DESC, hit DESC LIMIT @limit)
       SELECT m.*, best.rank AS rank, (SELECT count(*) FROM live) AS total
       FROM best JOIN memories m ON m.rowid = best.hit ORDER BY best.stale, best.rank, best.at DESC, best.hit DESC`,
    );
    this.#last = db.prepare<[], number | null>('SELECT max(rowid) FROM memories').pluck();
    this.#recent = db.prepare<[Filter], RankedRow>(
      `SELECT m.*, 0 AS rank, (SELECT count(*) FROM memories m WHERE ${LIVE}) AS total FROM memories m
       WHERE ${LIVE} ORDER BY m.updated_ms DESC, m.rowid DESC LIMIT @limit`,
    );
  }

  /**
   * Best first, from these scopes. `match` is an FTS5 expression (null: all, newest first); a memory has to
   * carry every one of `tags`. `total` counts what matches, whatever the limit.
   */
  search(query: MemoryQuery): MemoryResult {
    const filter = { scopes: toJson(query.scopes), tags: toJson(query.tags), limit: query.limit };
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
}

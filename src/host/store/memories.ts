/**
 * SQL of `memories` and its full-text index. The index is contentless: it holds the words only, so every change
 * of a live row is written to both tables, in the caller's transaction. `tags` is a JSON array of strings.
 * A forgotten row stays as a tombstone and is in no index.
 */
import type { Principal } from '../api.ts';
import { toJson } from './json.ts';
import { MemoryIndex } from './memory-index.ts';
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

/** A forgotten memory leaves; a live one never does. */
export const memories = defineTable({
  name: 'memories',
  parts: ['memories_text'],
  migrations: {
    13: 'ALTER TABLE memories ADD COLUMN via TEXT; -- JSON principals that its author followed when storing it; null: none',
  },
  leaves: { kept_ms: ({ events_days }) => events_days * DAY_MS, over: 'forgotten_ms < @before_ms' },
});

export interface MemoryRecord {
  id: string;
  /** A principal ('agent:NAME', 'client:NAME', …) or 'shared'. */
  scope: string;
  key: string | null;
  text: string;
  tags: string[];
  author: Principal;
  /** The senders that its author followed when storing it, besides itself. */
  via: Principal[];
  version: number;
  created_ms: number;
  updated_ms: number;
}

export interface MemoryHit {
  memory: MemoryRecord;
  /** Higher is better; 0 where nothing was ranked. */
  score: number;
}

interface Row extends Omit<MemoryRecord, 'tags' | 'author' | 'via'> {
  rowid: number;
  tags: string;
  author: string;
  via: string | null;
}

type RankedRow = Row & { rank: number; total: number };

/** Texts stay out of it: only the rows that are shown are read whole. */
const LIVE = `m.forgotten_ms IS NULL AND m.scope IN (@own, @other)
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
      `INSERT INTO memories (id, scope, key, text, tags, author, via, version, created_ms, updated_ms)
       VALUES (@id, @scope, @key, @text, @tags, @author, @via, @version, @created_ms, @updated_ms)`,
    );
    this.#update = db.prepare(
      `UPDATE memories SET text = @text, tags = @tags, author = @author, via = @via, version = @version, updated_ms = @updated_ms
       WHERE id = @id`,
    );
    this.#forget = db.prepare<[number, string]>('UPDATE memories SET forgotten_ms = ? WHERE id = ?');
    this.#index = new MemoryIndex(store);
    this.#byId = db.prepare<[string], Row>('SELECT * FROM memories WHERE id = ? AND forgotten_ms IS NULL');
    this.#byKey = db.prepare<[string, string], Row>(
      'SELECT * FROM memories WHERE scope = ? AND key = ? AND forgotten_ms IS NULL',
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
    const { lastInsertRowid } = this.#insert.run({
      ...memory,
      tags: toJson(memory.tags),
      via: viaOf(memory),
    });
    this.#index.add({ ...memory, rowid: Number(lastInsertRowid) });
  }

  /** Replaces text, tags, author and way, version and time of a live memory. */
  update(memory: MemoryRecord): void {
    const before = this.#row(memory.id);
    this.#index.remove({ ...toRecord(before), rowid: before.rowid });
    this.#update.run({
      id: memory.id,
      text: memory.text,
      tags: toJson(memory.tags),
      author: memory.author,
      via: viaOf(memory),
      version: memory.version,
      updated_ms: memory.updated_ms,
    });
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

  #row(id: string): Row {
    const row = this.#byId.get(id);
    if (row === undefined) throw new Error(`memory ${id} is not live`);
    return row;
  }
}

const viaOf = ({ via }: MemoryRecord): string | null => (via.length === 0 ? null : toJson(via));

function toRecord(row: Row): MemoryRecord {
  return {
    id: row.id,
    scope: row.scope,
    key: row.key,
    text: row.text,
    tags: JSON.parse(row.tags) as string[],
    author: row.author as Principal,
    via: row.via === null ? [] : (JSON.parse(row.via) as Principal[]),
    version: row.version,
    created_ms: row.created_ms,
    updated_ms: row.updated_ms,
  };
}

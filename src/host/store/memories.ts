/**
 * SQL of `memories` and its full-text index. The index is contentless: it holds the words only, so every change
 * of a live row is written to both tables, in the caller's transaction. `tags` is a JSON array of strings.
 * A forgotten row stays as a tombstone and is in no index.
 */
import type { Principal } from '../api.ts';
import type { Store } from './store.ts';

export interface MemoryRecord {
  id: string;
  /** A principal ('agent:NAME', 'client:NAME', …) or 'shared'. */
  scope: string;
  key: string | null;
  text: string;
  tags: string[];
  author: Principal;
  version: number;
  created_ms: number;
  updated_ms: number;
}

export interface MemoryHit {
  memory: MemoryRecord;
  /** Higher is better; 0 where nothing was ranked. */
  score: number;
}

interface Row extends Omit<MemoryRecord, 'tags' | 'author'> {
  rowid: number;
  tags: string;
  author: string;
}

type RankedRow = Row & { rank: number; total: number };

const LIVE = `m.forgotten_ms IS NULL AND m.scope IN (SELECT value FROM json_each(@scopes))
  AND NOT EXISTS (SELECT 1 FROM json_each(@tags) wanted WHERE wanted.value NOT IN (SELECT value FROM json_each(m.tags)))`;

export class MemoryTable {
  readonly #insert;
  readonly #update;
  readonly #forget;
  readonly #index;
  readonly #unindex;
  readonly #byId;
  readonly #byKey;
  readonly #count;
  readonly #search;
  readonly #recent;

  constructor(store: Store) {
    const { db } = store;
    this.#insert = db.prepare(
      `INSERT INTO memories (id, scope, key, text, tags, author, version, created_ms, updated_ms)
       VALUES (@id, @scope, @key, @text, @tags, @author, @version, @created_ms, @updated_ms)`,
    );
    this.#update = db.prepare(
      `UPDATE memories SET text = @text, tags = @tags, author = @author, version = @version, updated_ms = @updated_ms
       WHERE id = @id`,
    );
    this.#forget = db.prepare<[number, string]>('UPDATE memories SET forgotten_ms = ? WHERE id = ?');
    this.#index = db.prepare<[number | bigint, string, string, string]>(
      'INSERT INTO memories_text (rowid, text, key, tags) VALUES (?, ?, ?, ?)',
    );
    this.#unindex = db.prepare<[number]>('DELETE FROM memories_text WHERE rowid = ?');
    this.#byId = db.prepare<[string], Row>('SELECT * FROM memories WHERE id = ? AND forgotten_ms IS NULL');
    this.#byKey = db.prepare<[string, string], Row>(
      'SELECT * FROM memories WHERE scope = ? AND key = ? AND forgotten_ms IS NULL',
    );
    this.#count = db
      .prepare<[string], number>('SELECT count(*) FROM memories WHERE scope = ? AND forgotten_ms IS NULL')
      .pluck();
    // The rank is rounded so that rows which say the same are a tie, and the newer one wins it; no coarser,
    // because in a small collection a word that most rows hold weighs about a millionth.
    this.#search = db.prepare<[{ match: string; scopes: string; tags: string; limit: number }], RankedRow>(
      `WITH hits AS MATERIALIZED (
         SELECT rowid AS hit, bm25(memories_text, 1.0, 2.0, 1.5) AS rank FROM memories_text WHERE memories_text MATCH @match
       )
       SELECT m.*, hits.rank AS rank, count(*) OVER () AS total FROM hits JOIN memories m ON m.rowid = hits.hit
       WHERE ${LIVE} ORDER BY round(hits.rank, 9), m.updated_ms DESC, m.rowid DESC LIMIT @limit`,
    );
    this.#recent = db.prepare<[{ scopes: string; tags: string; limit: number }], RankedRow>(
      `SELECT m.*, 0 AS rank, count(*) OVER () AS total FROM memories m
       WHERE ${LIVE} ORDER BY m.updated_ms DESC, m.rowid DESC LIMIT @limit`,
    );
  }

  insert(memory: MemoryRecord): void {
    const { lastInsertRowid } = this.#insert.run({ ...memory, tags: JSON.stringify(memory.tags) });
    this.#index.run(lastInsertRowid, memory.text, memory.key ?? '', memory.tags.join(' '));
  }

  /** Replaces text, tags, author, version and time of a live memory. */
  update(memory: MemoryRecord): void {
    const rowid = this.#rowid(memory.id);
    this.#update.run({
      id: memory.id,
      text: memory.text,
      tags: JSON.stringify(memory.tags),
      author: memory.author,
      version: memory.version,
      updated_ms: memory.updated_ms,
    });
    this.#unindex.run(rowid);
    this.#index.run(rowid, memory.text, memory.key ?? '', memory.tags.join(' '));
  }

  forget(id: string, at_ms: number): void {
    const rowid = this.#rowid(id);
    this.#forget.run(at_ms, id);
    this.#unindex.run(rowid);
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
   * Best first. `match` is an FTS5 expression (null: all, newest first); a memory has to carry every one of
   * `tags`. `total` counts what matches, whatever the limit.
   */
  search(query: { match: string | null; scopes: string[]; tags: string[]; limit: number }): {
    hits: MemoryHit[];
    total: number;
  } {
    const common = {
      scopes: JSON.stringify(query.scopes),
      tags: JSON.stringify(query.tags),
      limit: query.limit,
    };
    const rows =
      query.match === null ? this.#recent.all(common) : this.#search.all({ ...common, match: query.match });
    return {
      hits: rows.map((row) => ({ memory: toRecord(row), score: Number((-row.rank || 0).toPrecision(4)) })),
      total: rows[0]?.total ?? 0,
    };
  }

  #rowid(id: string): number {
    const row = this.#byId.get(id);
    if (row === undefined) throw new Error(`memory ${id} is not live`);
    return row.rowid;
  }
}

function toRecord(row: Row): MemoryRecord {
  return {
    id: row.id,
    scope: row.scope,
    key: row.key,
    text: row.text,
    tags: JSON.parse(row.tags) as string[],
    author: row.author as Principal,
    version: row.version,
    created_ms: row.created_ms,
    updated_ms: row.updated_ms,
  };
}

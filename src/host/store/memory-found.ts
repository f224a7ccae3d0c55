/**
 * The rows of `memories` that search has found or lists: which of them a filter lets pass, and what they say. Texts are
 * read of those that are shown.
 */
import type { MemoryLayer, MemoryState } from '../shapes.ts';
import { toJson } from './json.ts';
import { type MemoryRecord, type MemoryRow, toRecord } from './memory-record.ts';
import type { Readable } from './reader.ts';

export interface MemoryFilter {
  scopes: string[];
  states: MemoryState[];
  layers: MemoryLayer[] | null;
  /** All of these. */
  tags: string[];
  author: string | null;
  /** Stored at that time or later. */
  since_ms: number | null;
  /** What was stored later is left out: a second page goes on where the first one ended. */
  rowid_max: number | null;
}

/** What the order of results asks of a row, besides its words. */
export interface Standing {
  rowid: number;
  state: MemoryState;
  importance: number;
  pinned: number;
  weight: number;
}

const STATE = `CASE WHEN superseded_ms IS NOT NULL THEN 'superseded' WHEN expired_ms IS NOT NULL THEN 'expired'
  WHEN stale IS NOT NULL THEN stale ELSE 'live' END`;
const PASSES = `forgotten_ms IS NULL AND ${STATE} IN (SELECT value FROM json_each(@states))
  AND (@layers IS NULL OR layer IN (SELECT value FROM json_each(@layers)))
  AND (@author IS NULL OR author = @author) AND (@since_ms IS NULL OR updated_ms >= @since_ms)
  AND (@rowid_max IS NULL OR rowid <= @rowid_max)
  AND (@tags = '[]' OR NOT EXISTS (
    SELECT 1 FROM json_each(@tags) wanted WHERE wanted.value NOT IN (SELECT value FROM json_each(memories.tags))))`;
const IN_SCOPES = 'scope IN (SELECT value FROM json_each(@scopes))';

type Bound = Record<'scopes' | 'states' | 'tags', string> & {
  layers: string | null;
  author: string | null;
  since_ms: number | null;
  rowid_max: number | null;
};

const COUNTED_MAX = 10_000;

export class FoundRows {
  readonly #passing;
  readonly #byRowid;
  readonly #newest;
  readonly #newestCurrent;
  readonly #count;
  readonly #kept;
  readonly #last;

  constructor({ db }: Readable) {
    this.#passing = db.prepare<[Bound & { rowids: string }], Standing>(
      `SELECT rowid, ${STATE} AS state, importance, pinned, weight FROM memories
       WHERE rowid IN (SELECT value FROM json_each(@rowids)) AND ${IN_SCOPES} AND ${PASSES}`,
    );
    this.#byRowid = db.prepare<[string], MemoryRow>(
      'SELECT * FROM memories WHERE rowid IN (SELECT value FROM json_each(?))',
    );
    this.#newest = db.prepare<[Bound & { limit: number; offset: number }], MemoryRow>(
      `SELECT * FROM memories WHERE ${IN_SCOPES} AND ${PASSES}
       ORDER BY updated_ms DESC, rowid DESC LIMIT @limit OFFSET @offset`,
    );
    // In the order of the index: the first few are read, however many there are.
    this.#newestCurrent = db.prepare<[Bound & { scope: string; limit: number }], MemoryRow>(
      `SELECT * FROM memories INDEXED BY memories_live WHERE scope = @scope AND superseded_ms IS NULL AND ${PASSES}
       ORDER BY updated_ms DESC, rowid DESC LIMIT @limit`,
    );
    this.#kept = db
      .prepare<[string], number | null>(
        'SELECT sum(memories) FROM memory_scopes WHERE scope IN (SELECT value FROM json_each(?))',
      )
      .pluck();
    this.#count = db
      .prepare<[Bound], number>(`SELECT count(*) FROM memories WHERE ${IN_SCOPES} AND ${PASSES}`)
      .pluck();
    this.#last = db.prepare<[], number | null>('SELECT max(rowid) FROM memories').pluck();
  }

  passing(rowids: readonly number[], filter: MemoryFilter): Map<number, Standing> {
    const rows = this.#passing.all({ ...bound(filter), rowids: toJson(rowids) });
    return new Map(rows.map((row) => [row.rowid, row]));
  }

  /** In the order of `rowids`. */
  records(rowids: readonly number[]): MemoryRecord[] {
    const rows = new Map(this.#byRowid.all(toJson(rowids)).map((row) => [row.rowid, row]));
    return rowids.flatMap((rowid) => {
      const row = rows.get(rowid);
      return row === undefined ? [] : [toRecord(row)];
    });
  }

  newest(filter: MemoryFilter, page: { limit: number; offset: number }): MemoryRecord[] {
    const values = bound(filter);
    if (filter.states.includes('superseded')) return this.#newest.all({ ...values, ...page }).map(toRecord);
    const limit = page.offset + page.limit;
    return filter.scopes
      .flatMap((scope) => this.#newestCurrent.all({ ...values, scope, limit }))
      .sort((a, b) => b.updated_ms - a.updated_ms || b.rowid - a.rowid)
      .slice(page.offset, limit)
      .map(toRecord);
  }

  /** Of many memories, how many there are in the scopes: to count those that pass would take too long. */
  count(filter: MemoryFilter): number {
    const kept = this.#kept.get(toJson(filter.scopes)) ?? 0;
    return kept > COUNTED_MAX ? kept : (this.#count.get(bound(filter)) ?? 0);
  }

  last(): number {
    return this.#last.get() ?? 0;
  }
}

function bound({ scopes, states, tags, layers, author, since_ms, rowid_max }: MemoryFilter): Bound {
  return {
    scopes: toJson(scopes),
    states: toJson(states),
    tags: toJson(tags),
    layers: layers === null ? null : toJson(layers),
    author,
    since_ms,
    rowid_max,
  };
}

/** What people ask of `memories` besides search: lists of any scope, a memory by the beginning of its id, and marks. */
import type { MemoryLayer, MemoryState } from '../shapes.ts';
import { toJson } from './json.ts';
import { type MemoryRecord, type MemoryRow, toRecord } from './memory-record.ts';
import type { Readable } from './reader.ts';

export interface MemoryListing {
  /** As stored; null: of every scope. */
  scope: string | null;
  /** Null: all that stand, expired and stale ones included. */
  state: MemoryState | null;
  layer: MemoryLayer | null;
  author: string | null;
  tag: string | null;
  pinned: boolean;
  /** Only older ones than this row, which was listed last. */
  before: { updated_ms: number; rowid: number } | null;
  limit: number;
}

export type ListedRow = MemoryRecord & { rowid: number };

export interface ScopeHolding {
  scope: string;
  memories: number;
  bytes: number;
}

const STATE = `CASE WHEN superseded_ms IS NOT NULL THEN 'superseded' WHEN expired_ms IS NOT NULL THEN 'expired'
  ELSE coalesce(stale, 'live') END`;

/** Weight that feedback gives a memory, and takes from it. */
const WEIGHT_MAX = 1;

export class MemoryCurationTable {
  readonly #list;
  readonly #byPrefix;
  readonly #pin;
  readonly #weigh;
  readonly #known;
  readonly #scopes;
  readonly #pinned;

  constructor({ db }: Readable) {
    this.#list = db.prepare<[Record<string, string | number | null>], MemoryRow>(
      `SELECT * FROM memories WHERE forgotten_ms IS NULL AND (@scope IS NULL OR scope = @scope)
         AND (CASE WHEN @state IS NULL THEN superseded_ms IS NULL ELSE ${STATE} = @state END)
         AND (@layer IS NULL OR layer = @layer) AND (@author IS NULL OR author = @author)
         AND (@pinned = 0 OR pinned = 1)
         AND (@tag IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = @tag))
         AND (@before_ms IS NULL OR (updated_ms, rowid) < (@before_ms, @before_row))
       ORDER BY updated_ms DESC, rowid DESC LIMIT @limit`,
    );
    this.#byPrefix = db.prepare<[string, string], MemoryRow>(
      'SELECT * FROM memories WHERE id >= ? AND id < ? AND forgotten_ms IS NULL ORDER BY id LIMIT 3',
    );
    this.#pin = db.prepare<[number, string]>('UPDATE memories SET pinned = ? WHERE id = ?');
    this.#weigh = db.prepare<[number, string]>(
      `UPDATE memories SET weight = max(-${WEIGHT_MAX}, min(${WEIGHT_MAX}, weight + ?)) WHERE id = ? AND forgotten_ms IS NULL`,
    );
    this.#known = db
      .prepare<[string, string], string>(
        `SELECT text FROM memories WHERE scope = ? AND forgotten_ms IS NULL AND superseded_ms IS NULL
           AND text IN (SELECT value FROM json_each(?))`,
      )
      .pluck();
    this.#scopes = db.prepare<[], ScopeHolding>(
      'SELECT scope, memories, bytes FROM memory_scopes WHERE memories > 0 OR bytes > 0 ORDER BY scope',
    );
    this.#pinned = db.prepare<[string, number], MemoryRow>(
      `SELECT * FROM memories WHERE pinned = 1 AND forgotten_ms IS NULL AND superseded_ms IS NULL AND expired_ms IS NULL
         AND scope IN (SELECT value FROM json_each(?)) ORDER BY updated_ms DESC LIMIT ?`,
    );
  }

  /** The newest first. */
  list({ before, pinned, ...filter }: MemoryListing): ListedRow[] {
    return this.#list
      .all({
        ...filter,
        pinned: pinned ? 1 : 0,
        before_ms: before?.updated_ms ?? null,
        before_row: before?.rowid ?? null,
      })
      .map((row) => ({ ...toRecord(row), rowid: row.rowid }));
  }

  /** Those whose id begins so, at most three: more than one is too many already. */
  byPrefix(beginning: string): MemoryRecord[] {
    // Ids are of letters, digits and dashes.
    return this.#byPrefix.all(beginning, `${beginning}\u{10ffff}`).map(toRecord);
  }

  pin(id: string, pinned: boolean): void {
    this.#pin.run(pinned ? 1 : 0, id);
  }

  weigh(id: string, more: number): void {
    this.#weigh.run(more, id);
  }

  /** Which of these texts a scope holds already. */
  known(scope: string, texts: readonly string[]): Set<string> {
    return new Set(this.#known.all(scope, toJson(texts)));
  }

  scopes(): ScopeHolding[] {
    return this.#scopes.all();
  }

  /** Of these scopes, the newest first. */
  pinned(scopes: readonly string[], limit: number): MemoryRecord[] {
    return this.#pinned.all(toJson(scopes), limit).map(toRecord);
  }
}

/**
 * The rows of `memories`, read and changed one by one; searches are in memories.ts. A change of what search goes by is
 * told to the index in the same transaction.
 */

import type { StaleReason } from '../shapes.ts';
import { toJson } from './json.ts';
import { MemoryIndex } from './memory-index.ts';
import { bound, type MemoryRecord, type MemoryRow, toRecord } from './memory-record.ts';
import type { Readable } from './reader.ts';

const COLUMNS =
  `id scope key text tags layer author via run evidence version importance pinned valid_from_ms expires_ms
  expired_ms superseded_by superseded_ms stale stale_why uses used_ms weight created_ms updated_ms`.split(
    /\s+/,
  );

/** What a statement needs in order to be the one that stands. */
const CURRENT = 'forgotten_ms IS NULL AND superseded_ms IS NULL';

export class MemoryRows {
  readonly #index: MemoryIndex;
  readonly #insert;
  readonly #byId;
  readonly #current;
  readonly #versions;
  readonly #lastVersion;
  readonly #supersede;
  readonly #mark;
  readonly #due;
  readonly #expire;
  readonly #forget;
  readonly #used;
  readonly #spent;
  readonly #oldest;
  readonly #withKey;

  constructor(store: Readable) {
    const { db } = store;
    this.#index = new MemoryIndex(store);
    this.#insert = db.prepare(
      `INSERT INTO memories (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((name) => `@${name}`).join(', ')})`,
    );
    this.#byId = db.prepare<[string], MemoryRow>(
      'SELECT * FROM memories WHERE id = ? AND forgotten_ms IS NULL',
    );
    this.#current = db.prepare<[string, string], MemoryRow>(
      `SELECT * FROM memories WHERE scope = ? AND key = ? AND ${CURRENT}`,
    );
    this.#versions = db.prepare<[string, string, number], MemoryRow>(
      `SELECT * FROM memories WHERE scope = ? AND key = ? AND forgotten_ms IS NULL ORDER BY version DESC, rowid DESC LIMIT ?`,
    );
    this.#lastVersion = db
      .prepare<[string, string], number | null>(
        'SELECT max(version) FROM memories WHERE scope = ? AND key = ? AND forgotten_ms IS NULL',
      )
      .pluck();
    this.#supersede = db.prepare<[string, number, string]>(
      'UPDATE memories SET superseded_by = ?, superseded_ms = ? WHERE id = ?',
    );
    this.#mark = db.prepare<[string, string, string]>(
      'UPDATE memories SET stale = ?, stale_why = ? WHERE id = ?',
    );
    this.#due = db
      .prepare<[number, number], string>(
        `SELECT id FROM memories WHERE expires_ms <= ? AND expires_ms IS NOT NULL AND expired_ms IS NULL AND ${CURRENT}
         ORDER BY expires_ms LIMIT ?`,
      )
      .pluck();
    this.#expire = db.prepare<[number, string]>('UPDATE memories SET expired_ms = ? WHERE id = ?');
    this.#forget = db.prepare<[number, string]>(
      `UPDATE memories SET forgotten_ms = ?, text = '', key = NULL, tags = '[]', evidence = NULL WHERE id = ?`,
    );
    this.#used = db.prepare<[number, string]>(
      'UPDATE memories SET uses = uses + 1, used_ms = ? WHERE id = ?',
    );
    this.#spent = db.prepare<[string, number], MemoryRow>(
      `SELECT * FROM memories INDEXED BY memories_spent WHERE scope = ? AND forgotten_ms IS NULL AND pinned = 0
         AND (superseded_ms IS NOT NULL OR expired_ms IS NOT NULL OR stale IS NOT NULL) LIMIT ?`,
    );
    this.#oldest = db.prepare<[string, number], MemoryRow>(
      `SELECT * FROM memories INDEXED BY memories_live WHERE scope = ? AND ${CURRENT} AND pinned = 0 ORDER BY updated_ms LIMIT ?`,
    );
    this.#withKey = db.prepare<[string, string], MemoryRow>(
      `SELECT * FROM memories WHERE key = ? AND ${CURRENT} AND expired_ms IS NULL
         AND scope IN (SELECT value FROM json_each(?))`,
    );
  }

  insert(memory: MemoryRecord): void {
    const { lastInsertRowid } = this.#insert.run(bound(memory));
    this.#index.add({ ...memory, rowid: Number(lastInsertRowid) });
  }

  /** Null where there is none, or it is forgotten. */
  byId(id: string): MemoryRecord | null {
    return orNull(this.#byId.get(id));
  }

  /** The statement that stands under this key, expired or not. */
  byKey(scope: string, key: string): MemoryRecord | null {
    return orNull(this.#current.get(scope, key));
  }

  /** Statements under one key that have not expired, of several scopes. */
  underKey(key: string, scopes: readonly string[]): MemoryRecord[] {
    return this.#withKey.all(key, toJson(scopes)).map(toRecord);
  }

  /** All that are kept under a key, the newest first. */
  versions(scope: string, key: string, limit: number): MemoryRecord[] {
    return this.#versions.all(scope, key, limit).map(toRecord);
  }

  /** 0 where nothing is kept under the key. */
  lastVersion(scope: string, key: string): number {
    return this.#lastVersion.get(scope, key) ?? 0;
  }

  supersede(id: string, by: string, at_ms: number): void {
    this.#supersede.run(by, at_ms, id);
  }

  mark(id: string, stale: 'stale' | 'possibly_stale', why: StaleReason): void {
    this.#mark.run(stale, toJson(why), id);
  }

  /** Ids of those that have expired and are not marked so. */
  due(now_ms: number, limit: number): string[] {
    return this.#due.all(now_ms, limit);
  }

  expire(id: string, at_ms: number): void {
    this.#expire.run(at_ms, id);
  }

  /** What is left says that there was a memory, and when; nothing of what it said. */
  forget(id: string, at_ms: number): void {
    const row = this.#byId.get(id);
    if (row === undefined) throw new Error(`memory ${id} is not there`);
    this.#index.remove({ ...toRecord(row), rowid: row.rowid });
    this.#forget.run(at_ms, id);
  }

  used(id: string, at_ms: number): void {
    this.#used.run(at_ms, id);
  }

  /** Of one scope: replaced, expired or stale. */
  spent(scope: string, limit: number): MemoryRecord[] {
    return this.#spent.all(scope, limit).map(toRecord);
  }

  /** Of one scope: statements that stand, the longest unchanged first. */
  oldest(scope: string, limit: number): MemoryRecord[] {
    return this.#oldest.all(scope, limit).map(toRecord);
  }
}

const orNull = (row: MemoryRow | undefined): MemoryRecord | null =>
  row === undefined ? null : toRecord(row);

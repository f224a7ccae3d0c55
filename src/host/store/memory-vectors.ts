/**
 * SQL of `memory_vectors`: what an embedding model made of each memory, a byte per dimension. Whatever forgets a memory
 * removes its vector in the same statement. Vectors of one generation are of one model.
 */
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

export const memoryVectors = defineTable({
  name: 'memory_vectors',
  parts: ['memory_vector_model'],
  migrations: {
    23: /* sql */ `
  CREATE TABLE memory_vectors (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    memory INTEGER NOT NULL UNIQUE,       -- rowid of memories
    scope INTEGER NOT NULL,               -- ordinal of memory_scopes
    generation INTEGER NOT NULL,
    vector BLOB NOT NULL
  ) STRICT;
  CREATE INDEX memory_vectors_of ON memory_vectors (scope, generation, seq);
  CREATE TABLE memory_vector_model (
    one INTEGER PRIMARY KEY CHECK (one = 1), model TEXT NOT NULL, generation INTEGER NOT NULL,
    removed INTEGER NOT NULL              -- how many were, so that a reader knows that it has too many
  ) STRICT;
  INSERT INTO memory_vector_model VALUES (1, '', 0, 0);
  CREATE TRIGGER memory_vectors_forgotten AFTER UPDATE OF forgotten_ms ON memories WHEN new.forgotten_ms IS NOT NULL BEGIN
    DELETE FROM memory_vectors WHERE memory = old.rowid;
  END;
  CREATE TRIGGER memory_vectors_removed AFTER DELETE ON memory_vectors BEGIN
    UPDATE memory_vector_model SET removed = removed + 1;
  END;
  `,
  },
  leaves: 'never',
});

export interface UnembeddedRow {
  rowid: number;
  scope: string;
  key: string | null;
  text: string;
  /** JSON. */
  tags: string;
}

export interface VectorRow {
  seq: number;
  memory: number;
  vector: Uint8Array;
}

export interface VectorModel {
  model: string;
  generation: number;
  removed: number;
}

export class MemoryVectorTable {
  readonly #model;
  readonly #change;
  readonly #waiting;
  readonly #put;
  readonly #outdated;
  readonly #ofScopes;
  readonly #last;
  readonly #ordinals;
  readonly #after;
  readonly #members;
  readonly #count;

  constructor({ db }: Readable) {
    this.#model = db.prepare<[], VectorModel>('SELECT model, generation, removed FROM memory_vector_model');
    this.#change = db.prepare<[string]>(
      'UPDATE memory_vector_model SET model = ?, generation = generation + 1',
    );
    this.#waiting = db.prepare<[number, number, number, number], UnembeddedRow>(
      `SELECT rowid, scope, key, text, tags FROM memories m
       WHERE rowid > ? AND rowid <= ? AND forgotten_ms IS NULL AND superseded_ms IS NULL AND NOT EXISTS (
         SELECT 1 FROM memory_vectors v WHERE v.memory = m.rowid AND v.generation = ?)
       ORDER BY rowid LIMIT ?`,
    );
    this.#put = db.prepare<[number, Uint8Array, number]>(
      `INSERT OR REPLACE INTO memory_vectors (memory, scope, generation, vector)
       SELECT m.rowid, s.ordinal, ?, ? FROM memories m JOIN memory_scopes s ON s.scope = m.scope
       WHERE m.rowid = ? AND m.forgotten_ms IS NULL`,
    );
    this.#outdated = db.prepare<[number, number]>(
      `DELETE FROM memory_vectors WHERE seq IN (
         SELECT seq FROM memory_vectors WHERE generation <> ? LIMIT ?)`,
    );
    this.#ofScopes = db.prepare<[number, number]>(
      'DELETE FROM memory_vectors WHERE seq IN (SELECT seq FROM memory_vectors WHERE scope = ? LIMIT ?)',
    );
    this.#last = db.prepare<[], number | null>('SELECT max(rowid) FROM memories').pluck();
    this.#ordinals = db.prepare<[], { scope: string; ordinal: number }>(
      'SELECT scope, ordinal FROM memory_scopes',
    );
    this.#after = db.prepare<[number, number, number], VectorRow>(
      `SELECT seq, memory, vector FROM memory_vectors WHERE scope = ? AND generation = ? AND seq > ? ORDER BY seq`,
    );
    this.#members = db
      .prepare<[number, number], number>(
        'SELECT seq FROM memory_vectors WHERE scope = ? AND generation = ? ORDER BY seq',
      )
      .pluck();
    this.#count = db
      .prepare<[number], number>('SELECT count(*) FROM memory_vectors WHERE generation = ?')
      .pluck();
  }

  model(): VectorModel {
    return this.#model.get()!;
  }

  /** From here on vectors of every other model are outdated. @returns the generation */
  use(model: string): number {
    if (this.model().model !== model) this.#change.run(model);
    return this.model().generation;
  }

  /** Of the rows after `from`, through `to`: statements that stand and have no vector. */
  waiting(from: number, to: number, generation: number, limit: number): UnembeddedRow[] {
    return this.#waiting.all(from, to, generation, limit);
  }

  /** Nothing where the memory was forgotten meanwhile. */
  put(memory: number, generation: number, vector: Int8Array): void {
    this.#put.run(generation, new Uint8Array(vector.buffer, vector.byteOffset, vector.length), memory);
  }

  /** @returns how many went */
  removeOutdated(generation: number, rows_max: number): number {
    return this.#outdated.run(generation, rows_max).changes;
  }

  /** Of a scope, whatever their model. @returns how many went */
  removeOf(scope: string, rows_max: number): number {
    const ordinal = this.ordinals().get(scope);
    return ordinal === undefined ? 0 : this.#ofScopes.run(ordinal, rows_max).changes;
  }

  lastMemory(): number {
    return this.#last.get() ?? 0;
  }

  /** Of every scope. */
  ordinals(): Map<string, number> {
    return new Map(this.#ordinals.all().map(({ scope, ordinal }) => [scope, ordinal]));
  }

  /** In the order in which they were made; a few at a time are read. */
  after(scope: number, generation: number, seq: number): Iterable<VectorRow> {
    return this.#after.iterate(scope, generation, seq);
  }

  members(scope: number, generation: number): number[] {
    return this.#members.all(scope, generation);
  }

  count(generation: number): number {
    return this.#count.get(generation) ?? 0;
  }
}

/**
 * Parts of the memory's index being made: what is to be built next, its writing in slices, and the removal of those that
 * were replaced. Called by the host's own connection; what reads texts (`MemoryTexts`) works on any.
 */
import type { IndexedMemory } from '../memory/search/part.ts';
import { INDEX_FORM } from './memory-index.ts';
import type { Readable } from './reader.ts';
import type { Store } from './store.ts';

export interface PartRange {
  scope: string;
  first_rowid: number;
  last_rowid: number;
}

export interface PartState extends PartRange {
  id: number;
  size: number;
  text_bytes: number;
}

/** What is known of a part before its lists are written. */
export interface BuiltPart {
  size: number;
  length_sum: number;
  text_bytes: number;
  terms: number;
  documents: Uint8Array;
}

export class PartTable {
  readonly #store: Store;
  readonly #begin;
  readonly #open;
  readonly #document;
  readonly #list;
  readonly #finish;
  readonly #retire;
  readonly #retireScope;
  readonly #retireForms;
  readonly #retireUnfinished;
  readonly #retired;
  readonly #lists;
  readonly #drop;
  readonly #abandon;
  readonly #kept;
  readonly #scopes;

  constructor(store: Store) {
    const { db } = store;
    this.#store = store;
    this.#begin = db.prepare<[PartRange & { form: string }]>(
      `INSERT INTO memory_parts (scope, first_rowid, last_rowid, state, form)
       VALUES (@scope, @first_rowid, @last_rowid, 'building', @form)`,
    );
    this.#open = db
      .prepare<[number], number>(
        `SELECT 1 FROM memory_parts WHERE id = ? AND state = 'building' AND changes = 0`,
      )
      .pluck();
    this.#document = db.prepare<[BuiltPart & { id: number }]>(
      `UPDATE memory_parts SET size = @size, length_sum = @length_sum, text_bytes = @text_bytes, terms = @terms,
       documents = @documents WHERE id = @id`,
    );
    this.#list = db.prepare<[number, string, Uint8Array]>('INSERT INTO memory_postings VALUES (?, ?, ?)');
    this.#finish = db.prepare<[number]>(`UPDATE memory_parts SET state = 'ready' WHERE id = ?`);
    this.#retire = db.prepare<[PartRange & { id: number }]>(
      `UPDATE memory_parts SET state = 'retired' WHERE scope = @scope AND id <> @id AND state = 'ready'
       AND first_rowid >= @first_rowid AND last_rowid <= @last_rowid`,
    );
    this.#retireScope = db.prepare<[string]>(
      `UPDATE memory_parts SET state = 'retired' WHERE scope = ? AND state <> 'retired'`,
    );
    this.#retireForms = db.prepare<[string]>(
      `UPDATE memory_parts SET state = 'retired' WHERE form <> ? AND state <> 'retired'`,
    );
    this.#retireUnfinished = db.prepare(`UPDATE memory_parts SET state = 'retired' WHERE state = 'building'`);
    this.#retired = db
      .prepare<[], number>(`SELECT id FROM memory_parts WHERE state = 'retired' LIMIT 1`)
      .pluck();
    this.#lists = db.prepare<[number, number]>(
      'DELETE FROM memory_postings WHERE (part, term) IN (SELECT part, term FROM memory_postings WHERE part = ? LIMIT ?)',
    );
    this.#drop = db.prepare<[number]>('DELETE FROM memory_parts WHERE id = ?');
    this.#abandon = db.prepare<[number]>(
      `UPDATE memory_parts SET state = 'retired' WHERE id = ? AND state = 'building'`,
    );
    this.#kept = db.prepare<[], { rows: number | null; bytes: number | null }>(
      'SELECT (SELECT max(rowid) FROM memories) AS rows, (SELECT sum(bytes) FROM memory_scopes) AS bytes',
    );
    this.#scopes = db.prepare<[], string>('SELECT scope FROM memory_scopes').pluck();
  }

  /** From now on a removal in the range is seen by `write`. @returns the part's id */
  begin(range: PartRange): number {
    return Number(this.#begin.run({ ...range, form: INDEX_FORM }).lastInsertRowid);
  }

  /** @returns false where the part may not be gone on with, because something of it was removed meanwhile */
  describe(id: number, built: BuiltPart): boolean {
    return this.#store.transaction(() => {
      if (this.#open.get(id) === undefined) return false;
      this.#document.run({ ...built, id });
      return true;
    });
  }

  /** As `describe`. */
  write(id: number, lists: readonly (readonly [string, Uint8Array])[]): boolean {
    return this.#store.transaction(() => {
      if (this.#open.get(id) === undefined) return false;
      for (const [term, holders] of lists) this.#list.run(id, term, holders);
      return true;
    });
  }

  /** The part is searched from now on, and what it covers is not. As `describe`. */
  finish(id: number, range: PartRange): boolean {
    return this.#store.transaction(() => {
      if (this.#open.get(id) === undefined) return false;
      this.#finish.run(id);
      this.#retire.run({ ...range, id });
      return true;
    });
  }

  abandon(id: number): void {
    this.#abandon.run(id);
  }

  /** Whether there is more than is searched without an index. */
  isNeeded(rows: number, bytes: number): boolean {
    const kept = this.#kept.get();
    return (kept?.rows ?? 0) > rows || (kept?.bytes ?? 0) > bytes;
  }

  scopes(): string[] {
    return this.#scopes.all();
  }

  /** Parts that a host which died was writing, and those of another form. @returns how many of another form */
  retireUnusable(): number {
    return this.#store.transaction(() => {
      this.#retireUnfinished.run();
      return this.#retireForms.run(INDEX_FORM).changes;
    });
  }

  /** @returns how many parts the scope had */
  retireScope(scope: string): number {
    return this.#retireScope.run(scope).changes;
  }

  /** Removes some lists of a retired part. @returns false: there is none */
  sweep(lists_max: number): boolean {
    return this.#store.transaction(() => {
      const part = this.#retired.get();
      if (part === undefined) return false;
      if (this.#lists.run(part, lists_max).changes < lists_max) this.#drop.run(part);
      return true;
    });
  }
}

/** Which rows have parts and which do not, and their texts. */
export class MemoryTexts {
  readonly #ready;
  readonly #waiting;
  readonly #after;
  readonly #between;

  constructor({ db }: Readable) {
    this.#ready = db.prepare<[string, string], PartState>(
      `SELECT id, scope, first_rowid, last_rowid, size, text_bytes FROM memory_parts
       WHERE scope = ? AND state = 'ready' AND form = ? ORDER BY first_rowid`,
    );
    this.#waiting = db
      .prepare<[string, number], number>(
        'SELECT count(*) FROM memories INDEXED BY memories_of_scope WHERE scope = ? AND rowid > ?',
      )
      .pluck();
    this.#after = db.prepare<[string, number, number], { rowid: number; bytes: number }>(
      `SELECT rowid, octet_length(text) AS bytes FROM memories INDEXED BY memories_of_scope
       WHERE scope = ? AND rowid > ? ORDER BY rowid LIMIT ?`,
    );
    this.#between = db.prepare<[string, number, number], StoredText>(
      `SELECT rowid, key, text, tags, layer, author, run, valid_from_ms, created_ms
       FROM memories INDEXED BY memories_of_scope
       WHERE scope = ? AND rowid BETWEEN ? AND ? AND forgotten_ms IS NULL ORDER BY rowid`,
    );
  }

  /** How many rows come after `rowid`. */
  waiting(scope: string, rowid: number): number {
    return this.#waiting.get(scope, rowid) ?? 0;
  }

  ready(scope: string): PartState[] {
    return this.#ready.all(scope, INDEX_FORM);
  }

  /** Rows after `rowid`, forgotten ones included, oldest first. */
  after(scope: string, rowid: number, rows_max: number): { rowid: number; bytes: number }[] {
    return this.#after.all(scope, rowid, rows_max);
  }

  *between({ scope, first_rowid, last_rowid }: PartRange): Generator<IndexedMemory> {
    for (const row of this.#between.iterate(scope, first_rowid, last_rowid)) yield toIndexed(row);
  }
}

export type StoredText = Omit<IndexedMemory, 'tags'> & { tags: string };

export const toIndexed = (row: StoredText): IndexedMemory => ({
  ...row,
  tags: JSON.parse(row.tags) as string[],
});

/**
 * SQL of the memory's index: parts of up to 32,768 memories of one scope, in the order of their rows, each with a list
 * per term. A part is written once, in slices, while no search uses it (`building`); is searched (`ready`); and leaves in
 * slices when a larger one has taken its place (`retired`). Rows after the last part of a scope are searched
 * without one. What writes a row of `memories` tells this file in the same transaction: what is forgotten
 * leaves every part at once, whatever its state.
 */
import { type IndexedMemory, weighedTerms } from '../memory/search/part.ts';
import { TERMS_VERSION } from '../memory/search/tokens.ts';
import {
  BYTE_ORDER,
  DamagedIndex,
  decodePostings,
  encodePostings,
  rowidAt,
  withoutDocument,
} from './memory-codec.ts';
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

/** Parts of another form are not read. */
export const INDEX_FORM = `1/${BYTE_ORDER}/${TERMS_VERSION}`;

export const memoryParts = defineTable({
  name: 'memory_parts',
  parts: ['memory_postings', 'memory_removals'],
  migrations: {
    19: /* sql */ `
  DROP TABLE memories_text;
  CREATE INDEX memories_of_scope ON memories (scope);
  CREATE TABLE memory_parts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL,
    first_rowid INTEGER NOT NULL, last_rowid INTEGER NOT NULL, -- of memories, all of the scope between them
    state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'retired')),
    form TEXT NOT NULL,                  -- what its terms and its bytes are of
    size INTEGER NOT NULL DEFAULT 0, length_sum INTEGER NOT NULL DEFAULT 0, text_bytes INTEGER NOT NULL DEFAULT 0,
    terms INTEGER NOT NULL DEFAULT 0,    -- rows of memory_postings when it was written
    changes INTEGER NOT NULL DEFAULT 0,  -- removals since
    gone INTEGER NOT NULL DEFAULT 0,     -- terms that left with them
    documents BLOB
  ) STRICT;
  CREATE INDEX memory_parts_of ON memory_parts (scope, first_rowid);
  CREATE TABLE memory_postings (
    part INTEGER NOT NULL, term TEXT NOT NULL, holders BLOB NOT NULL, PRIMARY KEY (part, term)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE memory_removals (scope TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
  },
  leaves: 'never',
});

/** What the index is told of a row: `remove` finds the terms again by the values that `add` was given. */
export type MemoryToIndex = IndexedMemory & { scope: string };

interface Over {
  id: number;
  form: string;
  size: number;
  documents: Buffer | null;
}

export class MemoryIndex {
  readonly #over;
  readonly #retireFrom;
  readonly #list;
  readonly #lists;
  readonly #setList;
  readonly #dropList;
  readonly #changed;
  readonly #removed;
  /** Told of each row that was added, in its transaction. */
  onAdd: (scope: string) => void = () => {};

  constructor({ db }: Readable) {
    this.#over = db.prepare<[string, number, number], Over>(
      'SELECT id, form, size, documents FROM memory_parts WHERE scope = ? AND first_rowid <= ? AND last_rowid >= ?',
    );
    this.#retireFrom = db.prepare<[string, number]>(
      `UPDATE memory_parts SET state = 'retired' WHERE scope = ? AND last_rowid >= ? AND state <> 'retired'`,
    );
    this.#list = db
      .prepare<[number, string], Buffer>('SELECT holders FROM memory_postings WHERE part = ? AND term = ?')
      .pluck();
    this.#lists = db.prepare<[number], string>('SELECT term FROM memory_postings WHERE part = ?').pluck();
    this.#setList = db.prepare<[Buffer, number, string]>(
      'UPDATE memory_postings SET holders = ? WHERE part = ? AND term = ?',
    );
    this.#dropList = db.prepare<[number, string]>('DELETE FROM memory_postings WHERE part = ? AND term = ?');
    this.#changed = db.prepare<[number, number]>(
      'UPDATE memory_parts SET changes = changes + 1, gone = gone + ? WHERE id = ?',
    );
    this.#removed = db.prepare<[string]>(
      'INSERT INTO memory_removals VALUES (?, 1) ON CONFLICT (scope) DO UPDATE SET count = count + 1',
    );
  }

  /** The row was inserted. A row is added once: text, key and tags of an indexed row never change. */
  add({ scope, rowid }: MemoryToIndex): void {
    // SQLite gives out the highest rowid again when its row has left: no part may say that it holds that row.
    this.#retireFrom.run(scope, rowid);
    this.onAdd(scope);
  }

  /** The row is forgotten, or about to be changed: called while it still holds its text. Nothing of it stays. */
  remove(memory: MemoryToIndex): void {
    const parts = this.#over.all(memory.scope, memory.rowid, memory.rowid);
    const terms = parts.length === 0 ? [] : [...weighedTerms(memory).terms.keys()];
    for (const part of parts) this.#removeFrom(part, memory.rowid, terms);
    this.#removed.run(memory.scope);
  }

  #removeFrom({ id, form, size, documents }: Over, rowid: number, terms: readonly string[]): void {
    // A part of which nothing is written yet has no documents: its builder sees that it changed.
    const doc = documents === null ? -1 : offsetOf(documents, size, rowid);
    let gone = 0;
    // Of another form the terms are not known: all are looked through.
    const looked = doc === -1 ? [] : form === INDEX_FORM ? terms : this.#lists.all(id);
    for (const term of looked) {
      const bytes = this.#list.get(id, term);
      if (bytes === undefined) continue;
      const left = leftOf(term, bytes, doc);
      if (left === null) {
        this.#dropList.run(id, term);
        gone += 1;
      } else if (left !== bytes) {
        this.#setList.run(left, id, term);
      }
    }
    this.#changed.run(gone, id);
  }
}

/** @returns the same bytes where the list does not hold it; null where nothing is left, or the list is damaged */
function leftOf(term: string, bytes: Buffer, doc: number): Buffer | null {
  try {
    const list = decodePostings(term, bytes);
    const left = withoutDocument(list, doc);
    if (left === null) return null;
    return left.docs === list.docs ? bytes : encodePostings(term, left);
  } catch (error) {
    if (error instanceof DamagedIndex) return null;
    throw error;
  }
}

/** -1: the part does not hold it. */
function offsetOf(documents: Buffer, size: number, rowid: number): number {
  let from = 0;
  let to = size;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (rowidAt(documents, middle) < rowid) from = middle + 1;
    else to = middle;
  }
  return from < size && rowidAt(documents, from) === rowid ? from : -1;
}

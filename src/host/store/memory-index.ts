/**
 * The words of memories, for search. What writes a row of `memories` tells the index in the same transaction.
 */
import type { Readable } from './reader.ts';

/** What the index takes of a row. `remove` is given the same values as `add` was: it finds the words again by them. */
export interface IndexedMemory {
  rowid: number;
  scope: string;
  key: string | null;
  text: string;
  tags: string[];
}

export class MemoryIndex {
  readonly #add;
  readonly #remove;

  constructor({ db }: Readable) {
    this.#add = db.prepare<[number, string, string, string]>(
      'INSERT INTO memories_text (rowid, text, key, tags) VALUES (?, ?, ?, ?)',
    );
    this.#remove = db.prepare<[number]>('DELETE FROM memories_text WHERE rowid = ?');
  }

  /** The row was inserted. A row is added once: text, key and tags of an indexed row never change. */
  add({ rowid, text, key, tags }: IndexedMemory): void {
    this.#add.run(rowid, text, key ?? '', tags.join(' '));
  }

  /** The row is forgotten, or about to be changed: called while it still holds its text. Nothing of it stays. */
  remove({ rowid }: IndexedMemory): void {
    this.#remove.run(rowid);
  }
}

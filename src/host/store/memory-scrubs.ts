/**
 * SQL of `memory_scrubs`: what a forgotten memory said, until it has been removed from the rest of the database. A host
 * that is killed before finds it here and goes on.
 */
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

export const memoryScrubs = defineTable({
  name: 'memory_scrubs',
  migrations: {
    20: /* sql */ `
  CREATE TABLE memory_scrubs (
    memory TEXT PRIMARY KEY, scrub TEXT NOT NULL -- JSON Scrub
  ) STRICT, WITHOUT ROWID;
  `,
  },
  leaves: 'never',
});

export interface Scrub {
  /** Ids of what was forgotten together, the one that was named first. */
  memories: string[];
  texts: string[];
  /** Keys and tags. */
  names: string[];
  /** An operator forgot it: the words go from everywhere, not only from the traffic of the memory itself. */
  everywhere: boolean;
  /** Runs that wrote it or were shown it. */
  runs: string[];
}

export class MemoryScrubTable {
  readonly #insert;
  readonly #get;
  readonly #delete;
  readonly #all;

  constructor({ db }: Readable) {
    this.#insert = db.prepare<[string, string]>('INSERT INTO memory_scrubs (memory, scrub) VALUES (?, ?)');
    this.#get = db.prepare<[string], string>('SELECT scrub FROM memory_scrubs WHERE memory = ?').pluck();
    this.#delete = db.prepare<[string]>('DELETE FROM memory_scrubs WHERE memory = ?');
    this.#all = db.prepare<[], string>('SELECT memory FROM memory_scrubs').pluck();
  }

  insert(memory: string, scrub: Scrub): void {
    this.#insert.run(memory, toJson(scrub));
  }

  get(memory: string): Scrub | null {
    const json = this.#get.get(memory);
    return json === undefined ? null : (JSON.parse(json) as Scrub);
  }

  delete(memory: string): void {
    this.#delete.run(memory);
  }

  /** Memories that are forgotten and not removed everywhere yet. */
  all(): string[] {
    return this.#all.all();
  }
}

/**
 * SQL of `memory_remains`: where words of a forgotten memory still stand in the database, as places and not as words, so
 * that an operator can have them removed later.
 */
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';
import type { Span } from './text-traces.ts';
import type { TracedRow } from './trace-queries.ts';

export const memoryRemains = defineTable({
  name: 'memory_remains',
  migrations: {
    21: /* sql */ `
  CREATE TABLE memory_remains (
    memory TEXT NOT NULL, place TEXT NOT NULL, -- JSON TracedRow
    spans TEXT NOT NULL,                       -- JSON, characters of the value
    chars INTEGER NOT NULL,                    -- of the whole value: another length is another value
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (memory, place)
  ) STRICT, WITHOUT ROWID;
  `,
  },
  leaves: {
    kept_ms: ({ events_days }) => events_days * DAY_MS,
    over: 'at_ms < @before_ms',
    key: 'memory, place',
  },
});

export interface Remain {
  place: TracedRow;
  spans: Span[];
  chars: number;
}

export class MemoryRemainTable {
  readonly #insert;
  readonly #of;
  readonly #delete;

  constructor({ db }: Readable) {
    this.#insert = db.prepare<[string, string, string, number, number]>(
      'INSERT OR REPLACE INTO memory_remains (memory, place, spans, chars, at_ms) VALUES (?, ?, ?, ?, ?)',
    );
    this.#of = db.prepare<[string], { place: string; spans: string; chars: number }>(
      'SELECT place, spans, chars FROM memory_remains WHERE memory = ?',
    );
    this.#delete = db.prepare<[string, string]>('DELETE FROM memory_remains WHERE memory = ? AND place = ?');
  }

  insert(memory: string, { place, spans, chars }: Remain, at_ms: number): void {
    this.#insert.run(memory, toJson(place), toJson(spans), chars, at_ms);
  }

  of(memory: string): Remain[] {
    return this.#of.all(memory).map(({ place, spans, chars }) => ({
      place: JSON.parse(place) as TracedRow,
      spans: JSON.parse(spans) as Span[],
      chars,
    }));
  }

  delete(memory: string, place: TracedRow): void {
    this.#delete.run(memory, toJson(place));
  }
}

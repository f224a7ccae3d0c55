/**
 * A table is added as a contributor would: its file in the store, and its test. The database gets it, old databases are
 * migrated to it, and its rows leave by its rule.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { migrations } from '../../src/host/store/migrations.ts';
import type { Addition } from './addition.ts';

const TABLE = (
  version: number,
) => `/** SQL of \`notes\`: what an agent wrote down for itself, and what of it is done with. */
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

export const notes = defineTable({
  name: 'notes',
  migrations: {
    ${version}: /* sql */ \`
    CREATE TABLE notes (id TEXT PRIMARY KEY, agent TEXT NOT NULL, text TEXT NOT NULL, done_ms INTEGER) STRICT;
    CREATE INDEX notes_done ON notes (done_ms) WHERE done_ms IS NOT NULL;
    \`,
  },
  leaves: { kept_ms: ({ days }) => days * DAY_MS, over: 'done_ms < @before_ms' },
});

export interface NoteRecord {
  id: string;
  agent: string;
  text: string;
  done_ms: number | null;
}

export class NoteTable {
  readonly #insert;
  readonly #list;

  constructor({ db }: Readable) {
    this.#insert = db.prepare<[NoteRecord]>('INSERT INTO notes VALUES (@id, @agent, @text, @done_ms)');
    this.#list = db.prepare<[string], NoteRecord>('SELECT * FROM notes WHERE agent = ? ORDER BY id');
  }

  insert(note: NoteRecord): void {
    this.#insert.run(note);
  }

  list(agent: string): NoteRecord[] {
    return this.#list.all(agent);
  }
}
`;

const TEST = `/** A database of the first version gets the table; notes are written, read, and leave once they are done and old. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RETENTION } from '../../../src/host/config/load.ts';
import { Events } from '../../../src/host/events/events.ts';
import { randomIds } from '../../../src/host/ids.ts';
import { openLog } from '../../../src/host/log.ts';
import { Retention } from '../../../src/host/operations/upkeep/retention.ts';
import { Runs } from '../../../src/host/runs/runs.ts';
import { NoteTable } from '../../../src/host/store/notes.ts';
import { RunTable } from '../../../src/host/store/runs.ts';
import { Store } from '../../../src/host/store/store.ts';
import { VirtualClock } from '../../support/clock.ts';

const HOUR_MS = 3_600_000;

test('notes that are done leave after the days of the configuration', async () => {
  const stateDir = fs.mkdtempSync(join(tmpdir(), 'aether-notes-'));
  const file = join(stateDir, 'aether.db');
  fs.copyFileSync(join(import.meta.dirname, '../../fixtures/databases/version-1.db'), file);
  new Store(file).close();
  const store = new Store(file);
  const notes = new NoteTable(store);
  const clock = new VirtualClock();
  notes.insert({ id: '1', agent: 'ada', text: 'done long ago', done_ms: clock.now() });
  notes.insert({ id: '2', agent: 'ada', text: 'open', done_ms: null });
  const log = openLog(undefined);
  const events = new Events({ store, clock, ids: randomIds, log });
  const runTable = new RunTable(store);
  const parts = { store, clock, events, runs: new Runs(runTable), runTable, log, stateDir };
  const retention = new Retention(parts, () => ({ ...RETENTION, days: 3 }));
  clock.advance(2 * 24 * HOUR_MS);
  await retention.sweep();
  notes.insert({ id: '3', agent: 'ada', text: 'done lately', done_ms: clock.now() });
  expect(notes.list('ada').map(({ id }) => id)).toEqual(['1', '2', '3']);
  clock.advance(25 * HOUR_MS);
  await retention.sweep();
  expect(notes.list('ada')).toEqual([
    { id: '2', agent: 'ada', text: 'open', done_ms: null },
    { id: '3', agent: 'ada', text: 'done lately', done_ms: expect.any(Number) },
  ]);
  await retention.close();
  store.close();
  fs.rmSync(stateDir, { recursive: true });
});
`;

const FILE = 'src/host/store/notes.ts';
const LIST = 'src/host/store/tables.ts';
const ITS_TEST = 'tests/host/store/notes.test.ts';

export const table: Addition = {
  name: 'a table: its file and its test are written; it is migrated, written, read, and its old rows leave',
  tests: [ITS_TEST, 'tests/host/store/migrations.test.ts'],
  add(scratch) {
    const version = migrations.length + 1;
    scratch.write(FILE, TABLE(version));
    scratch.write(ITS_TEST, TEST);
    scratch.generate();
    expect(scratch.touched()).toEqual({ generated: [LIST], written: [FILE, ITS_TEST] });
    /* A version that another table has is refused, with the next free one. */
    scratch.edit(FILE, `    ${version}: `, `    ${version - 1}: `);
    expect(() => scratch.generate()).toThrow(
      `The migration of notes has version ${version - 1}, and the next free one is ${version}.`,
    );
    /* Taken away again, nothing is left of it. */
    const list = readFileSync(join(scratch.directory, LIST), 'utf8');
    for (const file of [FILE, ITS_TEST]) rmSync(join(scratch.directory, file));
    scratch.generate();
    expect(scratch.touched()).toEqual({ generated: [], written: [] });
    /* And back again. */
    scratch.write(FILE, TABLE(version));
    scratch.write(ITS_TEST, TEST);
    scratch.write(LIST, list);
  },
};

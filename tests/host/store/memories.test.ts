/** The tables of memories: what a migration keeps, and what the sums of a scope count. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newRecord, stateOf } from '../../../src/host/store/memory-record.ts';
import { MemoryRows } from '../../../src/host/store/memory-rows.ts';
import { migrations } from '../../../src/host/store/migrations.ts';
import { SettledRemover } from '../../../src/host/store/retention.ts';
import { Store } from '../../../src/host/store/store.ts';

const VERSION_1 = join(import.meta.dirname, '../../fixtures/databases/version-1.db');
const DAY = 86_400_000;

let dir: string;
let file: string;
let store: Store | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-memories-'));
  file = join(dir, 'aether.db');
});
afterEach(() => {
  store?.close();
  store = null;
  rmSync(dir, { recursive: true });
});

const sums = (of: Store) =>
  of.db.prepare('SELECT scope, memories, bytes FROM memory_scopes ORDER BY scope').all();

test('a memory of the first version is a live statement of today, found as before', () => {
  copyFileSync(VERSION_1, file);
  const old = new Database(file);
  const { n, bytes } = old
    .prepare<[], { n: number; bytes: number }>(
      'SELECT count(*) AS n, sum(octet_length(text) + octet_length(tags) + coalesce(octet_length(key), 0)) AS bytes FROM memories',
    )
    .get()!;
  const before = old.prepare<[], { id: string; text: string }>('SELECT * FROM memories').all();
  old.close();
  store = new Store(file);
  const table = new MemoryRows(store);
  for (const { id, text } of before) {
    const memory = table.byId(id)!;
    expect(memory).toMatchObject({ text, layer: 'semantic', importance: 1, pinned: false, uses: 0 });
    expect(stateOf(memory)).toBe('live');
  }
  const counted = sums(store) as { memories: number; bytes: number }[];
  expect(counted.reduce((sum, one) => sum + one.memories, 0)).toBe(n);
  expect(counted.reduce((sum, one) => sum + one.bytes, 0)).toBe(bytes);
});

test('earlier versions under one key may be many, the newest is one', () => {
  store = new Store(file);
  const table = new MemoryRows(store);
  const version = (id: string, n: number, superseded_ms: number | null) =>
    newRecord({
      id,
      scope: 's',
      key: 'k',
      text: id,
      author: 'host',
      created_ms: n,
      version: n,
      superseded_ms,
    });
  table.insert(version('one', 1, 5));
  table.insert(version('two', 2, 6));
  table.insert(version('three', 3, null));
  expect(() => table.insert(version('four', 4, null))).toThrow(/UNIQUE/);
  expect(table.byKey('s', 'k')?.id).toBe('three');
});

test('a scope counts statements that nothing replaced, and the bytes of all that is kept', () => {
  store = new Store(file);
  const table = new MemoryRows(store);
  const put = (id: string, more: object = {}) =>
    table.insert(newRecord({ id, scope: 's', text: 'four', author: 'host', created_ms: 1, ...more }));
  put('a');
  put('b', { key: 'key', superseded_ms: 3 });
  expect(sums(store)).toEqual([{ scope: 's', memories: 1, bytes: 4 + 2 + 4 + 2 + 3 }]);
  table.forget('a', 5);
  expect(sums(store)).toEqual([{ scope: 's', memories: 0, bytes: 9 }]);
  store.db.prepare('DELETE FROM memories').run();
  expect(sums(store)).toEqual([{ scope: 's', memories: 0, bytes: 0 }]);
});

test('links leave with a tombstone', () => {
  store = new Store(file);
  const table = new MemoryRows(store);
  for (const id of ['a', 'b', 'c'])
    table.insert(newRecord({ id, scope: 's', text: id, author: 'host', created_ms: 1 }));
  const link = store.db.prepare("INSERT INTO memory_links (from_id, kind, to_id) VALUES (?, 'derived', ?)");
  link.run('b', 'a');
  link.run('c', 'b');
  table.forget('a', 1);
  new SettledRemover(store).remove(
    { events_days: 1, events_bytes: 1, journals_days: 1, journals_bytes: 1 } as never,
    3 * DAY,
  );
  expect(store.db.prepare('SELECT id FROM memories ORDER BY id').pluck().all()).toEqual(['b', 'c']);
  expect(store.db.prepare('SELECT from_id FROM memory_links').pluck().all()).toEqual(['c']);
  expect(store.db.pragma('user_version', { simple: true })).toBe(migrations.length);
});

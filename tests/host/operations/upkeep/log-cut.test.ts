/** A table that only grows, cut by age and by bytes: in slices, without an announcement and with one. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RETENTION } from '../../../../src/host/config/load.ts';
import { type Cut, LogCut } from '../../../../src/host/operations/upkeep/log-cut.ts';
import { logTables } from '../../../../src/host/store/retention.ts';
import { Store } from '../../../../src/host/store/store.ts';
import { defineTable } from '../../../../src/host/store/table.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const KEPT_BYTES = 10_000;

const pages = defineTable({
  name: 'pages',
  leaves: {
    kept: () => ({ age_ms: DAY, bytes: KEPT_BYTES }),
    order: 'number',
    at_ms: 'written_ms',
    bytes: 'octet_length(text)',
  },
});

let dir: string;
let store: Store;
let announced: Cut[];
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'aether-log-cut-'));
  store = new Store(join(dir, 'aether.db'));
  store.db.exec('CREATE TABLE pages (number INTEGER PRIMARY KEY, written_ms INTEGER, text TEXT) STRICT');
  announced = [];
});
afterEach(() => {
  store.close();
  fs.rmSync(dir, { recursive: true });
});

function cutOf(options: { announced: boolean; closed?: () => boolean }): LogCut {
  const [table] = logTables(store, [pages]);
  const announce = options.announced ? (cut: Cut) => void announced.push(cut) : undefined;
  return new LogCut({ table: table!, announce, closed: options.closed ?? (() => false) });
}

function write(count: number, written_ms: number, bytes = 100): void {
  const insert = store.db.prepare('INSERT INTO pages (written_ms, text) VALUES (?, ?)');
  store.transaction(() => {
    for (let n = 0; n < count; n += 1) insert.run(written_ms, 'x'.repeat(bytes));
  });
}

const left = () => store.db.prepare<[], number>('SELECT count(*) FROM pages').pluck().get()!;
const oldest = () => store.db.prepare<[], number>('SELECT min(number) FROM pages').pluck().get()!;

test('above its bytes the oldest rows go, until a tenth of it is free', async () => {
  const cut = cutOf({ announced: false });
  write(100, 0);
  expect(await cut.sweep(RETENTION, null)).toBe(0);
  write(1, 0);
  expect(await cut.sweep(RETENTION, null)).toBe(11);
  expect([left(), oldest()]).toEqual([90, 12]);
  /* What was removed counts no more, what came after it does. */
  write(10, 0);
  expect(await cut.sweep(RETENTION, null)).toBe(0);
  write(1, 0);
  expect(await cut.sweep(RETENTION, null)).toBe(11);
  /* A later host counts again and finds the same. */
  expect(await cutOf({ announced: false }).sweep(RETENTION, null)).toBe(0);
});

test('rows go once they are older than their age, and none where the clock is not to be trusted', async () => {
  const cut = cutOf({ announced: false });
  write(2, 0);
  write(3, HOUR);
  expect(await cut.sweep(RETENTION, DAY)).toBe(0);
  expect(await cut.sweep(RETENTION, null)).toBe(0);
  expect(await cut.sweep(RETENTION, DAY + 1)).toBe(2);
  expect(await cut.sweep(RETENTION, 9 * DAY)).toBe(3);
  expect(left()).toBe(0);
});

test('more rows than one statement removes, or one page holds, go in one sweep', async () => {
  write(1_801, 0, 1);
  write(1, 2 * DAY);
  expect(await cutOf({ announced: false }).sweep(RETENTION, 2 * DAY)).toBe(1_801);
  expect(left()).toBe(1);
});

test('a table that announces its cuts is cut by age once a day', async () => {
  const cut = cutOf({ announced: true });
  write(2, 0);
  write(1, 12 * HOUR);
  expect(await cut.sweep(RETENTION, DAY + HOUR)).toBe(0);
  expect(await cut.sweep(RETENTION, 2 * DAY + 1)).toBe(3);
  expect(announced).toEqual([{ through: 3, removed: 3, newest_ms: 12 * HOUR, why: 'age' }]);
});

test('nothing goes that was not announced, and a host that ends stops removing', async () => {
  write(1_000, 0);
  const [table] = logTables(store, [pages]);
  const announce = () => {
    throw new Error('no room');
  };
  const failing = new LogCut({ table: table!, announce, closed: () => false });
  await expect(failing.sweep(RETENTION, 9 * DAY)).rejects.toThrow('no room');
  expect(left()).toBe(1_000);

  let asked = 0;
  const closed = () => {
    asked += 1;
    return asked > 3; // before, after the count, before the first slice: the second slice is not begun
  };
  expect(await cutOf({ announced: true, closed }).sweep(RETENTION, 9 * DAY)).toBe(500);
  expect([left(), announced.length]).toEqual([500, 1]);
});

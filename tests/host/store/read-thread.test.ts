/** A query in a thread of its own sees what is committed, changes nothing, and leaves the event loop free. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Events } from '../../../src/host/events/events.ts';
import { randomIds } from '../../../src/host/ids.ts';
import { openLog } from '../../../src/host/log.ts';
import { Memory } from '../../../src/host/memory/memory.ts';
import { ReadThread } from '../../../src/host/store/read-thread.ts';
import { Store } from '../../../src/host/store/store.ts';
import { VirtualClock } from '../../support/clock.ts';

const ADA = { principal: 'agent:ada', agent: 'ada', run: null } as const;

let dir: string;
let store: Store;
let memory: Memory;
let thread: ReadThread;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-read-'));
  const file = join(dir, 'aether.db');
  store = new Store(file);
  const parts = { store, clock: new VirtualClock(), ids: randomIds };
  memory = new Memory({ ...parts, events: new Events({ ...parts, log: openLog(undefined) }) });
  thread = new ReadThread({
    file,
    module: new URL('../../fixtures/read-queries.ts', import.meta.url).href,
  });
});

afterEach(async () => {
  await thread.close();
  store.close();
  rmSync(dir, { recursive: true });
});

test('it finds what was committed, and not what is being written', async () => {
  memory.store(ADA, { text: 'green tea' });
  expect(await thread.run('search', 'tea')).toBe(1);
  memory.store(ADA, { text: 'black tea' });
  expect(await thread.run('search', 'tea')).toBe(2);
  const reader = store.openReader();
  store.transaction(() => {
    memory.store(ADA, { text: 'no tea' });
    expect(reader.db.prepare('SELECT count(*) FROM memories').pluck().get()).toBe(2);
  });
  expect(reader.db.prepare('SELECT count(*) FROM memories').pluck().get()).toBe(3);
  reader.close();
});

test('while it is busy the event loop is free, and the store is written', async () => {
  await thread.run('busy', 1); // the thread is up
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let written = 0;
  let stop = false;
  const writing = (async () => {
    while (!stop) {
      memory.store(ADA, { text: `note ${written}` });
      written += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const rounds = await thread.run('busy', 400);
  stop = true;
  await writing;
  delay.disable();
  expect(rounds).toBeGreaterThan(10);
  expect(written).toBeGreaterThan(20);
  // Far under the 400 ms that the query took, on a machine that others load.
  expect(delay.percentile(90) / 1e6).toBeLessThan(100);
});

test('it cannot write, and a query that fails or is unknown fails alone', async () => {
  memory.store(ADA, { text: 'green tea' });
  await expect(thread.run('write', null)).rejects.toThrow(/readonly/);
  await expect(thread.run('refuse', null)).rejects.toMatchObject({ code: 'test.refused', who: 'agent' });
  await expect(thread.run('nothing', null)).rejects.toThrow(/not a function/);
  expect(await thread.run('search', 'tea')).toBe(1);
});

test('what waits for a thread that dies is told, and the next query starts another', async () => {
  const died = thread.run('leave', null);
  const waiting = thread.run('search', 'tea');
  await expect(died).rejects.toMatchObject({ code: 'store.reader' });
  await expect(waiting).rejects.toMatchObject({ code: 'store.reader' });
  expect(await thread.run('search', 'tea')).toBe(0);
});

test('many memories are searched in a thread, with the same result as few on the loop', async () => {
  const query = { query: 'tea 7', limit: 5 };
  memory.store(ADA, { text: 'green tea', key: 'first' });
  expect(memory.searchApart(ADA, query)).toEqual(memory.search(ADA, query));
  store.transaction(() => {
    for (let at = 0; at < 2_000; at += 1) memory.store(ADA, { text: `tea ${at % 10}`, tags: ['t'] });
  });
  await memory.indexed();
  const found = memory.searchApart(ADA, query);
  expect(found).toBeInstanceOf(Promise);
  expect(await found).toEqual(memory.search(ADA, query));
  // What was acknowledged is found, what was forgotten is not.
  const { memory: last } = memory.store(ADA, { text: 'a samovar' });
  const samovar = () => memory.searchApart(ADA, { query: 'samovar' });
  expect((await samovar()).memories).toMatchObject([{ id: last.id }]);
  memory.forget(ADA, { id: last.id });
  expect(await samovar()).toMatchObject({ memories: [], total: 0 });
  expect(() => memory.searchApart(ADA, { query: 'x', tags: [''] })).toThrow(/tags/);
});

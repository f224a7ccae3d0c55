/** The hash chain: what an edit, a cut and an announced removal look like to whoever checks it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PRUNED } from '../../../src/host/events/chain.ts';
import { Events } from '../../../src/host/events/events.ts';
import { randomIds } from '../../../src/host/ids.ts';
import { openLog } from '../../../src/host/log.ts';
import { Store } from '../../../src/host/store/store.ts';
import { VirtualClock } from '../../support/clock.ts';

let dir: string;
let store: Store;
let events: Events;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-chain-'));
  store = new Store(join(dir, 'aether.db'));
  events = new Events({ store, clock: new VirtualClock(), ids: randomIds, log: openLog(undefined) });
  for (let n = 1; n <= 20; n += 1) say(`event ${n}`);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

function say(text: string): void {
  const data = { level: 'info', text } as const;
  events.append({ topic: 'engine.note', principal: 'host', grade: 'observed', data });
}

const run = (sql: string) => store.db.exec(sql);
const hashAt = (seq: number) =>
  store.db.prepare<[number], string>('SELECT hash FROM events WHERE seq = ?').pluck().get(seq)!;

function announce(through: number, hash = hashAt(through)): void {
  const data = { through, hash, removed: through, newest_ms: 0, why: 'age' } as const;
  events.append({ topic: PRUNED, principal: 'host', grade: 'enforced', data });
}

test('a log that nobody touched is whole', () => {
  expect(events.verify()).toEqual({ broken: null, events: 20, from: 1 });
});

test.each([
  ["UPDATE events SET data = '{}' WHERE seq = 7", 7],
  ["UPDATE events SET agent = 'another' WHERE seq = 7", 7],
  ['UPDATE events SET at_ms = at_ms + 1 WHERE seq = 1', 1],
  ["UPDATE events SET hash = 'x' WHERE seq = 7", 7],
  ['DELETE FROM events WHERE seq = 7', 8],
  ['DELETE FROM events WHERE seq <= 7', 8],
])('%s is found', (sql, seq) => {
  run(sql);
  expect(events.verify().broken?.seq).toBe(seq);
});

test('a removal that was announced leaves a whole log', () => {
  announce(7);
  run('DELETE FROM events WHERE seq <= 7');
  expect(events.verify()).toEqual({ broken: null, events: 14, from: 8 });
  // And again, after the announcement of the first one has gone too.
  announce(21);
  run('DELETE FROM events WHERE seq <= 21');
  expect(events.verify()).toEqual({ broken: null, events: 1, from: 22 });
});

test('a removal that was cut short is one that goes on', () => {
  announce(7);
  run('DELETE FROM events WHERE seq <= 3');
  expect(events.verify()).toEqual({ broken: null, events: 18, from: 4 });
});

test('more than was announced, or another past than was announced, is found', () => {
  announce(7);
  run('DELETE FROM events WHERE seq <= 9');
  expect(events.verify().broken).toMatchObject({ seq: 10, why: expect.stringContaining('no event says') });
});

test('an announcement that names another hash does not help', () => {
  announce(7, 'f'.repeat(64));
  run('DELETE FROM events WHERE seq <= 7');
  expect(events.verify().broken?.seq).toBe(8);
});

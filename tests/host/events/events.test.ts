import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EventView } from '../../../src/host/api.ts';
import { Events } from '../../../src/host/events/events.ts';
import { randomIds } from '../../../src/host/ids.ts';
import { limits } from '../../../src/host/limits.ts';
import { openLog } from '../../../src/host/log.ts';
import { Store } from '../../../src/host/store/store.ts';
import { VirtualClock } from '../../support/clock.ts';
import { dataOf } from '../../support/events.ts';

let dir: string;
let store: Store;
let events: Events;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-events-'));
  store = new Store(join(dir, 'aether.db'));
  events = new Events({ store, clock: new VirtualClock(), ids: randomIds, log: openLog(undefined) });
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const note = (text: string) => {
  const data = { level: 'info', text } as const;
  return events.append({ topic: 'engine.note', agent: 'a', principal: 'host', grade: 'observed', data });
};

test('a listener hears committed events only, in order, also when a seq is given out twice', async () => {
  const heard: EventView[] = [];
  events.follow((event) => heard.push(event));
  note('one');
  expect(() =>
    store.transaction(() => {
      note('rolled back');
      throw new Error('no');
    }),
  ).toThrow('no');
  note('two');
  expect(heard).toEqual([]); // not before the commit is over
  await Promise.resolve();
  expect(heard.map((event) => dataOf(event).text)).toEqual(['one', 'two']);
  expect(events.list({}).map((event) => [event.seq, dataOf(event).text])).toEqual([
    [1, 'one'],
    [2, 'two'],
  ]);
});

test('pages go on after a seq, from the end, and by topic prefix; a page has a limit', () => {
  for (let index = 0; index < 10; index += 1) note(String(index));
  const data = { code: 0, signal: null, cause: 'exited', killed: 0, survivors: 0 } as const;
  events.append({ topic: 'run.exited', agent: 'a', principal: 'host', grade: 'observed', data });
  expect(events.list({ after: events.list({})[7]!.cursor }).map((event) => event.seq)).toEqual([9, 10, 11]);
  expect(events.list({ last: true, limit: 2 }).map((event) => event.seq)).toEqual([10, 11]);
  expect(events.list({ topics: ['run.'] }).map((event) => event.topic)).toEqual(['run.exited']);
  expect(() => events.list({ limit: limits.events_page_max + 1 })).toThrow(/page of events/);
});

test('each row carries the hash of the one before it, so an edit shows', () => {
  note('a');
  note('b');
  const rows = store.db.prepare<[], { hash: string }>('SELECT hash FROM events ORDER BY seq').all();
  expect(new Set(rows.map((row) => row.hash)).size).toBe(2);
  for (const row of rows) expect(row.hash).toMatch(/^[0-9a-f]{64}$/);
});

test('a long string is cut, and says how much is elsewhere', () => {
  const stored = note('x'.repeat(limits.event_text_bytes_max + 5));
  expect(String(stored.data.text)).toMatch(/5 more characters are in the journal/);
});

test('a long text is cut between characters, and half a character is not kept', () => {
  const long = note(`x${'😀'.repeat(limits.event_text_bytes_max)}`);
  const half = note('half \ud83d');
  for (const event of [long, half]) {
    const stored = String(dataOf(events.list({}).find(({ id }) => id === event.id)!).text);
    expect(stored.isWellFormed()).toBe(true);
    expect(stored).toBe(event.data.text);
  }
  expect(long.data.text).toMatch(/😀\n… \d+ more characters/u);
  expect(half.data.text).toBe('half \ufffd');
  expect(events.verify()).toMatchObject({ broken: null });
});

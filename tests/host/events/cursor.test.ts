/** Cursors are text that only the host reads: passed back whole they go on, otherwise they are refused. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { cursorOf, placeOf } from '../../../src/host/events/cursor.ts';
import { Events } from '../../../src/host/events/events.ts';
import { randomIds } from '../../../src/host/ids.ts';
import { openLog } from '../../../src/host/log.ts';
import { Store } from '../../../src/host/store/store.ts';
import { VirtualClock } from '../../support/clock.ts';

let dir: string;
let store: Store;
let events: Events;

function open(name: string): Events {
  store = new Store(join(dir, name));
  return new Events({ store, clock: new VirtualClock(), ids: randomIds, log: openLog(undefined) });
}

function say(log: Events, ...texts: string[]): void {
  for (const text of texts)
    log.append({
      topic: 'engine.note',
      agent: text.startsWith('b') ? 'beta' : 'alpha',
      principal: 'host',
      grade: 'observed',
      data: { level: 'info', text },
    });
}

const texts = (filter: Parameters<Events['list']>[0]) =>
  events
    .list({ topics: ['engine.note'], ...filter } as { topics: ['engine.note'] })
    .map(({ data }) => data.text);

beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'aether-cursor-'));
  events = open('aether.db');
  say(events, 'a1', 'b1', 'a2', 'b2', 'a3');
});

afterEach(() => {
  store.close();
  fs.rmSync(dir, { recursive: true });
});

it('pages both ways, also through a filter, without gaps or repeats', () => {
  const all = events.list({});
  expect(all.map(({ cursor }) => texts({ after: cursor })[0])).toEqual(['b1', 'a2', 'b2', 'a3', undefined]);
  const seen: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = events.list({ agent: 'alpha', limit: 1, ...(after === undefined ? {} : { after }) });
    if (page.length === 0) break;
    seen.push(page[0]!.id);
    after = page[0]!.cursor;
  }
  expect(seen).toEqual(all.filter(({ agent }) => agent === 'alpha').map(({ id }) => id));
  expect(texts({ before: all[3]!.cursor, last: true, limit: 2 })).toEqual(['b1', 'a2']);
});

it('the end of the log, also of an empty one, is where the next event comes after', () => {
  const end = events.end();
  expect(texts({ after: end })).toEqual([]);
  say(events, 'a4');
  expect(texts({ after: end })).toEqual(['a4']);
  store.close();
  events = open('empty.db');
  const beginning = events.end();
  say(events, 'a1');
  expect(texts({ after: beginning })).toEqual(['a1']);
});

it('what is cut, changed, padded or of another kind is refused, and never taken for a place', () => {
  const { cursor } = events.list({})[2]!;
  const last = cursor.at(-1)!;
  const damaged = [
    ...['', '3', 'null', '[object Object]', cursor.slice(1), cursor.slice(0, -1), `${cursor}A`, `${cursor}=`],
    ...[` ${cursor}`, cursor.replace(last, '+'), `Z${cursor.slice(1)}`, 'x'.repeat(100_000)],
    ...[Buffer.from([2, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4]).toString('base64url')],
  ];
  for (const text of damaged)
    expect(() => events.list({ after: text }), text.slice(0, 40)).toThrow(
      expect.objectContaining({ code: 'cursor.invalid', who: 'user' }),
    );
  // Every single change of a character is noticed, as damage or as another log's.
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let at = 0; at < cursor.length; at += 1)
    for (const letter of letters) {
      const changed = cursor.slice(0, at) + letter + cursor.slice(at + 1);
      if (changed !== cursor) expect(() => events.list({ before: changed })).toThrow(/cursor/);
    }
});

it('one of another log is refused as that, whether that log was longer or shorter', () => {
  const mine = events.list({}).map(({ cursor }) => cursor);
  store.close();
  events = open('another.db');
  say(events, 'a1', 'b1');
  for (const cursor of mine)
    expect(() => events.list({ after: cursor })).toThrow(expect.objectContaining({ code: 'cursor.foreign' }));
});

it('one whose event retention has removed goes on with what is left', () => {
  const [first] = events.list({});
  store.db.exec('DELETE FROM events WHERE seq <= 3');
  expect(texts({ after: first!.cursor })).toEqual(['b2', 'a3']);
});

it('holds a seq of any size the log can reach', () => {
  const place = { seq: 2 ** 48 - 1, tag: '0123abcd' };
  expect(placeOf(cursorOf(place))).toEqual(place);
});

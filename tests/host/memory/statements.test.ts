/** What becomes of a memory: replaced, contradicted, expired, forgotten, and what rests on it meanwhile. */
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomIds } from '../../../src/host/ids.ts';
import { limits } from '../../../src/host/limits.ts';
import { Memory } from '../../../src/host/memory/memory.ts';
import { momentOf } from '../../../src/host/memory/moment.ts';
import type { NewMemory } from '../../../src/host/memory/statements.ts';
import { actor, Rig, tempDir } from '../../mcp-tools/rig.ts';
import { VirtualClock } from '../../support/clock.ts';

const ADA = actor('agent:ada');
const BOB = actor('agent:bob');
const DAY = 86_400_000;

let clock: VirtualClock;
let rig: Rig;

beforeEach(() => {
  clock = new VirtualClock();
  rig = new Rig(tempDir(), { clock });
});

afterEach(async () => {
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

const store = (text: string, more: Partial<NewMemory> = {}, by = ADA) =>
  rig.memory.store(by, { text, ...more }).memory.id;
const read = (id: string, by = ADA) => rig.memory.get(by, { id }).memory;
const state = (id: string) => read(id).state;

describe('an update', () => {
  it('keeps the earlier statements as history, with their own ids', () => {
    const ids = ['one', 'two', 'three'].map((text) => store(text, { key: 'k' }));
    const { memory, history } = rig.memory.get(ADA, { key: 'k', history: true });
    expect([memory.text, memory.version]).toEqual(['three', 3]);
    expect(history.map(({ id, text, version, state }) => [id, text, version, state])).toEqual([
      [ids[1], 'two', 2, 'superseded'],
      [ids[0], 'one', 1, 'superseded'],
    ]);
    expect(rig.memory.get(ADA, { key: 'k' }).history).toEqual([]);
  });

  it('is refused where the writer has seen another version, and says what is there', () => {
    store('port 80', { key: 'k', if_version: 0 });
    expect(() => store('port 81', { key: 'k', if_version: 0 })).toThrow(
      /not at version 0; it is version 1 .*port 80/,
    );
    store('port 82', { key: 'k', if_version: 1 });
    // Two writers of one version: the second is refused, and nothing is lost.
    expect(() => store('port 83', { key: 'k', if_version: 1 })).toThrow(/version 2/);
    expect(() => store('x', { key: 'none', if_version: 3 })).toThrow(/there is none/);
    expect(() => store('x', { if_version: 0 })).toThrow(/no key was given/);
    expect(rig.memory.get(ADA, { key: 'k', history: true })).toMatchObject({
      memory: { text: 'port 82' },
      history: [{ text: 'port 80' }],
    });
  });

  it('supersedes what it names, once', () => {
    const [a, b] = [store('the door is red'), store('the gate is red')];
    const c = store('both are blue', { supersedes: [a, b, a] });
    expect([state(a), state(b), state(c)]).toEqual(['superseded', 'superseded', 'live']);
    expect(() => store('no, green', { supersedes: [a] })).toThrow(new RegExp(`superseded by ${c}`));
    expect(() => store('x', { supersedes: ['nothing'] })).toThrow(/No memory has the id/);
    const other = store('his', {}, BOB);
    expect(() => store('x', { supersedes: [other] })).toThrow(/No memory has the id/);
  });

  it('keeps so many earlier statements of a key, the newest', () => {
    for (let n = 0; n < limits.memory_versions_max + 10; n += 1) store(`n ${n}`, { key: 'k' });
    const { memory, history } = rig.memory.get(ADA, { key: 'k', history: true });
    expect(memory.version).toBe(limits.memory_versions_max + 10);
    expect(history).toHaveLength(limits.memory_versions_max - 1);
  });
});

describe('what rests on a memory', () => {
  /** A chain: each is derived from the one before. */
  const chain = (length: number) => {
    const ids = [store('the base')];
    for (let n = 1; n < length; n += 1) ids.push(store(`conclusion ${n}`, { derived_from: [ids[n - 1]!] }));
    return ids;
  };

  it('is stale at once when it is superseded, over any number of hops, and says why', () => {
    const ids = chain(6);
    const bystander = store('of its own', { derived_from: [] });
    const { memory, marked } = rig.memory.store(ADA, { text: 'another base', supersedes: [ids[0]!] });
    expect(marked).toEqual({ stale: 5, possibly_stale: 0 });
    expect(ids.map(state)).toEqual(['superseded', ...Array(5).fill('stale')]);
    expect([state(bystander), memory.state]).toEqual(['live', 'live']);
    expect(read(ids[3]!).stale).toEqual({
      source: ids[0],
      what: 'superseded',
      at_ms: clock.now(),
      through: [ids[2], ids[1]],
    });
  });

  it('is stale when it is forgotten, and when its time is over', () => {
    const [a, b, c] = chain(3);
    rig.memory.forget(ADA, { id: b! });
    expect([state(a!), state(c!)]).toEqual(['live', 'stale']);
    expect(read(c!).stale).toMatchObject({ source: b, what: 'forgotten', through: [] });
    const short = store('true today', { expires: '1d' });
    const rests = store('so we go today', { derived_from: [short] });
    clock.advance(DAY - 1);
    expect([state(short), state(rests)]).toEqual(['live', 'live']);
    clock.advance(1);
    expect([state(short), state(rests)]).toEqual(['expired', 'stale']);
    expect(read(rests).stale).toMatchObject({ source: short, what: 'expired' });
    // A clock that goes back makes nothing true again.
    clock.advance(-2 * DAY);
    expect([state(short), state(rests)]).toEqual(['expired', 'stale']);
  });

  it('is stale from the start where a source is not true any more', () => {
    const [a, b] = chain(2);
    store('another base', { supersedes: [a!] });
    expect(state(store('late', { derived_from: [a!] }))).toBe('stale');
    const later = store('later', { derived_from: [b!] });
    expect(read(later)).toMatchObject({ state: 'stale', stale: { source: a, through: [b] } });
  });

  it('is live again when its writer stores it again', () => {
    const base = store('base', { key: 'base' });
    store('conclusion', { key: 'c', derived_from: [base] });
    const next = rig.memory.store(ADA, { text: 'new base', key: 'base' }).memory.id;
    expect(rig.memory.get(ADA, { key: 'c' }).memory.state).toBe('stale');
    store('conclusion', { key: 'c', derived_from: [next] });
    expect(rig.memory.get(ADA, { key: 'c' }).memory.state).toBe('live');
  });

  it('does not make the statement stale that replaces its source', () => {
    const first = store('10 of them', { key: 'n' });
    const next = store('11 of them', { key: 'n', derived_from: [first] });
    expect(state(next)).toBe('live');
    // A cycle: what rests on the old one is a source of the new one.
    const half = store('half is 5.5', { derived_from: [next] });
    const third = store('12 of them', { key: 'n', derived_from: [half] });
    expect([state(half), state(third)]).toEqual(['stale', 'live']);
    rig.memory.forget(ADA, { id: half });
    expect(state(third)).toBe('stale');
  });

  it('may be ten thousand, wide and deep', () => {
    const base = store('base');
    const wide: string[] = [];
    rig.store.transaction(() => {
      for (let n = 0; n < 5_000; n += 1) wide.push(store(`wide ${n}`, { derived_from: [base] }));
      let before = base;
      for (let n = 0; n < 5_000; n += 1) {
        before = store(`deep ${n}`, { derived_from: [before] });
        wide.push(before);
      }
    });
    const began = performance.now();
    const { marked } = rig.memory.store(ADA, { text: 'not so', supersedes: [base] });
    expect(marked.stale).toBe(10_000);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(read(wide.at(-1)!).stale?.through).toHaveLength(16);
    expect(() => store('x', { derived_from: Array.from({ length: 1_001 }, (_, n) => `id ${n}`) })).toThrow(
      /1000/,
    );
  });
});

describe('contradictions', () => {
  it('are two live memories under one key that say different things, each shown with the other', () => {
    const fleet = store('deploys go to fra', { key: 'region', scope: 'fleet' }, BOB);
    const own = rig.memory.store(ADA, { text: 'deploys go to ams', key: 'region' });
    expect(own.contradictedBy).toMatchObject([{ id: fleet, text: 'deploys go to fra', author: 'agent:bob' }]);
    expect(rig.memory.get(ADA, { id: fleet }).contradictedBy).toMatchObject([{ id: own.memory.id }]);
    // Bob does not see hers.
    expect(rig.memory.get(BOB, { id: fleet }).contradictedBy).toEqual([]);
    store('deploys go to fra', { key: 'region' });
    expect(rig.memory.get(ADA, { id: fleet }).contradictedBy).toEqual([]);
  });

  it('are declared, and over when one of the two is replaced', () => {
    const one = store('the cache is on');
    const two = store('the cache is off', { contradicts: [one] });
    expect(rig.memory.get(ADA, { id: one }).contradictedBy).toMatchObject([{ id: two }]);
    expect(rig.memory.get(ADA, { id: two }).contradictedBy).toMatchObject([{ id: one }]);
    store('the cache was on until May', { supersedes: [one] });
    expect(rig.memory.get(ADA, { id: two }).contradictedBy).toEqual([]);
  });
});

describe('forgetting', () => {
  it('takes the earlier statements under the key with it', () => {
    const [a, b] = [store('one', { key: 'k' }), store('two', { key: 'k' })];
    expect(rig.memory.forget(ADA, { key: 'k' })).toMatchObject({ memory: { id: b }, earlier: [a] });
    expect(() => read(a)).toThrow(/forgotten/);
    expect(
      rig.store.db.prepare("SELECT count(*) FROM memories WHERE text <> '' OR key <> ''").pluck().get(),
    ).toBe(0);
  });

  it('of an earlier statement leaves the one that stands', () => {
    const a = store('one', { key: 'k' });
    store('two', { key: 'k' });
    expect(rig.memory.forget(ADA, { id: a })).toMatchObject({ earlier: [] });
    expect(rig.memory.get(ADA, { key: 'k', history: true })).toMatchObject({
      memory: { text: 'two' },
      history: [],
    });
  });
});

describe('a scope', () => {
  const place = { workspace: 'w1', branch: 'main' as string | null };
  const inPlace = () =>
    new Memory({
      store: rig.store,
      clock,
      ids: randomIds,
      events: rig.events,
      placeOf: ({ agent }) => (agent === null ? null : place),
    });

  it('of a workspace and of a branch is seen by those who work there', () => {
    const memory = inPlace();
    memory.store(ADA, { text: 'the tests need postgres', scope: 'workspace' });
    memory.store(ADA, { text: 'this branch drops postgres', scope: 'branch' });
    const found = (by = BOB) =>
      memory
        .search(by, { query: 'postgres' })
        .memories.map(({ scope }) => scope)
        .sort();
    expect(found()).toEqual(['branch', 'workspace']);
    expect(found(actor('client:cursor'))).toEqual([]);
    place.branch = 'other';
    expect(found()).toEqual(['workspace']);
    place.branch = null;
    expect(() => memory.store(ADA, { text: 'x', scope: 'branch' })).toThrow(/No branch is checked out/);
    expect(() => memory.store(actor('client:cursor'), { text: 'x', scope: 'workspace' })).toThrow(
      /no workspace/,
    );
  });

  it('that is full says what is least worth, and a replacement still fits', () => {
    const quotas = { memories_per_scope_max: 4, bytes_per_scope_max: 1_000 };
    const memory = new Memory({
      store: rig.store,
      clock,
      ids: randomIds,
      events: rig.events,
      quotas: () => quotas,
    });
    const put = (text: string, more: Partial<NewMemory> = {}) =>
      memory.store(ADA, { text, ...more }).memory.id;
    const base = put('base', { key: 'base' });
    const rests = put('rests', { derived_from: [base] });
    const brief = put('brief', { expires: '1h' });
    put('plain');
    put('new base', { key: 'base' });
    clock.advance(DAY);
    const full = () => {
      try {
        put('one more');
      } catch (error) {
        return error as { code: string; next: string };
      }
      throw new Error('it was not full');
    };
    const { code, next } = full();
    expect(code).toBe('memory.full');
    const places = [brief, base, rests].map((id) => next.indexOf(id));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(next).toContain('never used');
    memory.forget(ADA, { id: brief });
    put('one more');
    expect(() => put('y'.repeat(1_000), { key: 'base' })).toThrow(/of 1000/);
  });
});

it('takes times as agents write them', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(momentOf('7d', now)).toBe(now + 7 * DAY);
  expect(momentOf('2026-02-03', now)).toBe(Date.UTC(2026, 1, 3));
  expect(momentOf('2026-02-03T10:00', now)).toBe(Date.UTC(2026, 1, 3, 10));
  expect(momentOf('2026-02-03T10:00:00+02:00', now)).toBe(Date.UTC(2026, 1, 3, 8));
  for (const wrong of ['', 'soon', '7', '2026-13-45', '-1d', '1e9d', 'Tue', '999999w9'])
    expect(momentOf(wrong, now)).toBeNull();
  expect(() => store('x', { expires: 'soon' })).toThrow(/expires is no time/);
  expect(() => store('x', { expires: '1999-01-01' })).toThrow(/which is over/);
});

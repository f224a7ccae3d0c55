/** Memory as people look after it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../../src/host/api.ts';
import type { NewMemory } from '../../../src/host/memory/statements.ts';
import { VirtualClock } from '../../support/clock.ts';
import { MemoryDesk } from '../../support/memory-desk.ts';

const OPERATOR: Principal = 'operator:me';

let clock: VirtualClock;
let desk: MemoryDesk;

beforeEach(() => {
  clock = new VirtualClock();
  desk = new MemoryDesk(clock);
});
afterEach(() => desk.close());

function store(who: string, text: string, more: Partial<NewMemory> = {}) {
  clock.advance(1_000);
  const by = { principal: `agent:${who}` as const, agent: who, run: `r_${who}` };
  return desk.memory.store(by, { text, ...more }).memory;
}

const texts = (memories: { text: string }[]) => memories.map(({ text }) => text);

describe('lists', () => {
  it('show every scope, the newest first, page by page, and what each holds', async () => {
    for (let n = 1; n <= 5; n++) store(n % 2 === 0 ? 'ada' : 'bob', `fact ${n}`);
    store('ada', 'for all', { scope: 'fleet' });
    const first = await desk.curation.list(OPERATOR, { limit: 4 });
    expect(texts(first.memories)).toEqual(['for all', 'fact 5', 'fact 4', 'fact 3']);
    const rest = await desk.curation.list(OPERATOR, { limit: 4, cursor: first.cursor! });
    expect(texts(rest.memories)).toEqual(['fact 2', 'fact 1']);
    expect(rest.cursor).toBeNull();
    expect(first.scopes.map(({ scope, memories }) => [scope, memories])).toEqual([
      ['agent:ada', 2],
      ['agent:bob', 3],
      ['fleet', 1],
    ]);
    await expect(desk.curation.list(OPERATOR, { cursor: 'x.y' })).rejects.toMatchObject({
      code: 'memory.cursor',
    });
  });

  it('are narrowed by scope, words, state, layer, author, tag and pin', async () => {
    store('ada', 'The ferry leaves at nine.', { key: 'ferry', tags: ['travel'] });
    store('ada', 'The ferry leaves at ten.', { key: 'ferry', tags: ['travel'], layer: 'procedural' });
    const pinned = store('bob', 'The ferry is blue.');
    desk.curation.pin(OPERATOR, pinned.id, true);
    const found = async (filter: object) => texts((await desk.curation.list(OPERATOR, filter)).memories);
    expect(await found({ scope: 'agent:ada' })).toEqual(['The ferry leaves at ten.']);
    expect(await found({ state: 'superseded' })).toEqual(['The ferry leaves at nine.']);
    expect(await found({ layer: 'procedural' })).toEqual(['The ferry leaves at ten.']);
    expect(await found({ author: 'agent:bob' })).toEqual(['The ferry is blue.']);
    expect(await found({ tag: 'travel', query: 'ferry' })).toEqual(['The ferry leaves at ten.']);
    expect(await found({ query: 'blue ferry' })).toContain('The ferry is blue.');
    expect(await found({ pinned: true })).toEqual(['The ferry is blue.']);
  });
});

describe('a search', () => {
  it('says why each was found, and that nothing certain was', async () => {
    store('ada', 'The staging database is called pelican.');
    store('bob', 'Lunch is at noon.');
    const found = await desk.curation.list(OPERATOR, { query: 'staging database name' });
    expect(found.memories[0]).toMatchObject({ holder: 'agent:ada', found: expect.stringContaining('has ') });
    expect(found.memories[0]!.found).toContain('staging');
    const weak = await desk.curation.list(OPERATOR, {
      query: 'what is the favourite colour of the database',
    });
    expect(weak.notes[0]).toBe('Nothing certain; nearest:');
    const none = await desk.curation.list(OPERATOR, { query: 'zyxwvut' });
    expect(none.memories).toEqual([]);
    expect(none.notes[0]).toContain('No memory matches.');
    expect((await desk.curation.list(OPERATOR, {})).notes).toEqual([]);
  });
});

describe('a quota', () => {
  it('says how much a scope holds of what it may, and what to forget first', async () => {
    const old = store('ada', 'The shop is on fly.io.', { key: 'host' });
    store('ada', 'Deploys go by flyctl.', { derived_from: [old.id] });
    store('ada', 'The shop is on hetzner.', { key: 'host' });
    const { first, ...use } = desk.curation.quota('agent:ada');
    expect(use).toMatchObject({ scope: 'agent:ada', memories: 2, memories_max: 100_000 });
    expect(use.bytes).toBeGreaterThan(60);
    expect(first.map(({ memory, why }) => [memory.text, why])).toEqual([
      ['The shop is on fly.io.', 'superseded'],
      ['Deploys go by flyctl.', 'stale'],
      ['The shop is on hetzner.', 'never used'],
    ]);
    expect(desk.curation.quota('agent:none')).toMatchObject({ memories: 0, bytes: 0, first: [] });
    expect((await desk.curation.list(OPERATOR, {})).quota).toEqual({
      memories_max: 100_000,
      bytes_max: 256 * 1024 * 1024,
    });
  });
});

describe('readers and people', () => {
  it('are told of with a memory: who was shown it, and what was said of it', () => {
    const { id } = store('ada', 'The shop is on fly.io.');
    desk.memory.shown('r_bob', [{ id }]);
    desk.rooms.feedback(OPERATOR, { memory: id, thumb: 'up' });
    clock.advance(1_000);
    desk.rooms.feedback(OPERATOR, { memory: id, thumb: 'down', words: 'It moved.' });
    const { shownTo, feedback } = desk.curation.show(OPERATOR, id);
    expect(shownTo).toContainEqual({ reader: 'r_bob', agent: 'bob', at_ms: expect.any(Number) });
    expect(feedback).toMatchObject([
      { thumb: 'down', by: OPERATOR, kept: { text: expect.stringContaining('It moved.') } },
      { thumb: 'up', by: OPERATOR, kept: null },
    ]);
  });

  it('tells why it is believed, and what became of it', () => {
    const source = store('ada', 'The shop is on fly.io.', { key: 'host' });
    const derived = store('ada', 'Deploys go by flyctl.', { derived_from: [source.id] });
    desk.memory.shown('r_later', [source]);
    const next = store('ada', 'The shop is on hetzner.', { key: 'host' });
    const story = desk.curation.show(OPERATOR, derived.id.slice(0, -2));
    expect(story.memory).toMatchObject({ state: 'stale', holder: 'agent:ada' });
    expect(story.sources).toMatchObject([
      { id: source.id, kind: 'derived', memory: { state: 'superseded' } },
    ]);
    expect(story.because.join('\n')).toMatch(
      /agent:ada stored it .* in run r_ada\.\nIt rests on .*, as its author said\.\nIt is stale: .* was superseded/,
    );
    const { history, because, dependants } = desk.curation.show(OPERATOR, next.id);
    expect(texts(history)).toEqual(['The shop is on fly.io.']);
    expect(dependants).toEqual([]);
    expect(because).toContain('It is version 2 under "host"; 1 earlier one is kept.');
    expect(desk.curation.show(OPERATOR, source.id).shownTo[0]).toMatchObject({ reader: 'r_later' });
  });

  it('is written down as shown to a reader once a minute, however often that one reads it', () => {
    const { id } = store('ada', 'The shop is on fly.io.');
    const shownAt = () =>
      desk.curation.show(OPERATOR, id).shownTo.find(({ reader }) => reader === 'r_1')?.at_ms;
    const first = clock.now();
    for (const ms of [0, 59_999]) {
      clock.advance(ms);
      desk.memory.shown('r_1', [{ id }]);
      expect(shownAt()).toBe(first);
    }
    clock.advance(1);
    desk.memory.shown('r_1', [{ id }]);
    expect(shownAt()).toBe(first + 60_000);
  });

  it('is shown for certain: what a failed call took back is written down again', () => {
    const { id } = store('ada', 'The shop is on fly.io.');
    const failed = () =>
      desk.store.transaction(() => {
        desk.memory.shown('r_1', [{ id }]);
        throw new Error('the call failed');
      });
    expect(failed).toThrow('the call failed');
    desk.memory.shown('r_1', [{ id }]);
    expect(desk.curation.show(OPERATOR, id).shownTo.map(({ reader }) => reader)).toContain('r_1');
  });

  it('is named by the beginning of its id, if only one begins so', () => {
    const { id } = store('ada', 'one');
    store('ada', 'two');
    expect(() => desk.curation.show(OPERATOR, id.slice(0, 4))).toThrow(
      expect.objectContaining({ code: 'memory.ambiguous' }),
    );
    expect(() => desk.curation.show(OPERATOR, 'zzzz')).toThrow(
      expect.objectContaining({ code: 'memory.unknown' }),
    );
    expect(() => desk.curation.show(OPERATOR, '%')).toThrow(
      expect.objectContaining({ code: 'memory.unknown' }),
    );
  });
});

describe('a correction', () => {
  it('is a newer statement by the operator in the same scope; what rested on the old one is stale', () => {
    const old = store('ada', 'Lunch is at noon.', { tags: ['food'], importance: 3 });
    const derived = store('ada', 'Be back by one.', { derived_from: [old.id] });
    desk.curation.pin(OPERATOR, old.id, true);
    const made = desk.curation.edit(OPERATOR, old.id, { text: 'Lunch is at one.' });
    expect(made).toMatchObject({
      holder: 'agent:ada',
      author: OPERATOR,
      tags: ['food'],
      importance: 3,
      pinned: true,
    });
    expect(desk.curation.show(OPERATOR, derived.id).memory.state).toBe('stale');
    expect(texts(desk.curation.show(OPERATOR, made.id).history)).toEqual(['Lunch is at noon.']);
    expect(() => desk.curation.edit(OPERATOR, old.id, { text: 'x' })).toThrow(
      expect.objectContaining({ code: 'memory.conflict' }),
    );
    const keyed = store('ada', 'v1', { key: 'k' });
    expect(desk.curation.edit(OPERATOR, keyed.id, { text: 'v2' })).toMatchObject({ key: 'k', version: 2 });
  });

  it('can be that it is forgotten', async () => {
    const { id } = store('ada', 'a secret');
    const derived = store('ada', 'from it', { derived_from: [id] });
    expect(await desk.curation.forget(OPERATOR, id)).toMatchObject({
      ...{ memory: { id, text: '' }, marked: { stale: 1 } },
    });
    expect(() => desk.curation.show(OPERATOR, id)).toThrow(
      expect.objectContaining({ code: 'memory.unknown' }),
    );
    expect(desk.curation.show(OPERATOR, derived.id).sources).toMatchObject([{ id, memory: null }]);
  });
});

describe('an import', () => {
  it('stores what the scope does not hold, in the name of who asks, and once', async () => {
    store('ada', 'known');
    const memories = [
      { text: 'known' },
      { text: 'new', key: 'k', tags: ['t'], pinned: true, created_ms: 5 },
      { text: 'new' },
      { text: 'over', expires_ms: 1 },
    ];
    const asked = { scope: 'agent:ada', from: 'jsonl x', memories };
    expect(desk.curation.import(OPERATOR, asked)).toMatchObject({ stored: 1, known: 3 });
    expect(desk.curation.import(OPERATOR, asked)).toMatchObject({ stored: 0, known: 4 });
    const [made] = (await desk.curation.list(OPERATOR, { pinned: true })).memories;
    expect(made).toMatchObject({
      text: 'new',
      key: 'k',
      author: OPERATOR,
      valid_from_ms: 5,
      evidence: { from: 'jsonl x' },
    });
  });

  it('is all or nothing', async () => {
    const asked = { scope: 'fleet', from: 'x', memories: [{ text: 'a' }, { text: ' ' }] };
    expect(() => desk.curation.import(OPERATOR, asked)).toThrow(
      expect.objectContaining({ code: 'memory.empty' }),
    );
    expect((await desk.curation.list(OPERATOR, {})).memories).toEqual([]);
  });
});

describe('feedback', () => {
  const weight = (id: string) =>
    (desk.store.db.prepare('SELECT weight FROM memories WHERE id = ?').get(id) as { weight: number }).weight;

  it('is remembered of what the agent did, and weighs what it had been given before', () => {
    desk.agents.configure({ name: 'ada', runtime: 'builtin' } as never, 'hash');
    const used = store('ada', 'Deploys go by flyctl.');
    desk.memory.shown('r_1', [used]);
    clock.advance(10);
    const event = { agent: 'ada', run: 'r_1', principal: 'agent:ada', grade: 'claimed' } as const;
    const data = { toolUseId: 'toolu_1', tool: 'Bash', input: { command: 'flyctl deploy' } };
    const { seq } = desk.events.append({ topic: 'tool.called', ...event, data });
    clock.advance(10);
    const later = store('ada', 'learnt later');
    desk.memory.shown('r_1', [later]);
    const given = desk.rooms.feedback(OPERATOR, { agent: 'ada', thumb: 'down', words: 'never on a Friday' });
    expect(given.memory).toMatchObject({
      text: 'The operator did not like its call of Bash {"command":"flyctl deploy"}. They said: never on a Friday',
      holder: 'agent:ada',
      author: OPERATOR,
      layer: 'social',
      evidence: { event: seq, toolUse: 'toolu_1' },
    });
    expect(given.weighed).toEqual([used.id]);
    expect(weight(used.id)).toBeCloseTo(-0.1);
    for (let n = 0; n < 30; n++) desk.rooms.feedback(OPERATOR, { thumb: 'up', event: seq });
    expect(weight(used.id)).toBe(1);
    expect(weight(later.id)).toBe(0);
  });

  it('is of a memory itself, or of nothing there is', () => {
    desk.agents.configure({ name: 'ada', runtime: 'builtin' } as never, 'hash');
    const { id } = store('ada', 'Deploys go by flyctl.');
    expect(desk.rooms.feedback(OPERATOR, { thumb: 'down', memory: id })).toEqual({
      memory: null,
      weighed: [id],
    });
    expect(weight(id)).toBe(-0.5);
    for (const nothing of [{ agent: 'ada' }, { event: 999 }])
      expect(() => desk.rooms.feedback(OPERATOR, { thumb: 'up', ...nothing })).toThrow(
        expect.objectContaining({ code: 'feedback.nothing' }),
      );
  });
});

describe('an edit', () => {
  it('keeps what it does not change, and can take an end away', () => {
    const end = '2999-01-02T03:04:05.000Z';
    const first = store('ada', 'The ferry leaves at nine.', {
      expires: end,
      tags: ['travel'],
      importance: 3,
    });
    const later = desk.curation.edit(OPERATOR, first.id, { text: 'The ferry leaves at ten.' });
    expect(later).toMatchObject({ expires_ms: Date.parse(end), tags: ['travel'], importance: 3 });
    expect(desk.curation.edit(OPERATOR, later.id, { expires: null }).expires_ms).toBeNull();
  });

  it('of a statement that another has replaced is refused, and names what stands', () => {
    const seen = store('ada', 'The ferry leaves at nine.', { key: 'ferry' });
    const theirs = store('ada', 'The ferry leaves at eleven.', { key: 'ferry' });
    expect(() => desk.curation.edit(OPERATOR, seen.id, { text: 'It leaves at ten.' })).toThrow(
      expect.objectContaining({ code: 'memory.conflict', next: expect.stringContaining(theirs.id) }),
    );
  });
});

describe('the preview of an import', () => {
  it('says what is new, replaces, is known or over, and stores nothing', () => {
    store('ada', 'The ferry leaves at nine.', { key: 'ferry' });
    const asked = {
      scope: 'agent:ada',
      from: 'a file',
      memories: [
        { text: 'The ferry leaves at nine.' },
        { text: 'The ferry leaves at ten.', key: 'ferry' },
        { text: 'A new one.', key: 'one' },
        { text: 'Its next statement.', key: 'one' },
        { text: 'Long ago.', expires_ms: 1 },
      ],
    };
    const fates = ['known', 'replaces', 'new', 'replaces', 'over'];
    const before = desk.curation.quota('agent:ada');
    expect(desk.curation.import(OPERATOR, { ...asked, preview: true })).toEqual({
      stored: 3,
      known: 2,
      fates,
    });
    expect(desk.curation.quota('agent:ada')).toEqual(before);
    expect(desk.curation.import(OPERATOR, asked)).toEqual({ stored: 3, known: 2, fates });
  });
});

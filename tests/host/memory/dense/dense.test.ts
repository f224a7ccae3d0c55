/**
 * Search by meaning with a real endpoint on loopback: what is sent there and what never is, what is found, what remains of
 * a forgotten memory, and what happens where the endpoint is away, wrong, or another one.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Events } from '../../../../src/host/events/events.ts';
import { randomIds } from '../../../../src/host/ids.ts';
import { openLog } from '../../../../src/host/log.ts';
import type { Endpoint } from '../../../../src/host/memory/dense/endpoint.ts';
import { quantised } from '../../../../src/host/memory/dense/vectors.ts';
import { Memory } from '../../../../src/host/memory/memory.ts';
import { Store } from '../../../../src/host/store/store.ts';
import { actor, tempDir } from '../../../mcp-tools/rig.ts';
import { VirtualClock } from '../../../support/clock.ts';
import { EmbeddingServer } from '../../../support/embedding-server.ts';

const ADA = actor('agent:ada');
const BOB = actor('agent:bob');

let server: EmbeddingServer;
let dir: string;
let clock: VirtualClock;
let store: Store;
let events: Events;
let memory: Memory;
let endpoint: Endpoint | null;

const endpointAt = (more: Partial<Endpoint> = {}): Endpoint => ({
  url: server.url,
  ...{ api: 'openai', model: 'topics', dimensions: null, batch_max: 4, timeout_ms: 5_000, exclude: [] },
  key: () => null,
  ...more,
});

function open(): void {
  store = new Store(join(dir, 'aether.db'));
  const parts = { store, clock, ids: randomIds };
  events = new Events({ ...parts, log: openLog(undefined) });
  memory = new Memory({ ...parts, events, embeddings: () => endpoint });
}

beforeEach(async () => {
  server = await EmbeddingServer.open();
  dir = tempDir();
  clock = new VirtualClock();
  endpoint = endpointAt();
  open();
});

afterEach(async () => {
  await memory.indexed();
  store.close();
  await server.close();
  fs.rmSync(dir, { recursive: true });
});

const NOTES = [
  'The automobile stands in the garage behind the house.',
  'Payroll runs on the last Friday of the month.',
  'The physician has hours on Tuesday.',
  'The vessel leaves the harbour at nine.',
  'The puppy sleeps in the kennel.',
  'A loaf from the bakery costs two crowns.',
  'The key of the cellar hangs beside the stairs.',
];

function keep(texts: readonly string[] = NOTES, by = ADA, more: object = {}): void {
  for (const text of texts) memory.store(by, { text, ...more });
}

const count = () => store.db.prepare('SELECT count(*) FROM memory_vectors').pluck().get();
const find = async (query: string, by = ADA) => await memory.searchApart(by, { query });
const told = () =>
  events.list({ topics: ['memory.embeddings'] }).map(({ data }) => data as { works: boolean });

it.each(['openai', 'ollama'] as const)(
  'finds by meaning what shares no word with the query, by %s',
  async (api) => {
    endpoint = endpointAt({ api, dimensions: null, key: () => 'k-secret' });
    keep();
    await memory.indexed();
    expect(count()).toBe(NOTES.length);
    expect(server.asked.every(({ texts }) => texts.length <= 4)).toBe(true);
    expect(server.asked[0]).toMatchObject({
      path: api === 'ollama' ? '/api/embed' : '/v1/embeddings',
      model: 'topics',
      authorization: 'Bearer k-secret',
    });
    const { memories, meant } = await find('which boat');
    expect(memories[0]).toMatchObject({ text: NOTES[3], found: { meaning: true, words: [] } });
    expect(meant).toBeNull();
    // A word that both hold counts besides.
    expect((await find('ship from the cellar key')).memories.map(({ text }) => text)).toEqual(
      expect.arrayContaining([NOTES[3], NOTES[6]]),
    );
  },
);

it('searches by words alone where none is configured, and sends nothing', async () => {
  endpoint = null;
  keep();
  await memory.indexed();
  const { memories, meant } = await find('boat');
  expect([memories, meant, count(), server.asked]).toEqual([[], null, 0, []]);
});

it('answers by words and says so while the endpoint is away, and goes on when it is back', async () => {
  const { port } = server;
  await server.close();
  keep();
  await memory.indexed();
  const { memories, meant } = await find('physician');
  expect(memories[0]?.text).toBe(NOTES[2]);
  expect(meant).toMatch(/^Found by words alone, not by meaning: .*cannot be reached \(ECONNREFUSED\)/);
  await find('harbour');
  expect(told()).toMatchObject([{ works: false, model: 'topics' }]);
  server = await EmbeddingServer.open(port);
  memory.upkeep();
  await memory.indexed();
  expect(count()).toBe(0);
  clock.advance(400_000);
  memory.upkeep();
  await memory.indexed();
  expect([count(), (await find('boat')).memories[0]?.text]).toEqual([NOTES.length, NOTES[3]]);
  expect(told()).toMatchObject([{ works: false }, { works: true }]);
});

it('waits for a mute endpoint no longer than it is told to', async () => {
  server.instead = () => 'hang';
  endpoint = endpointAt({ timeout_ms: 150 });
  const since = performance.now();
  keep(NOTES.slice(0, 1));
  const { meant } = await find('garage');
  expect(meant).toMatch(/no answer within 0.15 seconds/);
  expect(performance.now() - since).toBeLessThan(2_000);
});

it.each<[string, { status: number; body?: string }, RegExp]>([
  ['refuses', { status: 401, body: 'The automobile' }, /status 401/],
  ['has no such model', { status: 404 }, /status 404/],
  ['answers no JSON', { status: 200, body: 'hello' }, /is no JSON/],
  ['answers too few', { status: 200, body: '{"data":[]}' }, /has 0 vectors for/],
  ['answers null', { status: 200, body: 'null' }, /has no vectors/],
  ['answers words', { status: 200, body: '{"data":[{"embedding":["a","b"]}]}' }, /not 2 numbers/],
  ['answers infinity', { status: 200, body: '{"data":[{"embedding":[1e999]}]}' }, /not 1 numbers/],
  ['answers an empty vector', { status: 200, body: '{"data":[{"embedding":[]}]}' }, /0 dimensions/],
  ['sends elsewhere', { status: 302 }, /cannot be reached|status 302/],
])('one that %s is said to, without what it was sent', async (_what, answer, why) => {
  server.instead = () => answer;
  keep(NOTES.slice(0, 1));
  const { memories, meant } = await find('automobile');
  expect(memories).toHaveLength(1);
  expect(meant).toMatch(why);
  expect(JSON.stringify(told())).not.toContain('automobile');
});

it('sends nothing of an excluded scope, and removes what was made of it', async () => {
  endpoint = endpointAt({ exclude: ['agent:bob', 'fleet'] });
  keep(NOTES.slice(0, 2));
  keep(['Bob has a boat.'], BOB);
  keep(['The fleet has a ferry.'], ADA, { scope: 'fleet' });
  await memory.indexed();
  expect([count(), server.texts]).toEqual([2, NOTES.slice(0, 2)]);
  // All that Bob sees is excluded: what he looks for is not sent either.
  const { memories, meant } = await find('boat', BOB);
  expect([memories[0]?.text, meant]).toEqual(['Bob has a boat.', null]);
  expect(server.texts).toHaveLength(2);
  endpoint = endpointAt({ exclude: ['agent'] });
  memory.upkeep();
  await memory.indexed();
  expect(server.texts.slice(2)).toEqual(['The fleet has a ferry.']);
  expect(count()).toBe(1);
});

it('leaves nothing of what was made of a forgotten memory in any file, also where it is being made', async () => {
  keep();
  await memory.indexed();
  const text = NOTES[3]!;
  const { id } = (await find('boat')).memories[0]!;
  const vector = store.db
    .prepare<[string], Uint8Array>(
      'SELECT vector FROM memory_vectors v JOIN memories m ON m.rowid = v.memory WHERE m.id = ?',
    )
    .pluck()
    .get(id)!;
  const holds = () =>
    fs.readdirSync(dir).some((name) => fs.readFileSync(join(dir, name)).includes(Buffer.from(vector)));
  expect(holds()).toBe(true);
  memory.forget(ADA, { id });
  await memory.scrub(id);
  expect([holds(), count()]).toEqual([false, NOTES.length - 1]);
  expect((await find('boat')).memories.map((one) => one.text)).not.toContain(text);

  const asked = new Promise<void>((resolve) => {
    server.instead = () => {
      resolve();
      return null;
    };
  });
  const { memory: late } = memory.store(ADA, { text: 'A late boat.' });
  await asked;
  memory.forget(ADA, { id: late.id });
  await memory.indexed();
  expect(count()).toBe(NOTES.length - 1);
});

it('makes all vectors anew for another model, and goes on where a host before it ended', async () => {
  keep();
  await memory.indexed();
  const first = server.asked.length;
  store.close();
  open();
  memory.upkeep();
  await memory.indexed();
  // Nothing was missing.
  expect(server.asked).toHaveLength(first);
  endpoint = endpointAt({ model: 'other' });
  expect((await find('vehicle')).memories.length).toBeGreaterThanOrEqual(0);
  await memory.indexed();
  expect(server.asked.slice(first).every(({ model }) => model === 'other')).toBe(true);
  expect([count(), (await find('vehicle')).memories[0]?.text]).toEqual([NOTES.length, NOTES[0]]);
});

it('sends a text that the model refuses by itself, once, and the others all the same', async () => {
  server.instead = ({ texts }) => (texts.some((text) => text.includes('Payroll')) ? { status: 400 } : null);
  keep();
  await memory.indexed();
  expect(count()).toBe(NOTES.length - 1);
  const sent = server.asked.length;
  memory.upkeep();
  await memory.indexed();
  expect(server.asked).toHaveLength(sent);
  expect((await find('payroll')).memories[0]?.text).toBe(NOTES[1]);
});

it('filters, forgets and marks as a search by words does', async () => {
  keep(NOTES.slice(0, 3));
  const { memory: boat } = memory.store(ADA, { text: 'The ferry leaves from pier nine.', key: 'ferry' });
  const { memory: rests } = memory.store(ADA, {
    text: 'Nine is the pier of the vessel.',
    derived_from: [boat.id],
  });
  memory.store(ADA, { text: 'The ferry leaves from pier four.', key: 'ferry' });
  await memory.indexed();
  const { memories } = await find('boat');
  expect(memories.map(({ text, state }) => [text, state])).toEqual([
    ['The ferry leaves from pier four.', 'live'],
    [rests.text, 'stale'],
  ]);
  expect((await memory.searchApart(ADA, { query: 'boat', author: 'agent:bob' })).memories).toEqual([]);
  const quoted = await memory.searchApart(ADA, { query: '"pier nine" boat' });
  expect(quoted.memories.every(({ text }) => text.includes('pier'))).toBe(true);
});

it('finds by meaning where most memories are about the same', async () => {
  keep([
    'The ferry leaves from pier four.',
    'The harbour has eight piers.',
    'The taxi takes twelve minutes.',
  ]);
  await memory.indexed();
  expect((await find('boat')).memories.map(({ text }) => text).sort()).toEqual([
    'The ferry leaves from pier four.',
    'The harbour has eight piers.',
  ]);
  keep(['The vessel is late.'], BOB);
  await memory.indexed();
  expect((await find('boat', BOB)).memories).toHaveLength(1);
});

it('keeps the direction of a vector', () => {
  expect([...quantised([0, 0.5, -1])]).toEqual([0, 64, -127]);
  expect([...quantised([0, 0])]).toEqual([0, 0]);
});

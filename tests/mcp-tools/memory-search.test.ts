/** `aether_memory_search` as a model uses it: what it finds, what it says of it, and how much at once. */
import fs from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AetherError } from '../../src/host/errors.ts';
import { VirtualClock } from '../support/clock.ts';
import { caller, clientCaller, Rig, tempDir } from './rig.ts';

const DAY_MS = 86_400_000;
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

const store = async (text: string, more: object = {}) =>
  (await rig.call('aether_memory_store', caller(), { text, ...more })).memory;
const search = (query: string, more: object = {}) =>
  rig.call('aether_memory_search', caller(), { query, ...more });
const texts = async (query: string, more: object = {}): Promise<string[]> =>
  (await search(query, more)).memories.map((memory: { text: string }) => memory.text);

describe('a result', () => {
  it('says why it was found, how old it is, and nothing that is not there', async () => {
    await store('The gateway is restarted at night.');
    clock.advance(3 * DAY_MS);
    const { memories, total, note } = await search('when is the gateway restarted');
    expect(memories).toEqual([
      {
        id: expect.any(String),
        text: 'The gateway is restarted at night.',
        ...{ scope: 'agent', layer: 'semantic', state: 'live', author: 'agent:ada' },
        ...{ why: 'has gateway, restarted', score: expect.any(Number), age: '3 days' },
      },
    ]);
    expect([total, note]).toEqual([1, undefined]);
  });

  it('says what it is not certain of, what it has read otherwise, and which phrase is nowhere', async () => {
    await store('The postgres of the shop is backed up at night.');
    await store('The colour of the shop is blue.');
    await store('The colour of the portal is red.');
    expect((await search('what is the colour of the shop')).note).toBeUndefined();
    expect((await search('postgers shop')).note).toContain('read as "postgres"');
    expect((await search('"red colour"')).note).toContain('quotes');
    const weak = await search('what is the colour of the postgres');
    expect(weak.note).toMatch(/^Nothing certain; nearest:/);
    expect(weak.memories.length).toBeGreaterThan(0);
    expect(await search('zebra')).toMatchObject({ memories: [], total: 0 });
  });

  it('never has a stale one before one that is not', async () => {
    const source = await store('The port of the shop is 80.', { key: 'port' });
    await store('The shop answers on port 80 of the shop, port 80.', { derived_from: [source.id] });
    await store('The port of the shop is 443.', { key: 'port' });
    const { memories } = await search('port of the shop 80');
    expect(memories.map(({ state }: { state: string }) => state)).toEqual(['live', 'stale']);
    expect(memories[1].why).toContain('superseded');
    expect(await texts('port of the shop', { state: 'superseded' })).toEqual(['The port of the shop is 80.']);
    expect((await search('port of the shop', { state: 'all' })).total).toBe(3);
  });
});

describe('what is asked for', () => {
  it('in quotation marks stands so, and elsewhere in any form', async () => {
    await store('The red door leads to the garden.');
    await store('The door of the red barn is open.');
    expect(await texts('"red door"')).toEqual(['The red door leads to the garden.']);
    expect(await texts('doors red')).toHaveLength(2);
    expect(await texts('opened gardens')).toHaveLength(2);
  });

  it('is of a layer, of an author, of tags, or since a time', async () => {
    await store('Deploy one', { layer: 'procedural', tags: ['web'] });
    await rig.call('aether_memory_store', clientCaller('zed'), { text: 'Deploy two', scope: 'fleet' });
    clock.advance(10 * DAY_MS);
    await store('Deploy three', { tags: ['web', 'new'] });
    expect(await texts('deploy', { layer: 'procedural' })).toEqual(['Deploy one']);
    expect(await texts('deploy', { author: 'client:zed' })).toEqual(['Deploy two']);
    expect(await texts('deploy', { tags: ['web'] })).toHaveLength(2);
    expect(await texts('deploy', { since: '7d' })).toEqual(['Deploy three']);
    expect(await texts('deploy', { since: new Date(clock.now() - DAY_MS).toISOString() })).toHaveLength(1);
    await expect(search('deploy', { since: 'yesterday-ish' })).rejects.toMatchObject({
      code: 'memory.since',
    });
  });

  it('in an episode is found by what was said next to it, and by who said it', async () => {
    const say = (text: string, session: string) =>
      store(text, { layer: 'episodic', tags: [`session ${session}`] });
    await say('Mira: What did you bring from the harbour?', '1');
    await say('Jonas: A dozen oysters.', '1');
    await say('Mira: The trains were late.', '2');
    const found = await search('what was brought from the harbour');
    expect(found.memories.map(({ text }: { text: string }) => text)).toContain('Jonas: A dozen oysters.');
    expect(found.memories.find(({ text }: { text: string }) => text.startsWith('Jonas')).why).toContain(
      'said near',
    );
    expect((await texts('what did Jonas say about the harbour'))[0]).toBe('Jonas: A dozen oysters.');
  });
});

describe('how much there is', () => {
  it('fits the budget, in whole memories, and goes on at the cursor', async () => {
    for (let at = 0; at < 30; at += 1) await store(`tea number ${at} ${'leaf '.repeat(40)}`);
    const seen = new Set<string>();
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await search('tea', {
        budget_tokens: 600,
        limit: 10,
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(page.memories.length).toBeGreaterThan(0);
      expect(JSON.stringify(page.memories).length / 4).toBeLessThan(650);
      for (const { id, text } of page.memories) {
        expect(seen.has(id)).toBe(false);
        expect(text.endsWith('leaf ')).toBe(true);
        seen.add(id);
      }
      // What comes meanwhile is no part of it.
      if (pages === 0) await store('tea number 99');
      cursor = page.cursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(seen.size).toBe(30);
    expect(pages).toBeGreaterThan(4);
  });

  it('names what is longer than the budget, and has the rest', async () => {
    const long = await store(`tea ${'leaf '.repeat(4_000)}`);
    await store('tea is short');
    const { memories, note } = await search('tea');
    expect(memories.map(({ text }: { text: string }) => text)).toEqual(['tea is short']);
    expect(note).toContain(long.id);
  });

  it('refuses the cursor of another search', async () => {
    for (let at = 0; at < 3; at += 1) await store(`tea ${at}`);
    const { cursor } = await search('tea', { limit: 1 });
    expect(await texts('tea', { limit: 1, cursor })).toEqual(['tea 1']);
    await expect(search('coffee', { limit: 1, cursor })).rejects.toMatchObject({ code: 'memory.cursor' });
    await expect(search('tea', { cursor: 'x' })).rejects.toMatchObject({ code: 'memory.cursor' });
  });
});

it('takes anything as a query, and refuses in a sentence what is none', async () => {
  await store('a b c 1 2 3 tea');
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }), async (query) => {
      const { memories, total } = await search(query);
      expect(total).toBeGreaterThanOrEqual(memories.length);
    }),
  );
  const refused = (error: unknown) => {
    expect(error).toBeInstanceOf(AetherError);
    expect((error as AetherError).who).toBe('agent');
  };
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        {
          ...{
            query: fc.anything(),
            limit: fc.anything(),
            budget_tokens: fc.anything(),
            layer: fc.anything(),
          },
          ...{ scope: fc.anything(), since: fc.anything(), state: fc.anything(), cursor: fc.anything() },
          other: fc.anything(),
        },
        { requiredKeys: [] },
      ),
      async (args) => {
        await rig.call('aether_memory_search', caller(), args).catch(refused);
      },
    ),
  );
});

/** The index of the search: made behind the rows, found damaged, left by what is forgotten. */
import fs from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Principal } from '../../../../src/host/api.ts';
import { actor, Rig, tempDir } from '../../../mcp-tools/rig.ts';
import { LONG } from '../../../support/run-tree.ts';

const ADA = actor('agent:ada');
let rig: Rig;

beforeEach(() => {
  rig = new Rig(tempDir());
});
afterEach(async () => {
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

const WORDS = 'apple brick cloud drum eagle frost grape hinge inlet jewel kite lemon'.split(' ');

const texts = async (query: string, more: object = {}) =>
  (await rig.memory.searchApart(ADA, { query, limit: 50, ...more })).memories.map(({ text }) => text);

function remember(count: number, text: (at: number) => string, principal: Principal = 'agent:ada'): void {
  rig.store.transaction(() => {
    for (let at = 0; at < count; at += 1) rig.memory.store(actor(principal), { text: text(at) });
  });
}

const parts = () =>
  rig.store.db
    .prepare<[], { state: string; size: number }>('SELECT state, size FROM memory_parts ORDER BY id')
    .all();

async function restart(): Promise<void> {
  const { dir } = rig;
  await rig.close();
  rig = new Rig(dir);
  await rig.memory.indexed();
}

it('is made behind the rows, and a search finds the same before and after', async () => {
  remember(1_500, (at) => `note ${at} of the ${at % 7 === 0 ? 'garden' : 'house'}`);
  const before = await texts('garden 700');
  expect(before[0]).toBe('note 700 of the garden');
  await rig.memory.indexed();
  expect(parts()).toEqual([{ state: 'ready', size: 1_500 }]);
  expect(await texts('garden 700')).toEqual(before);
  rig.memory.store(ADA, { text: 'note 9000 of the garden' });
  expect((await texts('garden 9000'))[0]).toBe('note 9000 of the garden');
});

it('has few parts, however many rows come one after the other', async () => {
  for (let round = 0; round < 10; round += 1) {
    remember(600, (at) => `note ${round} ${at}`);
    await rig.memory.indexed();
  }
  expect(parts().every(({ state }) => state === 'ready')).toBe(true);
  expect(parts().length).toBeLessThan(8);
  expect(parts().reduce((sum, { size }) => sum + size, 0)).toBe(6_000);
  expect(await texts('"note 4 599"')).toEqual(['note 4 599']);
  const lists = rig.store.db.prepare('SELECT count(DISTINCT part) FROM memory_postings').pluck().get();
  expect(lists).toBe(parts().length);
});

it('keeps nothing of what is forgotten: no list, no count, no word', async () => {
  remember(700, (at) => `note ${at}`);
  const { memory } = rig.memory.store(ADA, {
    text: 'the xylophone hides in Zanzibar',
    key: 'quokka',
    tags: ['okapi'],
  });
  await rig.memory.indexed();
  remember(600, (at) => `later ${at}`);
  await rig.memory.indexed();
  const term = rig.store.db.prepare('SELECT count(*) FROM memory_postings WHERE term = ?').pluck();
  for (const word of ['xylophon', 'zanzibar', 'quokka', 'okapi']) expect(term.get(word)).toBe(1);
  rig.memory.forget(ADA, { id: memory.id });
  for (const word of ['xylophon', 'zanzibar', 'quokka', 'okapi', 'hide']) expect(term.get(word)).toBe(0);
  expect(await texts('xylophone')).toEqual([]);
  expect(await texts('"note 5"')).toEqual(['note 5']);
  await restart();
  expect(rig.events.list({ topics: ['memory.indexing'] })).toEqual([]);
});

it('finds every memory and nothing else, whatever was stored, forgotten and written meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.nat()),
      fc.integer({ min: 300, max: 900 }),
      async (choices, size) => {
        const scope = actor(`client:c${size}-${choices.next().value}`);
        const live = new Map<string, string>();
        rig.store.transaction(() => {
          for (let at = 0; at < size; at += 1) {
            const { memory } = rig.memory.store(scope, {
              text: `${WORDS[choices.next().value! % WORDS.length]} id${at}`,
            });
            live.set(memory.id, memory.text);
          }
        });
        const making = rig.memory.indexed();
        for (const id of [...live.keys()].filter(() => choices.next().value! % 10 === 0)) {
          rig.memory.forget(scope, { id });
          live.delete(id);
          if (choices.next().value! % 8 === 0) await new Promise(setImmediate);
        }
        await making;
        for (const word of WORDS.slice(0, 4)) {
          const held = [...live.values()].filter((text) => text.startsWith(`${word} `));
          const found = await rig.memory.searchApart(scope, { query: word, limit: 50 });
          expect(found.total).toBe(held.length);
          for (const { text } of found.memories) expect(held).toContain(text);
        }
      },
    ),
    { numRuns: LONG ? 8 : 3 },
  );
}, 60_000);

const DAMAGES = [
  ['a list has other bytes', "UPDATE memory_postings SET holders = x'00000000000000' WHERE term = 'garden'"],
  ['a list is gone', "DELETE FROM memory_postings WHERE term = 'garden'"],
  ['a list stands under another term', "UPDATE memory_postings SET term = 'gardem' WHERE term = 'garden'"],
  ['the documents have other bytes', 'UPDATE memory_parts SET documents = zeroblob(length(documents))'],
  ['the documents are gone', 'UPDATE memory_parts SET documents = NULL'],
] as const;

it.each(LONG ? DAMAGES : DAMAGES.slice(1, 4))('is made again where %s', async (_what, damage) => {
  remember(600, (at) => (at === 300 ? 'the garden is green' : `note ${at}`));
  await rig.memory.indexed();
  rig.store.db.exec(damage);
  await restart();
  expect(await texts('garden')).toEqual(['the garden is green']);
  await rig.memory.indexed();
  expect(rig.events.list({ topics: ['memory.indexing', 'memory.indexed'] }).map(({ data }) => data)).toEqual([
    { memories: 600, why: 'damaged' },
    { memories: 600, ms: expect.any(Number) },
  ]);
  expect(parts()).toMatchObject([{ state: 'ready', size: 600 }]);
});

it('is made again, and said so, where another version has cut the words', async () => {
  remember(600, (at) => `note ${at}`);
  await rig.memory.indexed();
  rig.store.db.exec("UPDATE memory_parts SET form = 'other'");
  const { memory } = rig.memory.store(ADA, { text: 'one more' });
  rig.memory.forget(ADA, { id: memory.id });
  await restart();
  expect(rig.events.list({ topics: ['memory.indexing'] })[0]?.data).toEqual({ memories: 601, why: 'form' });
  expect(await texts('"note 7"')).toEqual(['note 7']);
});

it('of a host that died in between is taken away, and made by the next', async () => {
  remember(600, (at) => `note ${at}`);
  await rig.memory.indexed();
  rig.store.db.exec("UPDATE memory_parts SET state = 'building'");
  await restart();
  expect(parts()).toEqual([{ state: 'ready', size: 600 }]);
  expect(await texts('"note 7"')).toEqual(['note 7']);
});

it('does not take a new row for the one whose place it has', async () => {
  remember(700, (at) => `note ${at}`);
  await rig.memory.indexed();
  const last = rig.store.db.prepare('SELECT max(rowid) FROM memories').pluck().get();
  const id = rig.store.db.prepare('SELECT id FROM memories WHERE rowid = ?').pluck().get(last);
  rig.memory.forget(ADA, { id: String(id) });
  rig.store.db.exec('DELETE FROM memories WHERE forgotten_ms IS NOT NULL');
  rig.memory.store(ADA, { text: 'in the place of another' });
  expect(rig.store.db.prepare('SELECT max(rowid) FROM memories').pluck().get()).toBe(last);
  expect(await texts('another')).toEqual(['in the place of another']);
  await rig.memory.indexed();
  expect(await texts('another')).toEqual(['in the place of another']);
});

it('is read by a search within a transaction that is rolled back, and not later', () => {
  expect(() =>
    rig.store.transaction(() => {
      rig.memory.store(ADA, { text: 'a ghost' });
      expect(rig.memory.search(ADA, { query: 'ghost' }).total).toBe(1);
      throw new Error('back');
    }),
  ).toThrow('back');
  rig.memory.store(ADA, { text: 'a living thing' });
  expect(rig.memory.search(ADA, { query: 'ghost' }).total).toBe(0);
  expect(rig.memory.search(ADA, { query: 'living' }).total).toBe(1);
});

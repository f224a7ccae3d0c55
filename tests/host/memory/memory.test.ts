import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomIds } from '../../../src/host/ids.ts';
import { limits } from '../../../src/host/limits.ts';
import { Memory } from '../../../src/host/memory/memory.ts';
import { parseQuery } from '../../../src/host/memory/search/query.ts';
import { termsOf } from '../../../src/host/memory/search/tokens.ts';
import { actor, Rig, tempDir } from '../../mcp-tools/rig.ts';
import { VirtualClock } from '../../support/clock.ts';

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

const found = (query: string, who: 'agent:ada' | 'agent:bob' | `client:${string}` = 'agent:ada') =>
  rig.memory.search(actor(who), { query }).memories.map((memory) => memory.text);

describe('finding', () => {
  it('matches any of the words, in any form, whatever else was asked', () => {
    rig.memory.store(actor('agent:ada'), { text: 'The staging server is deployed from the release branch.' });
    rig.memory.store(actor('agent:ada'), { text: 'Lunch is at noon.' });
    expect(found('how do we deploy to production')).toEqual([
      'The staging server is deployed from the release branch.',
    ]);
    expect(found('BRANCHES released')).toHaveLength(1);
  });

  it('ranks the memory that holds more of the words first', () => {
    for (const text of [
      'postgres backup at night',
      'postgres version 16',
      'redis cache',
      'backup of the wiki',
    ]) {
      rig.memory.store(actor('agent:ada'), { text });
    }
    expect(found('postgres backup')[0]).toBe('postgres backup at night');
    expect(found('postgres backup')).toHaveLength(3);
  });

  it('finds by key and by tag, and the key weighs more than the text', () => {
    rig.memory.store(actor('agent:ada'), {
      text: 'The colour of the logo is blue, see the brand guide, not the theme.',
    });
    rig.memory.store(actor('agent:ada'), { key: 'brand-guide', text: 'docs/brand.pdf', tags: ['design'] });
    expect(found('brand guide')[0]).toBe('docs/brand.pdf');
    expect(found('design')).toEqual(['docs/brand.pdf']);
  });

  it('prefers the newer of two that say the same', () => {
    for (let day = 1; day <= 4; day += 1) {
      rig.memory.store(actor('agent:ada'), { text: 'The build is green.' });
      clock.advance(86_400_000);
    }
    rig.memory.store(actor('agent:ada'), { text: 'Something else entirely.' });
    const times = rig.memory
      .search(actor('agent:ada'), { query: 'build green' })
      .memories.map((memory) => memory.updated_ms);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(times).toHaveLength(4);
  });

  it('keeps the order of relevance in a collection of two, where every word is in half of the rows', () => {
    rig.memory.store(actor('agent:ada'), { text: 'alpha beta' });
    clock.advance(1_000);
    rig.memory.store(actor('agent:ada'), { text: 'alpha gamma' });
    expect(found('alpha beta')).toEqual(['alpha beta', 'alpha gamma']);
  });

  it('says how many match beyond the limit, and bounds the limit', () => {
    for (let n = 0; n < 60; n += 1) rig.memory.store(actor('agent:ada'), { text: `note ${n} about tea` });
    const few = rig.memory.search(actor('agent:ada'), { query: 'tea', limit: 3 });
    expect(few.memories).toHaveLength(3);
    expect(few.total).toBe(60);
    expect(rig.memory.search(actor('agent:ada'), { query: 'tea', limit: 1_000 }).memories).toHaveLength(
      limits.memory_results_max,
    );
  });

  it('returns an empty list, not an error, where nothing matches', () => {
    rig.memory.store(actor('agent:ada'), { text: 'something' });
    expect(rig.memory.search(actor('agent:ada'), { query: 'zebra' })).toMatchObject({
      memories: [],
      total: 0,
    });
  });

  it('lists the newest for a query without words', () => {
    for (const text of ['first', 'second', 'third']) {
      rig.memory.store(actor('agent:ada'), { text });
      clock.advance(1_000);
    }
    expect(found('*')).toEqual(['third', 'second', 'first']);
    expect(rig.memory.search(actor('agent:ada'), { query: '?!', limit: 1 }).total).toBe(3);
  });

  it('filters by all of the tags', () => {
    rig.memory.store(actor('agent:ada'), { text: 'tea one', tags: ['drink', 'hot'] });
    rig.memory.store(actor('agent:ada'), { text: 'tea two', tags: ['drink'] });
    const search = (tags: string[]) => rig.memory.search(actor('agent:ada'), { query: 'tea', tags }).total;
    expect([search(['drink']), search(['drink', 'hot']), search(['cold'])]).toEqual([2, 1, 0]);
  });

  it.each([
    '"',
    '""',
    '" OR "',
    'a AND',
    'NEAR(',
    'NEAR(a b, 3)',
    'text:x',
    '{text} : x',
    '^start',
    'x*',
    '*',
    '-x',
    'NOT',
    '(((',
    ')',
    "';DROP TABLE memories;--",
    '\u0000',
    'a\u0000b',
    '\ud800',
    '💥',
    'ﬀ',
    'x'.repeat(5_000),
    '+ + +',
    'é'.repeat(300),
    'tag:"x" AND (',
    '\\',
    '%',
    '_',
  ])('takes %j as words, never as syntax', (query) => {
    rig.memory.store(actor('agent:ada'), { text: 'x marks the start of a text' });
    expect(() => rig.memory.search(actor('agent:ada'), { query })).not.toThrow();
  });

  it('finds text without spaces or with marks as it was written', () => {
    rig.memory.store(actor('agent:ada'), { text: 'Das Café an der Straße heißt Übersee.' });
    rig.memory.store(actor('agent:ada'), { text: 'Сервер перезапускается ночью' });
    expect(found('cafe')).toHaveLength(1);
    expect(found('ubersee')).toHaveLength(1);
    expect(found('сервер')).toHaveLength(1);
  });
});

describe('words', () => {
  it('drops stop words unless there is nothing else', () => {
    const words = (text: string) => parseQuery(text).words.map(({ surface }) => surface);
    expect(words('What is the name of the server?')).toEqual(['name', 'server']);
    expect(words('to be or not to be')).toEqual(['to', 'be', 'or', 'not']);
    expect(words('…')).toEqual([]);
  });

  it('counts no more words than the limit', () => {
    const many = Array.from({ length: 500 }, (_, n) => `word${n}`).join(' ');
    expect(parseQuery(many).words).toHaveLength(limits.memory_query_words_max);
    expect(termsOf('snake_case and Kebab-Case')).toEqual([
      ...['snakecas', 'snake', 'case', 'and'],
      ...['kebabcas', 'kebab', 'case'],
    ]);
  });
});

describe('keeping', () => {
  it('replaces what is under the key and counts the version', () => {
    const first = rig.memory.store(actor('agent:ada'), { key: 'target', text: 'port 80', tags: ['net'] });
    clock.advance(5_000);
    const second = rig.memory.store(actor('agent:ada'), { key: 'target', text: 'port 443' });
    expect([first.replaced, second.replaced]).toEqual([false, true]);
    expect(second.memory).toMatchObject({ version: 2, tags: [], text: 'port 443' });
    expect(second.superseded).toEqual([first.memory.id]);
    expect(rig.memory.get(actor('agent:ada'), { id: first.memory.id }).memory).toMatchObject({
      text: 'port 80',
      state: 'superseded',
      superseded_by: second.memory.id,
    });
    expect(found('80')).toEqual([]);
    expect(found('443')).toEqual(['port 443']);
  });

  it('forgets: no search and no read finds it, and the key is free again', () => {
    const { memory } = rig.memory.store(actor('agent:ada'), { key: 'k', text: 'a wrong fact' });
    rig.memory.forget(actor('agent:ada'), { key: 'k' });
    expect(found('wrong fact')).toEqual([]);
    expect(found('*')).toEqual([]);
    expect(() => rig.memory.get(actor('agent:ada'), { id: memory.id })).toThrow(/forgotten/);
    expect(() => rig.memory.forget(actor('agent:ada'), { id: memory.id })).toThrow(/forgotten/);
    const again = rig.memory.store(actor('agent:ada'), { key: 'k', text: 'a right fact' });
    expect(again).toMatchObject({ replaced: false, memory: { version: 1 } });
    expect(again.memory.id).not.toBe(memory.id);
    const tombstone = rig.store.db
      .prepare('SELECT forgotten_ms FROM memories WHERE id = ?')
      .pluck()
      .get(memory.id);
    expect(tombstone).toBe(clock.now());
  });

  it('outlives the host', async () => {
    rig.memory.store(actor('agent:ada'), { key: 'k', text: 'the cat is called Miezi' });
    const { dir } = rig;
    await rig.close();
    rig = new Rig(dir, { clock });
    expect(found('cat')).toEqual(['the cat is called Miezi']);
    expect(rig.memory.get(actor('agent:ada'), { key: 'k' }).memory.version).toBe(1);
  });

  it('refuses what is empty or beyond a limit, and says the limit', () => {
    const store = (input: Parameters<typeof rig.memory.store>[1]) => () =>
      rig.memory.store(actor('agent:ada'), input);
    expect(store({ text: '  \n ' })).toThrow(/needs a text/);
    expect(store({ text: 'ä'.repeat(limits.memory_text_bytes_max / 2 + 1) })).toThrow(/65536/);
    expect(store({ text: 'x', key: 'k'.repeat(257) })).toThrow(/256/);
    expect(store({ text: 'x', tags: Array.from({ length: 33 }, (_, n) => `t${n}`) })).toThrow(/32/);
    expect(store({ text: 'x', tags: [''] })).toThrow(/tags/);
    expect(found('*')).toEqual([]);
  });
});

it('refuses more than a scope holds until something is forgotten', () => {
  rig.memory.store(actor('agent:ada'), { text: 'first', key: 'first' });
  const insert = rig.store.db.prepare(
    "INSERT INTO memories (id, scope, text, tags, author, version, created_ms, updated_ms) VALUES (?, 'agent:ada', 't', '[]', 'host', 1, 0, 0)",
  );
  rig.store.transaction(() => {
    for (let n = 1; n < limits.memories_per_scope_max; n += 1) insert.run(`m${n}`);
  });
  const fresh = () => new Memory({ store: rig.store, clock, ids: randomIds, events: rig.events });
  expect(() => fresh().store(actor('agent:ada'), { text: 'one more' })).toThrow(/already holds 100000/);
  const memory = fresh();
  expect(() => memory.store(actor('agent:ada'), { text: 'one more' })).toThrow(/already holds/);
  expect(memory.store(actor('agent:ada'), { text: 'replaced', key: 'first' }).replaced).toBe(true);
  expect(memory.store(actor('agent:bob'), { text: 'another scope' }).replaced).toBe(false);
  memory.forget(actor('agent:ada'), { key: 'first' });
  expect(memory.store(actor('agent:ada'), { text: 'one more' }).replaced).toBe(false);
  expect(() => memory.store(actor('agent:ada'), { text: 'and one' })).toThrow(/already holds/);
});

describe('scopes', () => {
  it('keeps the memories of agents and clients apart, and shares what is shared', () => {
    rig.memory.store(actor('agent:ada'), { text: 'secret plan of ada' });
    rig.memory.store(actor('client:cursor'), { text: 'secret plan of a client' });
    rig.memory.store(actor('agent:bob'), { text: 'plan for all', scope: 'shared' });
    expect(found('plan', 'agent:ada').sort()).toEqual(['plan for all', 'secret plan of ada']);
    expect(found('plan', 'agent:bob')).toEqual(['plan for all']);
    expect(found('plan', 'client:cursor').sort()).toEqual(['plan for all', 'secret plan of a client']);
    // An agent and a client of one name are two principals.
    expect(found('plan', 'client:ada')).toEqual(['plan for all']);
    const only = (scope: 'agent' | 'fleet' | 'shared') =>
      rig.memory.search(actor('agent:ada'), { query: 'plan', scope }).total;
    expect([only('agent'), only('fleet'), only('shared')]).toEqual([1, 1, 1]);
  });

  it('does not read or forget what belongs to another, and does not tell that it exists', () => {
    const { memory } = rig.memory.store(actor('agent:ada'), { key: 'k', text: 'mine' });
    const message = (act: () => unknown) => {
      try {
        act();
      } catch (error) {
        return (error as Error).message;
      }
      return 'it worked';
    };
    const anothers = message(() => rig.memory.get(actor('agent:bob'), { id: memory.id }));
    const none = message(() => rig.memory.get(actor('agent:bob'), { id: 'nothing' }));
    expect(anothers.replace(memory.id, 'ID')).toBe(none.replace('nothing', 'ID'));
    expect(() => rig.memory.forget(actor('agent:bob'), { key: 'k' })).toThrow(/No memory/);
    expect(rig.memory.get(actor('agent:ada'), { key: 'k' }).memory.text).toBe('mine');
  });

  it('prefers its own key to the shared one', () => {
    rig.memory.store(actor('agent:bob'), { key: 'editor', text: 'vim', scope: 'shared' });
    expect(rig.memory.get(actor('agent:ada'), { key: 'editor' }).memory).toMatchObject({
      text: 'vim',
      scope: 'fleet',
    });
    rig.memory.store(actor('agent:ada'), { key: 'editor', text: 'emacs' });
    expect(rig.memory.get(actor('agent:ada'), { key: 'editor' }).memory).toMatchObject({
      text: 'emacs',
      scope: 'agent',
    });
    expect(rig.memory.get(actor('agent:bob'), { key: 'editor' }).memory.text).toBe('vim');
  });

  it('names keys like the one that is not there', () => {
    rig.memory.store(actor('agent:ada'), { key: 'deploy-target', text: 'x' });
    try {
      rig.memory.get(actor('agent:ada'), { key: 'deploy-traget' });
      expect.unreachable();
    } catch (error) {
      expect((error as { next: string }).next).toContain('"deploy-target"');
    }
    expect(() => rig.memory.get(actor('agent:ada'), {})).toThrow(/Exactly one/);
    expect(() => rig.memory.get(actor('agent:ada'), { id: 'a', key: 'b' })).toThrow(/Exactly one/);
  });
});

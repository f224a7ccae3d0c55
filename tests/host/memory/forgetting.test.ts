/** What was forgotten is in no byte of the state directory; what only an operator may remove is told, and then removed. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewEvent, Topic } from '../../../src/host/events/topics.ts';
import type { MemoryRemains } from '../../../src/host/shapes.ts';
import { Reader } from '../../../src/host/store/reader.ts';
import { TextTraces, without } from '../../../src/host/store/text-traces.ts';
import { actor, caller, Rig, tempDir } from '../../mcp-tools/rig.ts';
import { VirtualClock } from '../../support/clock.ts';

const ADA = actor('agent:ada');
const SECRET =
  'The "vault" of Ölmütz opens\nwith C:\\keys\\7431 – 鍵は赤い, says Zdeněk\tto nobody else at all.';

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

/** Every file below the state directory. */
function bytes(): Buffer {
  const files = fs
    .readdirSync(rig.dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(rig.dir, name));
  return Buffer.concat(
    files.filter((file) => fs.statSync(file).isFile()).map((file) => fs.readFileSync(file)),
  );
}

/** How many of the words are found, in any file. */
const found = (words: string[]) => words.filter((word) => bytes().includes(word));
const WORDS = ['Ölmütz', 'lmütz', '7431', '鍵は赤い', 'Zdeněk', 'zdenek', 'nobody else at all'];

function says<T extends Topic>(topic: T, data: NewEvent<T>['data'], run = 'run_1'): void {
  rig.events.append({
    topic,
    agent: 'ada',
    run,
    principal: 'agent:ada',
    grade: 'claimed',
    data,
  } as NewEvent<T>);
}

const tool = 'mcp__aether__aether_memory_store';

it('leaves no byte of it in the database, its log or its index', async () => {
  says('tool.called', { toolUseId: 't1', tool, input: { text: SECRET, key: 'k' } });
  await rig.call('aether_memory_store', caller(), { text: SECRET, key: 'k', tags: ['zdenek-tag'] });
  const got = await rig.call('aether_memory_search', caller(), { query: 'vault' });
  says('tool.finished', {
    toolUseId: 't1',
    text: JSON.stringify({ content: JSON.stringify(got) }),
    isError: false,
  });
  says('tool.called', { toolUseId: 't2', tool: tool.replace('store', 'search'), input: { query: 'x' } });
  says('tool.finished', { toolUseId: 't2', text: `${SECRET.slice(0, 60)}…`, isError: false });
  await rig.call('aether_memory_store', caller(), { text: `${SECRET} And more.`, key: 'k' });
  expect(found(WORDS).length).toBeGreaterThan(5);

  const answer = await rig.call('aether_memory_forget', caller(), { key: 'k' });
  expect(answer.earlier).toHaveLength(1);
  expect(answer.remains).toEqual([expect.objectContaining({ where: ['run_1'] })]);
  expect(found([...WORDS, 'zdenek-tag'])).toEqual([]);
  expect(rig.events.verify().broken).toBeNull();
  // The shape of what was logged is whole.
  expect(rig.events.list({ topics: ['tool.'] }).map(({ data }) => JSON.stringify(data))).toEqual([
    expect.stringContaining('[forgotten]'),
    expect.stringContaining('[forgotten]'),
    expect.any(String),
    expect.stringContaining('[forgotten]'),
  ]);
  expect(rig.topics().filter((topic) => topic === 'events.redacted').length).toBeGreaterThan(0);
});

it('leaves what others said or did, says where, and an operator removes it', async () => {
  const { memory } = rig.memory.store(ADA, { text: SECRET });
  says('message.assistant', { text: `I noted: ${SECRET}` });
  says('tool.called', {
    toolUseId: 't9',
    tool: 'Bash',
    input: { command: `echo ${JSON.stringify(SECRET)}` },
  });
  rig.mailboxes.send(ADA, { to: 'operator', subject: 'x', body: SECRET } as never, ['ada'], []);
  const { remains } = await rig.call('aether_memory_forget', caller(), { id: memory.id });
  expect(remains.map(({ what, where }: MemoryRemains) => [what.split(':')[0], where.length])).toEqual([
    ['events', 3],
    ['mail', 1],
  ]);
  expect(remains[0].how).toContain(`aether memory redact ${memory.id}`);
  expect(found(['7431'])).toEqual(['7431']);
  expect(await rig.memory.redact(memory.id)).toBe(4);
  expect(found(WORDS)).toEqual([]);
  expect(rig.events.verify().broken).toBeNull();
  expect(await rig.memory.redact(memory.id)).toBe(0);
});

it('is complete at once where an operator forgets', async () => {
  const operator = actor('operator');
  const { memory } = rig.memory.store(operator, { text: SECRET, scope: 'fleet' });
  says('message.assistant', { text: `I noted: ${SECRET}` });
  rig.memory.forget(operator, { id: memory.id });
  await rig.memory.scrub(memory.id);
  expect(found(WORDS)).toEqual([]);
});

it('does not let an agent take its deeds out of the log', async () => {
  const deed = 'rm -rf /srv/important --no-preserve-root';
  says('tool.called', { toolUseId: 't9', tool: 'Bash', input: { command: deed } });
  const { memory } = rig.memory.store(ADA, { text: deed });
  await rig.call('aether_memory_forget', caller(), { id: memory.id });
  expect(JSON.stringify(rig.events.list({ topics: ['tool.called'] }))).toContain(deed);
});

it('a redacted event that is changed again is found', async () => {
  const { memory } = rig.memory.store(ADA, { text: SECRET });
  rig.memory.forget(ADA, { id: memory.id });
  await rig.memory.scrub(memory.id);
  expect(rig.events.verify().broken).toBeNull();
  rig.store.db.prepare("UPDATE events SET data = replace(data, 'semantic', 'social') WHERE seq = 1").run();
  expect(rig.events.verify().broken).toMatchObject({ seq: 1 });
});

it('is gone on with by the next host, where one is killed in the middle', async () => {
  const { memory } = rig.memory.store(ADA, { text: SECRET });
  rig.memory.forget(ADA, { id: memory.id });
  expect(found(['7431'])).toEqual(['7431']);
  const { dir } = rig;
  await rig.close();
  rig = new Rig(dir, { clock });
  await rig.memory.resume();
  expect(found(WORDS)).toEqual([]);
});

it('waits for a reader without holding up the loop', async () => {
  const { memory } = rig.memory.store(ADA, { text: SECRET });
  const reader = new Reader(rig.store.db.name);
  const rows = reader.db.prepare('SELECT * FROM events').iterate();
  rows.next();
  rig.memory.forget(ADA, { id: memory.id });
  const done = rig.memory.scrub(memory.id);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 5);
  setTimeout(() => rows.return?.(), 300);
  await done;
  clearInterval(timer);
  reader.close();
  expect(turns).toBeGreaterThan(5);
  expect(found(WORDS)).toEqual([]);
});

it('holds for many of them, in any order, with the rest still there', async () => {
  const words = Array.from({ length: 240 }, (_, n) => `quokka${(n * 7919) % 1000}x${n}`);
  const ids = words.map((word, n) => {
    const text = `${word} lives on island ${n}. ${'Filling words of it. '.repeat(n % 60)} The end of ${word}.`;
    return rig.memory.store(ADA, { text, ...(n % 3 === 0 ? { key: `key-${word}` } : {}), tags: [word] })
      .memory.id;
  });
  const gone = words.filter((_, n) => n % 2 === 0);
  for (const [n, id] of ids.entries()) if (n % 2 === 0) rig.memory.forget(ADA, { id });
  await rig.memory.resume();
  const all = bytes();
  expect(gone.filter((word) => all.includes(word))).toEqual([]);
  expect(words.filter((word, n) => n % 2 === 1 && !all.includes(word))).toEqual([]);
  expect(rig.events.verify().broken).toBeNull();
});

describe('traces of a text', () => {
  const clean = (value: string, text = SECRET) =>
    without(value, new TextTraces(text).spansIn(value)).replace(/\[forgotten\] *|\.{4}/g, '#');

  it('are found in JSON within JSON, as any program escapes it', () => {
    let value = SECRET;
    for (let n = 0; n < 4; n += 1) {
      expect(clean(`<${value}>`)).toBe('<#>');
      value = JSON.stringify(value).slice(1, -1);
    }
    const ascii = JSON.stringify(SECRET).replace(
      /[^\x20-\x7e]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    expect(clean(ascii)).toBe('"#"');
    expect(clean(JSON.stringify({ a: [SECRET, 1, SECRET] }))).toBe('{"a":["#",1,"#"]}');
  });

  it('are found where it is cut off, and leave JSON whole', () => {
    for (let cut = 41; cut < SECRET.length; cut += 1) {
      const kept = { head: `${SECRET.slice(0, cut)}…`, tail: `…${SECRET.slice(-cut)}` };
      const value = clean(JSON.stringify(kept));
      expect(() => JSON.parse(value)).not.toThrow();
      expect(WORDS.filter((word) => value.includes(word))).toEqual([]);
    }
  });

  it('of a short text are whole strings only', () => {
    expect(clean('{"text":"blue","said":"blue skies"}', 'blue')).toBe('{"text":"#","said":"blue skies"}');
    expect(new TextTraces('blue').spansIn('not so blue')).toEqual([]);
  });
});

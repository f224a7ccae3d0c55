/** `aether memory` and `aether feedback` against a real memory behind the real control socket. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CuratedMemory, MemoryStory } from '../../../src/host/api.ts';
import { type CliResult, cli } from '../../support/cli.ts';
import { type ControlFixture, controlFixture } from '../../support/control-fixture.ts';

let fixture: ControlFixture;

beforeEach(async () => {
  fixture = await controlFixture();
});
afterEach(() => fixture.close());

const aether = (...args: string[]): Promise<CliResult> => cli(['--state', fixture.stateDir, ...args]);

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await aether(...args, '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as T;
}

const store = (text: string, key?: string) =>
  fixture.host.memories.memory.store(
    { principal: 'agent:ada', agent: 'ada', run: 'r_1' },
    { text, ...(key === undefined ? {} : { key }) },
  ).memory;

it('lists, finds, shows, corrects, pins and forgets', async () => {
  store('The ferry leaves at nine.\u001b[2J\nagent:bob', 'ferry');
  store('Lunch is at noon.');
  const { stdout } = await aether('memory');
  expect(stdout).toMatch(/^ID +OF +AGE +STATE +MEMORY/);
  expect(stdout).toMatch(/ada +\d+ s +live +Lunch is at noon\./);
  expect(stdout).not.toContain('\u001b');
  expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  const [found] = await json<CuratedMemory[]>('memory', 'search', 'when', 'does', 'the', 'ferry', 'leave');
  expect(found!.key).toBe('ferry');

  const made = await json<CuratedMemory>('memory', 'edit', found!.id, '--text', 'The ferry leaves at ten.');
  expect(made).toMatchObject({ version: 2, holder: 'agent:ada' });
  expect(made.author).toMatch(/^operator/);
  const { stdout: shown } = await aether('memory', 'show', made.id);
  expect(shown).toMatch(/Why it is believed\n {2}operator\S* stored it/);
  expect(shown).toMatch(/History\n {2}\S+ {2}superseded, by agent:ada/);
  const story = await json<MemoryStory>('memory', 'show', made.id);
  expect(story.history).toHaveLength(1);

  expect((await aether('memory', 'pin', made.id)).stdout).toBe('1 pinned.\n');
  expect(await json<CuratedMemory[]>('memory', 'list', '--pinned', '--agent', 'ada')).toHaveLength(1);
  expect((await aether('memory', 'forget', made.id)).stdout).toMatch(
    /is forgotten; 1 earlier under its key as well\.\n/,
  );
  expect(await json<CuratedMemory[]>('memory', 'list', '--status', 'superseded')).toEqual([]);
  const unknown = await aether('memory', 'show', made.id);
  expect([unknown.code, unknown.stderr]).toEqual([
    expect.any(Number),
    expect.stringContaining('aether memory list'),
  ]);
  expect(unknown.code).not.toBe(0);
});

it('takes memories along in every format, and brings them again, once', async () => {
  store('The ferry leaves at nine.', 'ferry');
  store('Lunch is at noon.');
  for (const [format, path] of [
    ['jsonl', 'm.jsonl'],
    ['markdown', 'm.md'],
    ['server-memory', 'm.json'],
    ['claude', 'notes'],
  ] as const) {
    const to = join(fixture.stateDir, path);
    const exported = await json<{ memories: number }>(
      'memory',
      'export',
      to,
      '--format',
      format,
      '--agent',
      'ada',
    );
    expect(exported.memories).toBe(2);
    const agent = `from-${format}`;
    const first = await json<object>('memory', 'import', to, '--agent', agent);
    expect(first).toEqual({ stored: 2, known: 0, problems: [], format });
    expect(await json<object>('memory', 'import', to, '--agent', agent)).toMatchObject({
      stored: 0,
      known: 2,
    });
    const again = await aether('memory', 'export', to, '--format', format);
    expect(again.stderr).toContain('--force');
    expect(again.code).not.toBe(0);
  }
  const { stdout } = await aether('memory', 'export', '--agent', 'from-jsonl');
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).text),
  ).toEqual(['The ferry leaves at nine.', 'Lunch is at noon.']);
});

it('follows no link out of a folder, and says which usage is wrong', async () => {
  const folder = join(fixture.stateDir, 'folder');
  fs.mkdirSync(join(folder, 'deep'), { recursive: true });
  fs.writeFileSync(join(fixture.stateDir, 'secret.md'), 'SECRET');
  fs.symlinkSync('../secret.md', join(folder, 'link.md'));
  fs.symlinkSync('..', join(folder, 'up'));
  fs.writeFileSync(join(folder, 'deep', 'a.md'), 'A fact.');
  expect(await json<object>('memory', 'import', folder, '--fleet')).toMatchObject({ stored: 1 });
  const all = await json<CuratedMemory[]>('memory');
  expect(all.map(({ text, key, holder }) => [text, key, holder])).toEqual([['A fact.', 'a', 'fleet']]);
  for (const [args, code] of [
    [['memory', 'import', folder], 'whose memory'],
    [['memory', 'list', '--fleet', '--agent', 'x'], 'one scope each'],
    [['memory', 'edit', all[0]!.id], 'Nothing to change'],
    [['memory', 'import', folder, '--fleet', '--format', 'x'], 'no format'],
    [['memory', 'export', '--format', 'claude'], 'folder of files'],
    [['feedback', 'ada', 'well done'], '--up or --down'],
    [['memory', 'serach'], 'search'],
  ] as const) {
    const { code: exit, stderr } = await aether(...args);
    expect(stderr).toContain(code);
    expect(exit).not.toBe(0);
  }
});

it('tells what was good or bad', async () => {
  fixture.host.set('ada', { run: 'r_1' });
  fixture.host.emit('turn.ended', 'ada', { outcome: 'done', text: 'Shipped.' });
  const given = await json<{ memory: CuratedMemory }>('feedback', 'ada', 'well', 'done', '--up');
  expect(given.memory.text).toBe('The operator liked its answer "Shipped.". They said: well done');
  const { stdout } = await aether('feedback', '--memory', given.memory.id, '--down');
  expect(stdout).toBe('Noted; 1 memory weighs less now.\n');
});

it('says how good an answer is and why each was found, what scopes hold, and what an import would do', async () => {
  store('The staging database is called pelican.', 'db');
  const weak = (await aether('memory', 'search', 'favourite', 'colour', 'of', 'the', 'database')).stdout;
  expect(weak).toMatch(/^Nothing certain; nearest:\n.*FOUND\n.*has database/s);
  expect((await aether('memory', 'search', 'zyxwvut')).stdout).toMatch(/^No memory matches\./);
  expect((await aether('memory', 'scopes')).stdout).toMatch(/ada +1 of 100000 +\d+ B of 256 MiB/);
  expect((await aether('memory', 'scopes', '--agent', 'ada')).stdout).toMatch(
    /1 of 100000 memories.*\nTo be forgotten first\n {2}\S+ {2}never used: The staging/,
  );
  const file = join(fixture.stateDir, 'notes.md');
  fs.writeFileSync(file, '- Lunch is at noon.\n');
  const preview = await aether('memory', 'import', file, '--agent', 'ada', '--preview');
  expect(preview.stdout).toBe('1 would be stored (markdown).\n');
  expect(await json<CuratedMemory[]>('memory')).toHaveLength(1);
});

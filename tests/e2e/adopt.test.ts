/** A conversation that a person began with the real program, which an agent goes on with. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { claudeBinary } from '../support/engines.ts';
import { KEY, LiveFleet } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

const run = promisify(execFile);

let fleet: LiveFleet;
afterEach(() => fleet.close());

/** What the program keeps of conversations, with what it holds. */
function digest(dir: string): string {
  const hash = createHash('sha256');
  for (const name of fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()) {
    hash.update(`${name}\0`);
    if (fs.statSync(join(dir, name)).isFile()) hash.update(fs.readFileSync(join(dir, name)));
  }
  return hash.digest('hex');
}

/** As a person does, in `directory`. @returns where the program keeps it */
async function begunByHand(directory: string, said: string): Promise<string> {
  fs.mkdirSync(directory);
  const child = run(claudeBinary(), ['-p', said, '--allowedTools', 'Bash(*)'], {
    cwd: directory,
    env: {
      ...{ PATH: process.env.PATH, HOME: fleet.home, TMPDIR: fleet.env.TMPDIR, TERM: 'xterm' },
      ...{ ANTHROPIC_BASE_URL: fleet.model.url, ANTHROPIC_API_KEY: KEY },
      ...{ DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
      ...{ DISABLE_TELEMETRY: '1', DISABLE_ERROR_REPORTING: '1' },
    },
  });
  child.child.stdin?.end();
  await child;
  return join(fleet.home, '.claude', 'projects');
}

test('an agent goes on with a conversation that was begun by hand, and the original stays as it was', async () => {
  fleet = await LiveFleet.make({ agents: {} });
  fleet.configure({ agents: {}, defaults: { env: { ANTHROPIC_BASE_URL: fleet.model.url } } });
  await fleet.up();
  const directory = join(fleet.project, 'app');
  const shell = JSON.stringify({ command: 'seq 1 30000', description: 'many lines' });
  const kept = await begunByHand(directory, `Remember zebra. [[call Bash ${shell}]][[say I remember zebra]]`);
  const before = digest(kept);

  const adopt = (...args: string[]) =>
    fleet.cli(['adopt', 'claude', '-f', fleet.configFile, ...args], { cwd: directory });
  const listed = JSON.parse((await adopt('--json')).stdout);
  expect(listed).toMatchObject([
    { runtime: 'claude-code', directory, words: expect.stringMatching(/^Remember zebra/) },
  ]);
  const { id } = listed[0];
  expect((await adopt()).stdout).toMatch(new RegExp(`^ID +WRITTEN.*\n${id.slice(0, 8)} .*Remember zebra`));

  // The file is the operator's: without a word nothing is added to it.
  const undeclared = await adopt(id.slice(0, 8), '--as', 'fixer');
  expect(undeclared).toMatchObject({ code: 1, stdout: '' });
  expect(undeclared.stderr).toContain('  fixer:\n    runtime: claude-code\n    workspace: ./app\n');
  expect(parse(fs.readFileSync(fleet.configFile, 'utf8')).agents).toEqual({});

  const done = await adopt(id.slice(0, 8), '--as', 'fixer', '--write', '--json');
  expect(done.stderr).toContain(`Added fixer to ${fleet.configFile}`);
  const { agent, session, conversation } = JSON.parse(done.stdout);
  expect(agent).toMatchObject({ name: 'fixer', state: 'running', workspace: directory, problem: null });
  expect(conversation.id).toBe(id);
  expect(session).not.toBe(id);

  const planned = async () => {
    const { changes } = JSON.parse(await fleet.ok('plan', '--json'));
    return changes.find((change: { agent: string }) => change.agent === 'fixer').launch;
  };
  expect(await planned()).toMatchObject({ adopted: conversation.file });
  expect(await fleet.ok('plan')).toContain(
    `goes on with a copy of the conversation ${conversation.file}, begun by hand`,
  );

  // It was not woken, and its first message reaches the model behind the whole conversation.
  const asked = fleet.model.requests.length;
  await fleet.inject('fixer', 'What do you remember? [[say zebra]]');
  await fleet.turns('fixer', 1);
  expect(fleet.model.requests.length).toBe(asked + 1);
  const request = fleet.model.requests.at(-1)!;
  for (const words of ['Remember zebra', 'I remember zebra', 'begun by a person', 'What do you remember?'])
    expect(saidIn(request)).toContain(words);
  const saved = /saved to: (\S+)/.exec(resultsIn(request).join('\n'))![1]!;
  expect(saved).toContain(join(fleet.stateDir, 'agents', 'fixer'));
  expect(fs.readFileSync(saved, 'utf8')).toMatch(/\n30000\n?$/);
  expect(digest(kept)).toBe(before);
  expect(await fleet.event('agent.adopted')).toMatchObject({
    agent: 'fixer',
    principal: 'operator',
    data: { id, session, directory, runtime: 'claude-code', open: false },
  });
  expect(await fleet.ok('logs', 'fixer')).toContain(
    `conversation ${id.slice(0, 8)}, begun by hand in ${directory}`,
  );

  // Like any agent of the file it outlives its host, and is in force for the next `up`.
  await fleet.killHost();
  expect(await planned()).toMatchObject({ adopted: conversation.file });
  await fleet.up();
  expect(await fleet.agent('fixer')).toMatchObject({ state: 'running', run: agent.run, pending: null });
  expect(await adopt(id, '--as', 'fixer')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Stop it first'),
  });
  await fleet.act('stop', 'fixer');
  expect((await adopt(id, '--as', 'fixer')).stderr).toContain('has a conversation of its own');
  await fleet.ok('start', 'fixer', '--fresh');
  expect(await planned()).toMatchObject({ adopted: null });
}, 120_000);

test('what cannot be adopted is refused before anything is made', async () => {
  fleet = await LiveFleet.make({ agents: {} });
  const directory = join(fleet.root, 'elsewhere');
  fleet.configure({
    agents: {
      fixer: { runtime: 'claude-code', autostart: false },
      keyless: { runtime: 'claude-code', autostart: false, auth: 'NOT_SET_ANYWHERE', workspace: directory },
      looper: { runtime: 'builtin', model: 'anthropic:x', auth: 'ANTHROPIC_API_KEY', autostart: false },
    },
  });
  await fleet.up();
  const id = '8f0b4478-42b1-4c1c-9758-83dc17a6fb34';
  const kept = join(fleet.home, '.claude', 'projects', directory.replace(/[^a-zA-Z0-9]/g, '-'));
  fs.mkdirSync(kept, { recursive: true });
  const begin = (id: string, text: string) =>
    fs.writeFileSync(
      join(kept, `${id}.jsonl`),
      `${JSON.stringify({ type: 'user', cwd: directory, sessionId: id, message: { content: text } })}\n`,
    );
  begin(id, 'Fix\u001b]0;owned\u0007 it\u202e');
  const refused = async (...args: string[]) => {
    const { code, stderr } = await fleet.cli(['adopt', ...args]);
    expect(code).not.toBe(0);
    return stderr;
  };
  expect(await refused('builtin', id, '--as', 'fixer')).toContain('cannot be adopted by runtime builtin');
  expect(await refused('cobol', id, '--as', 'fixer')).toMatch(/No runtime is named "cobol".*claude-code/s);
  expect(await refused('claude', id)).toContain('--as NAME');
  expect(await refused('claude', '../../etc', '--as', 'fixer')).toContain('is not an id of a conversation');
  expect(await refused('claude', 'ffff', '--as', 'fixer')).toContain('has the id ffff');
  expect(await refused('claude', id, '--as', 'looper')).toContain('has runtime builtin');
  expect(await refused('claude', id, '--as', 'fixer')).toMatch(/was begun in .*elsewhere/);
  expect(await refused('claude', id, '--as', 'No Name')).toContain('cannot be the name of an agent');
  begin('8f0b4478-0000-4c1c-9758-83dc17a6fb34', 'Another');
  expect(await refused('claude', '8f0b', '--as', 'fixer')).toContain('Several conversations');

  // A program has it open: refused, unless it is copied as it is.
  fs.mkdirSync(join(fleet.home, '.claude', 'sessions'));
  const note = { pid: process.pid, sessionId: id, status: 'idle' };
  fs.writeFileSync(join(fleet.home, '.claude', 'sessions', `${process.pid}.json`), JSON.stringify(note));
  expect(await refused('claude', id, '--as', 'fixer')).toMatch(
    /is in use: process \d+ \(idle\) has it open.*--force/s,
  );
  expect(await refused('claude', id, '--as', 'fixer', '--force')).toMatch(/was begun in .*elsewhere/);

  // What it says is shown as what it is.
  fs.mkdirSync(directory);
  fs.symlinkSync(directory, join(fleet.root, 'link'));
  const { stdout } = await fleet.cli(['adopt', 'claude', '--in', join(fleet.root, 'link')]);
  expect(stdout).toContain('Fix');
  expect(stdout).not.toMatch(/[\u001b\u0007\u202e]/);
  expect(await fleet.events({ topics: ['agent.adopted'] })).toEqual([]);
  expect(fs.existsSync(join(fleet.stateDir, 'agents', 'fixer', 'claude'))).toBe(false);

  // One that cannot start has its copy, and says what is missing.
  const keyless = await fleet.cli(['adopt', 'claude', id, '--as', 'keyless', '--force']);
  expect(keyless).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`keyless has a copy of conversation ${id}`),
  });
  expect(keyless.stdout).toMatch(/keyless is failed: .*NOT_SET_ANYWHERE/);
  expect(await fleet.events({ topics: ['agent.adopted'] })).toMatchObject([
    { agent: 'keyless', data: { id, open: true, files: 1 } },
  ]);
}, 60_000);

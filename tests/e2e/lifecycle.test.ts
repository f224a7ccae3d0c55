/** What comes back by itself, what does not, and who decides. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AgentView } from '../../src/host/api.ts';
import { LiveFleet, running } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';
import { LONG } from '../support/run-tree.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

test('an engine that is killed comes back with its conversation, told at once what was cut off', async () => {
  fleet = await LiveFleet.make({ agents: {} });
  fleet.configure({
    agents: {
      writer: {
        runtime: 'builtin',
        model: 'anthropic:scripted',
        auth: 'ANTHROPIC_API_KEY',
        env: { ANTHROPIC_BASE_URL: fleet.model.url },
        goal: 'Begin. [[say The first chapter is written]]',
        restart: 'on-failure',
      },
      claude: {
        runtime: 'claude-code',
        goal: 'Begin. [[say The first chapter is written]]',
        autostart: false,
      },
    },
  });
  await fleet.up();
  const before = await fleet.turns('writer', 1);
  const seen = fleet.model.requests.length;
  process.kill(before.pid!, 'SIGKILL');

  const after = await fleet.until(
    'writer',
    'idle in a new run',
    (view) => view.run !== before.run && view.activity === 'idle',
  );
  expect(after).toMatchObject({ state: 'running', restarts: 1, problem: null });
  // Nothing of it was cut off, so it is not woken, over another death neither: it hears of it with the next message.
  process.kill(after.pid!, 'SIGKILL');
  await fleet.until(
    'writer',
    'idle in a third run',
    (view) => view.run !== after.run && view.activity === 'idle',
  );
  await fleet.killHost();
  await fleet.up();
  await fleet.inject('writer', 'And the second? [[say Begun]]');
  await fleet.turns('writer', 2);
  const asked = fleet.model.requests.filter(
    ({ index, conversation }) => index >= seen && conversation !== null,
  );
  expect(asked).toHaveLength(1);
  const told = saidIn(asked[0]!);
  expect(told).toContain('The first chapter is written');
  expect(told).toMatch(/Your process ended unexpectedly .*You were away for \d+ s.*\n\nAnd the second\?/);
  expect(told).not.toContain('did not finish');
  // Once.
  await fleet.inject('writer', 'And the third? [[say Begun too]]');
  await fleet.turns('writer', 3);
  expect(saidIn(fleet.model.requests.at(-1)!).split('ended unexpectedly')).toHaveLength(2);
  expect(await fleet.event('run.exited')).toMatchObject({
    run: before.run,
    data: { signal: 'SIGKILL', cause: 'exited', survivors: 0 },
  });
  // What somebody asks for is no restart of that kind.
  await fleet.act('restart', 'writer');
  expect((await fleet.agent('writer')).restarts).toBe(2);

  // One that is killed in mid-turn is told at once that its turn was cut off.
  await fleet.act('start', 'claude');
  const { pid } = await fleet.turns('claude', 1);
  const { id } = await fleet.inject('claude', 'Go on. [[hang for-ever]]');
  await fleet.event('inject.seen', ({ data }) => data.inject === id);
  const asked_ms = Date.now();
  process.kill(pid!, 'SIGKILL');
  const resumed = await fleet.model.waitFor(
    (request) => request.at_ms >= asked_ms && saidIn(request).includes('Your process ended unexpectedly'),
    30_000,
  );
  for (const words of ['The first chapter is written', 'did not finish. You were away for'])
    expect(saidIn(resumed)).toContain(words);
}, 120_000);

test('a crash loop ends in failed, with the last words and what to do; programs that end at once are told with their exit', async () => {
  const names = Array.from({ length: LONG ? 16 : 4 }, (_, index) => `quick-${index}`);
  const quick = (index: number) => ({
    runtime: 'command',
    command: ['sh', '-c', `exit ${index % 2 === 0 ? 0 : 7}`],
    restart: 'never',
  });
  fleet = await LiveFleet.make({
    agents: {
      looper: {
        runtime: 'command',
        command: ['sh', '-c', 'echo no such table: parrots; exit 1'],
        restart: { policy: 'on-failure', attempts: 2 },
      },
      fine: { runtime: 'command', command: ['sleep', '1000'] },
      ...Object.fromEntries(names.map((name, index) => [name, quick(index)])),
    },
  });
  // Whether it has crashed already when `up` returns is a matter of milliseconds.
  await fleet.cli(['up', '--detach']);
  const failed = await fleet.until('looper', 'given up', (view) => view.state === 'failed', 30_000);
  expect(failed.problem).toMatchObject({ code: 'agent.crashed', who: 'runtime' });
  expect(failed.problem?.message).toMatch(/exited with code 1.*3 times.*no such table: parrots/);
  expect(failed.problem?.next).toContain('aether start looper');
  expect(failed).toMatchObject({ restarts: 2, requested: null });
  expect((await fleet.events({ agent: 'looper', topics: ['run.exited'] })).length).toBe(3);
  const shown = await fleet.ok('ps');
  expect(shown).toMatch(/looper +command +failed/);
  // That they ended at once is no launch that failed.
  for (const [index, name] of names.entries()) {
    const view = await fleet.until(name, 'ended', ({ exit }) => exit !== null, 30_000);
    const code = index % 2 === 0 ? 0 : 7;
    expect(view).toMatchObject({ exit: { code, signal: null }, state: code === 0 ? 'exited' : 'failed' });
    expect(view.problem?.code ?? null).toBe(code === 0 ? null : 'agent.crashed');
  }

  // It is given up for good: `up` is what tries again, and the other one was never touched.
  await fleet.killHost();
  await fleet.cli(['up', '--detach']);
  await fleet.until('looper', 'given up again', (view) => view.state === 'failed', 30_000);
  expect((await fleet.events({ agent: 'looper', topics: ['run.exited'] })).length).toBe(6);
  expect((await fleet.agent('fine')).restarts).toBe(0);
}, 60_000);

test('a stop outlives an edit, an apply and a host, also one from another login, which finds the runs; start ends it', async () => {
  const config = (banner: string) => ({
    agents: {
      ticker: { runtime: 'command', command: ['sleep', '1000'], env: { BANNER: banner } },
      other: { runtime: 'command', command: ['sleep', '1000'] },
    },
  });
  fleet = await LiveFleet.make(config('one'));
  await fleet.up();
  const { pid } = await fleet.agent('ticker');
  expect(await fleet.ok('stop', 'ticker')).toContain('ticker is stopped');
  expect(running(pid!)).toBe(false);
  const stopped = { state: 'stopped', wanted: 'stopped', pid: null };

  fleet.configure(config('two'));
  await fleet.event('config.changed');
  expect(await fleet.agent('ticker')).toMatchObject({ ...stopped, pending: expect.stringContaining('env') });
  await fleet.ok('apply');
  expect(await fleet.agent('ticker')).toMatchObject(stopped);
  const steady = await fleet.agent('other');
  await fleet.killHost();
  fleet.env.XDG_RUNTIME_DIR = join(fleet.root, 'elsewhere');
  mkdirSync(fleet.env.XDG_RUNTIME_DIR, { mode: 0o700 });
  await fleet.up();
  expect(await fleet.agent('other')).toMatchObject({ run: steady.run, pid: steady.pid, restarts: 0 });
  expect(await fleet.agent('ticker')).toMatchObject(stopped);
  await fleet.ok('down');
  await fleet.up();
  expect(await fleet.agent('ticker')).toMatchObject(stopped);
  expect(await fleet.agent('other')).toMatchObject({ state: 'running', wanted: 'running' });

  expect(await fleet.ok('start', 'ticker')).toMatch(/ticker is running, pid \d+/);
  const rows = await fleet.json<AgentView[]>('ps');
  expect(Object.fromEntries(rows.map(({ name, state }) => [name, state]))).toEqual({
    ticker: 'running',
    other: 'running',
  });
  for (const row of rows)
    for (const key of ['name', 'runtime', 'state', 'activity', 'run', 'pid', 'since', 'evidence'])
      expect(row).toHaveProperty(key);
}, 60_000);

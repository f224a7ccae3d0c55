/** aether.yaml is edited while the fleet runs: what applies by itself, what waits, what is refused. */
import fs from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet, running } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

const sleeper = (env: Record<string, string> = {}) => ({
  runtime: 'command',
  command: ['sleep', '1000'],
  env,
});

test('additions apply, restarts and removals wait for apply, a broken edit changes nothing', async () => {
  fleet = await LiveFleet.make({ agents: { one: sleeper(), two: sleeper() } });
  await fleet.up();
  const one = await fleet.agent('one');
  const two = await fleet.agent('two');

  /* A new agent starts by itself; nobody else notices. */
  fleet.configure({ agents: { one: sleeper(), two: sleeper(), three: sleeper() } });
  await eventually('three is there', async () => (await fleet.json<unknown[]>('ps')).length === 3);
  await fleet.until('three', 'running', (view) => view.state === 'running');
  expect((await fleet.agent('one')).pid).toBe(one.pid);

  /* What takes a restart waits, and so does a removal. */
  fleet.configure({ agents: { one: sleeper({ LEVEL: 'high' }), three: sleeper() } });
  const waiting = await fleet.until('one', 'pending', (view) => view.pending !== null);
  expect(waiting).toMatchObject({ pid: one.pid, pending: 'changed: env' });
  expect(await fleet.agent('two')).toMatchObject({ pid: two.pid, pending: 'removed from aether.yaml' });
  const shown = await fleet.ok('ps');
  expect(shown).toMatch(/one .*waits for `aether apply`/);
  expect(await fleet.ok('plan')).toMatch(/LEVEL/);

  /* A broken file is refused with its place; what runs goes on, also what waited. */
  fs.appendFileSync(fleet.configFile, '  broken: {runtim: command}\n');
  const broken = await eventually('it is refused', async () => {
    const { configProblem } = await fleet.withHost((client) => client.call('info'));
    return configProblem;
  });
  expect(`${broken.message} ${broken.next}`).toMatch(
    /runtim.*(line \d+|:\d+:\d+)[\s\S]*runtime|:\d+:\d+[\s\S]*runtim[\s\S]*runtime/,
  );
  const ps = await fleet.cli(['ps']);
  expect(ps.stderr).toContain('is not applied');
  expect(ps.code).toBe(0);
  const refused = await fleet.cli(['apply']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/runtim/);
  expect((await fleet.agent('one')).pid).toBe(one.pid);
  expect(running(two.pid!)).toBe(true);

  /* Mended, and applied. */
  fleet.configure({ agents: { one: sleeper({ LEVEL: 'high' }), three: sleeper() } });
  await eventually('it is mended', async () => {
    const { configProblem } = await fleet.withHost((client) => client.call('info'));
    return configProblem === null;
  });
  await fleet.ok('apply');
  const after = await fleet.agent('one');
  expect(after).toMatchObject({ state: 'running', pending: null });
  expect(after.pid).not.toBe(one.pid);
  expect(fs.readFileSync(`/proc/${after.pid}/environ`, 'utf8')).toContain('LEVEL=high');
  expect(running(two.pid!)).toBe(false);
  const gone = await fleet.cli(['stop', 'two']);
  expect(gone.code).not.toBe(0);
  expect(gone.stderr).toMatch(/no agent named "two".*[\s\S]*one, three/);
}, 90_000);

test('Ctrl-C on a fleet in the foreground stops the agents and ends', async () => {
  fleet = await LiveFleet.make({
    agents: {
      polite: sleeper(),
      // Does not care for SIGTERM or SIGHUP: the ladder goes on to SIGKILL.
      deaf: { runtime: 'command', command: ['sh', '-c', 'trap "" TERM HUP INT; while :; do sleep 1; done'] },
    },
  });
  const up = fleet.begin(['up']);
  await eventually('the host answers', () => up.stdout().includes('Console: '), 20_000);
  const polite = await fleet.until('polite', 'running', (view) => view.state === 'running');
  const deaf = await fleet.until('deaf', 'running', (view) => view.state === 'running');

  const began = Date.now();
  up.child.kill('SIGINT');
  const ended = await up.ended;
  expect([0, 130]).toContain(ended.code);
  expect(Date.now() - began).toBeLessThan(9_000);
  expect(ended.stderr).toContain('Stopping the agents');
  for (const { pid } of [polite, deaf]) expect(running(pid!)).toBe(false);
  expect(fleet.survivors()).toEqual([]);
  expect((await fleet.cli(['ps'])).stderr).toContain('No host is running');

  // The wish to run stays.
  fleet.configure({ agents: { polite: sleeper() } });
  await fleet.up();
  expect((await fleet.agent('polite')).state).toBe('running');
}, 60_000);

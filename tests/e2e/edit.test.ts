/** aether.yaml is edited while the fleet runs: what applies by itself, what waits, what is refused. */
import fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import type { AgentConfig } from '../../src/host/config/types.ts';
import { eventually } from '../support/eventually.ts';
import { type FleetConfig, LiveFleet, running } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

const sleeper = (env: Record<string, string> = {}) => ({
  runtime: 'command',
  command: ['sleep', '1000'],
  env,
});

test('an edit that gives anything waits for apply, and says why; a broken one changes nothing', async () => {
  fleet = await LiveFleet.make({ agents: { one: sleeper(), two: sleeper() } });
  await fleet.up();
  const one = await fleet.agent('one');
  const two = await fleet.agent('two');

  /* A new agent, another environment, a removal: none of it happens by itself. */
  fleet.configure({ agents: { one: sleeper({ LEVEL: 'high' }), three: sleeper() } });
  const waiting = await fleet.until('one', 'pending', (view) => view.pending !== null);
  expect(waiting).toMatchObject({ pid: one.pid, pending: 'env gives its processes other variables' });
  expect(await fleet.agent('two')).toMatchObject({ pid: two.pid, pending: 'removed from aether.yaml' });
  expect((await fleet.json<{ name: string }[]>('ps')).map(({ name }) => name)).toEqual(['one', 'two']);
  const ps_ = await fleet.cli(['ps']);
  expect(ps_.stdout).toMatch(/one .*waits for `aether apply`/);
  expect(ps_.stderr).toContain('Waits for `aether apply`: three: added to aether.yaml');
  expect(ps_.stderr).toContain('Waits for `aether apply`: one: env gives its processes other variables');
  const plan = await fleet.ok('plan');
  expect(plan).toMatch(/LEVEL/);
  expect(plan).toContain('waits for `aether apply`: env gives its processes other variables');
  const { data, principal } = await fleet.event('config.changed');
  expect({ data, principal }).toEqual({
    data: { pending: ['one', 'three', 'two'] },
    principal: 'file:aether.yaml',
  });

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
  await fleet.until('three', 'running', (view) => view.state === 'running');
  expect(await fleet.event('agent.added', ({ agent }) => agent === 'three')).toMatchObject({
    principal: 'operator',
  });
  const after = await fleet.agent('one');
  expect(after).toMatchObject({ state: 'running', pending: null });
  expect(after.pid).not.toBe(one.pid);
  expect(fs.readFileSync(`/proc/${after.pid}/environ`, 'utf8')).toContain('LEVEL=high');
  expect(running(two.pid!)).toBe(false);
  const gone = await fleet.cli(['stop', 'two']);
  expect(gone.code).not.toBe(0);
  expect(gone.stderr).toMatch(/no agent named "two".*[\s\S]*one, three/);
}, 90_000);

test('an edit that takes away applies by itself, in the name of the file', async () => {
  const tools = ['aether_mail_send', 'aether_report'];
  const retention = { days: 9, bytes: '1GB' };
  const agent = (more: object) => ({
    ...sleeper(),
    tools,
    permissions: { allow: ['Read', 'Bash'] },
    ...more,
  });
  const loop = (granted: string[]) => ({
    runtime: 'builtin',
    model: 'anthropic:scripted',
    auth: 'ANTHROPIC_API_KEY',
    env: { ANTHROPIC_BASE_URL: fleet.model.url },
    goal: '[[say hello]]',
    tools: granted,
  });
  fleet = await LiveFleet.make({ agents: { one: agent({}) }, retention } as FleetConfig);
  fleet.configure({ agents: { one: agent({}), loop: loop(tools) }, retention } as FleetConfig);
  await fleet.up();
  await fleet.turns('loop', 1);
  const offered = () =>
    fleet.model.requests.at(-1)?.conversation?.tools.filter((t) => t.startsWith('aether_'));
  expect(offered()).toEqual(tools);
  const { pid } = await fleet.agent('one');

  /* One tool is taken away and one is asked for; the engine was started with the permissions that are now fewer. */
  fleet.configure({
    agents: {
      one: agent({
        tools: ['aether_report', 'aether_memory_get'],
        permissions: { mode: 'deny', allow: ['Read'], deny: ['Bash'] },
        wake: false,
      }),
      loop: loop(['aether_report']),
    },
    retention: { ...retention, bytes: '1MB' },
  } as FleetConfig);
  const edited = await fleet.event('agent.changed', (event) => event.agent === 'one');
  expect(edited).toMatchObject({
    agent: 'one',
    principal: 'file:aether.yaml',
    data: { narrowed: ['tools', 'wake'] },
  });
  // An engine that was told of the change offers its model what is granted now.
  await fleet.event('agent.changed', (event) => event.agent === 'loop');
  for (let turn = 2; offered()?.length === 2; turn += 1) {
    await fleet.inject('loop', '[[say again]]');
    await fleet.turns('loop', turn);
  }
  expect(offered()).toEqual(['aether_report']);
  expect(await fleet.agent('one')).toMatchObject({
    pid,
    pending: 'permissions narrows from its next start on; tools grants more tools',
  });
  const { configWaits } = await fleet.withHost((client) => client.call('info'));
  expect(configWaits.at(-1)).toEqual({
    agent: null,
    why: 'retention decides what is deleted, and when',
  });
  const applied = () => {
    const db = new Database(join(fleet.stateDir, 'aether.db'), { readonly: true });
    try {
      const row = db.prepare("SELECT config FROM agents WHERE name = 'one'").get() as { config: string };
      return JSON.parse(row.config) as AgentConfig;
    } finally {
      db.close();
    }
  };
  expect(applied().tools).toEqual(['aether_report']);
  expect(applied().permissions.mode).toBe('ask');

  /* What comes anyway is the next start. */
  await fleet.act('restart', 'one');
  expect(applied()).toMatchObject({
    tools: ['aether_report'],
    permissions: { mode: 'deny', allow: ['Read'], deny: ['Bash'] },
  });
  expect(await fleet.agent('one')).toMatchObject({ pending: 'tools grants more tools' });
  await fleet.ok('apply');
  expect(applied().tools).toEqual(['aether_report', 'aether_memory_get']);
  expect((await fleet.withHost((client) => client.call('info'))).configWaits).toEqual([]);
}, 60_000);

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
  expect(await fleet.leftovers()).toEqual([]);
  expect((await fleet.cli(['ps'])).stderr).toContain('No host is running');

  // The wish to run stays.
  fleet.configure({ agents: { polite: sleeper() } });
  await fleet.up();
  expect((await fleet.agent('polite')).state).toBe('running');
}, 60_000);

test('an agent of a runtime that this version does not have is shown, and nothing else is hidden by it', async () => {
  fleet = await LiveFleet.make({ agents: { one: sleeper(), two: sleeper() } });
  await fleet.up();
  await fleet.ok('down');
  const db = new Database(join(fleet.stateDir, 'aether.db'));
  db.exec("UPDATE agents SET config = json_set(config, '$.runtime', 'parrot') WHERE name = 'one'");
  db.close();
  fleet.write('agents: [');
  await fleet.cli(['up', '--detach']);
  const rows = await fleet.json<{ name: string; runtime: string; state: string }[]>('ps');
  expect(rows.map(({ name, runtime }) => [name, runtime])).toEqual([
    ['one', 'parrot'],
    ['two', 'command'],
  ]);
  await fleet.until('two', 'running', (view) => view.state === 'running');
  expect((await fleet.cli(['start', 'one'])).stderr).toContain('no runtime named parrot');
}, 60_000);

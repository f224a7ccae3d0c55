/** aether.yaml is edited while no host runs: a supervisor starts the host again, and only an operator applies the edit. */
import fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type FleetConfig, LiveFleet, running } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

const tools = ['aether_mail_send', 'aether_report'];
const sleeper = (more: object = {}) => ({ runtime: 'command', command: ['sleep', '1000'], tools, ...more });
const config = (parts: object) => ({ retention: { days: 400 }, ...parts }) as unknown as FleetConfig;

/** As systemd does. */
async function supervised(): Promise<void> {
  fleet.begin(['host', '--file', fleet.configFile, '--state', fleet.stateDir]);
  await eventually('the host answers', () => fleet.withHost(() => Promise.resolve(true)).catch(() => false));
}
const info = () => fleet.withHost((client) => client.call('info'));
function lastEvent(): number {
  const db = new Database(join(fleet.stateDir, 'aether.db'), { readonly: true });
  try {
    return db.prepare<[], number>('SELECT max(seq) FROM events').pluck().get()!;
  } finally {
    db.close();
  }
}
const names = async () => (await fleet.json<{ name: string }[]>('ps')).map(({ name }) => name);

test('a host that is started again only narrows what it knows; `up` applies all of the file', async () => {
  fleet = await LiveFleet.make(config({ agents: { one: sleeper(), two: sleeper() } }));
  await fleet.up();
  const [one, two] = [await fleet.agent('one'), await fleet.agent('two')];

  /* The host dies, and an agent gives itself more; the other one ends meanwhile. */
  await fleet.killHost();
  const more = { env: { LEVEL: 'high' }, tools: ['aether_report', 'aether_memory_get'], wake: false };
  const edit = { agents: { one: sleeper(more), two: sleeper(more), three: sleeper() } };
  fleet.configure(config({ ...edit, retention: { days: 1 }, console: { enabled: false } }));
  process.kill(two.pid!, 'SIGKILL');
  const before = lastEvent();
  await supervised();

  const again = await fleet.until(
    'two',
    'started again',
    ({ pid, state }) => state === 'running' && pid !== two.pid,
  );
  for (const pid of [one.pid, again.pid])
    expect(fs.readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('LEVEL');
  const waits = 'env gives its processes other variables; tools grants more tools';
  expect(await fleet.agent('one')).toMatchObject({ pid: one.pid, pending: waits });
  expect(await names()).toEqual(['one', 'two']);

  /* It is told everywhere, in the name of the file. */
  expect((await info()).configWaits).toEqual([
    { agent: 'one', why: waits },
    { agent: 'two', why: waits },
    { agent: 'three', why: 'added to aether.yaml' },
    { agent: null, why: 'retention decides what is deleted, and when' },
    { agent: null, why: 'console decides whether the host has a web page, and at which port' },
  ]);
  const ps = await fleet.cli(['ps']);
  expect(ps.stderr).toContain('Waits for `aether apply`: three: added to aether.yaml');
  expect(ps.stderr).toContain('Waits for `aether apply`: retention decides');
  expect(await fleet.ok('plan')).toContain(`waits for \`aether apply\`: ${waits}`);
  const events = (await fleet.events()).filter(({ seq }) => seq > before);
  const told = events.map(({ topic, principal, agent }) => [topic, principal, agent]);
  expect(told).toContainEqual(['agent.changed', 'file:aether.yaml', 'one']);
  expect(events.find(({ topic }) => topic === 'config.changed')).toMatchObject({
    principal: 'file:aether.yaml',
    data: { pending: ['one', 'two', 'three', 'retention', 'console'] },
  });
  expect(events.filter(({ topic }) => topic === 'config.applied' || topic === 'agent.added')).toEqual([]);

  /* The settings of the fleet are those that were applied, also for a host that cannot read the file. */
  expect((await info()).console).not.toBeNull();
  await fleet.killHost();
  fleet.write('agents: [');
  await supervised();
  expect(await info()).toMatchObject({ configProblem: { code: expect.stringMatching(/^config\./) } });
  expect((await info()).console).not.toBeNull();
  expect(running(one.pid!)).toBe(true);

  /* An operator starts it: all of the file counts. */
  await fleet.killHost();
  fleet.configure(config({ ...edit, retention: { days: 1 }, console: { enabled: false } }));
  await fleet.up();
  expect(await info()).toMatchObject({ configWaits: [], console: null });
  expect(await names()).toEqual(['one', 'two', 'three']);
  const applied = await fleet.agent('one');
  expect(fs.readFileSync(`/proc/${applied.pid}/environ`, 'utf8')).toContain('LEVEL=high');
  expect(await fleet.event('agent.added', ({ agent }) => agent === 'three')).toMatchObject({
    principal: 'operator',
  });
}, 90_000);

test('the first start of a fleet applies all of the file, whoever starts the host', async () => {
  fleet = await LiveFleet.make(config({ agents: { one: sleeper() } }));
  await supervised();
  await fleet.until('one', 'running', ({ state }) => state === 'running');
  expect((await info()).configWaits).toEqual([]);

  /* Nothing was edited: nothing waits, and nothing is told. */
  await fleet.killHost();
  await supervised();
  await fleet.until('one', 'running', ({ state }) => state === 'running');
  expect((await info()).configWaits).toEqual([]);
  expect((await fleet.events()).map(({ topic }) => topic)).not.toContain('config.changed');
  await fleet.ok('down');
}, 60_000);

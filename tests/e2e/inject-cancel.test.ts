/** Messages taken back, and messages of which nobody knows what became. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InjectionView } from '../../src/host/api.ts';
import { eventually } from '../support/eventually.ts';
import { call, LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
beforeAll(async () => {
  fleet = await LiveFleet.make({
    agents: { worker: { runtime: 'claude-code', permissions: 'allow', goal: '[[say hello]]' } },
  });
  await fleet.up();
}, 60_000);
afterAll(() => fleet.close(), 60_000);

const waits = call('Bash', { command: 'while [ ! -e go ]; do sleep 0.05; done', description: 'waits' });
const said = () => fleet.model.requests.map(saidIn).join('\n');

test('out of the queue of the host, and of the engine; what was read stays', async () => {
  await fleet.turns('worker', 1);

  // The host's: nothing leaves it while the agent is held.
  await fleet.ok('hold', 'worker', '--wait');
  const queued = await fleet.json<InjectionView>('inject', 'worker', 'NEVER-SENT');
  expect(await fleet.ok('inject', 'worker', '--cancel', queued.id)).toMatch(/cancelled/);
  await fleet.act('resume', 'worker');

  // The engine's: it waits there for a turn of its own.
  const busy = await fleet.json<InjectionView>(
    'inject',
    'worker',
    `${waits} [[say waited]]`,
    '--wait',
    'seen',
  );
  const later = await fleet.json<InjectionView>(
    'inject',
    'worker',
    'NEVER-READ',
    '--priority',
    'later',
    '--wait',
    'delivered',
  );
  const cancelled = await fleet.json<InjectionView>('inject', 'worker', '--cancel', later.id);
  expect(cancelled.state).toBe('cancelled');
  expect(cancelled.steps.map(({ stage }) => stage)).toEqual(['queued', 'delivered', 'cancelled']);

  // What the model has read is not unread.
  const late = await fleet.cli(['inject', 'worker', '--cancel', busy.id]);
  expect(late.code).not.toBe(0);
  expect(late.stderr).toContain('was not taken back: the model has read it');
  await fleet.ok(
    'inject',
    'worker',
    call('Bash', { command: 'touch go', description: 'x' }),
    '--priority',
    'now',
  );
  await fleet.ok('inject', 'worker', '[[say the end]]', '--priority', 'later', '--wait', 'acted');
  expect(said()).not.toMatch(/NEVER-/);

  const list = await fleet.ok('inject', 'worker', '--list');
  expect(list).toMatch(new RegExp(`${later.id}\\s+cancelled\\s.*NEVER-READ`));
  expect((await fleet.cli(['inject', 'worker'])).code).toBe(2);
}, 120_000);

test('an engine that dies with a message it has not read: delivery unknown, and not sent again', async () => {
  await fleet.idle('worker');
  const forEver = call('Bash', { command: 'while :; do sleep 0.2; done', description: 'for ever' });
  await fleet.inject('worker', `${forEver} [[say waited]]`);
  const { pid, run } = await fleet.until('worker', 'in its tool', (view) => view.activity === 'tool');
  const waiting = fleet.begin(['inject', 'worker', 'PERHAPS-READ', '--wait', 'acted']);
  const perhaps = async () =>
    (await fleet.withHost((host) => host.call('injections', { agent: 'worker' }))).at(-1);
  await eventually('it is delivered', async () => {
    const message = await perhaps();
    return message?.text === 'PERHAPS-READ' && message.state === 'delivered';
  });
  process.kill(pid!, 'SIGKILL');
  const { code, stdout } = await waiting.ended;
  expect(code).toBe(1);
  // The id at once, then every step with how it is known.
  expect(stdout.split('\n')[0]).toMatch(/^[0-9a-f-]{36} queued$/);
  expect(stdout).toMatch(/delivery unknown: the run ended before the engine said that it had read this/);
  await fleet.until(
    'worker',
    'running again',
    (view) => view.run !== run && view.activity === 'idle',
    40_000,
  );
  expect(said()).not.toContain('PERHAPS-READ');
  expect(await fleet.ok('inject', 'worker', '--list')).toContain('delivery unknown');
}, 120_000);

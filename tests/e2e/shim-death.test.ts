/** The process that owns a run is killed: what it owned ends with it, and the agent goes on in a new run. */
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet, processes, running } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

function shimOf(run: string): number {
  const shim = processes().find(
    ({ command, environment }) =>
      command.startsWith('aether-shim') && environment.includes(`AETHER_RUN=${run}`),
  );
  if (shim === undefined) throw new Error(`no shim of ${run}`);
  return shim.pid;
}

test('kill -9 of the shim, with and without a host', async () => {
  fleet = await LiveFleet.make({
    agents: {
      writer: { runtime: 'claude-code', goal: 'Begin. [[say The first chapter is written]]' },
      stubborn: {
        runtime: 'command',
        command: ['sh', '-c', 'trap "" HUP TERM; while :; do sleep 1; done'],
      },
    },
  });
  await fleet.up();
  const writer = await fleet.turns('writer', 1);
  const stubborn = await fleet.agent('stubborn');
  for (const { run } of [writer, stubborn]) process.kill(shimOf(run!), 'SIGKILL');

  await fleet.until(
    'writer',
    'in a new run',
    (view) => view.run !== writer.run && view.state === 'running',
    30_000,
  );
  const other = await fleet.until(
    'stubborn',
    'in a new run',
    (view) => view.run !== stubborn.run && view.state === 'running',
    30_000,
  );
  // Two engines on one conversation would lose turns: the old one is gone first.
  for (const { pid } of [writer, stubborn]) expect(running(pid!)).toBe(false);
  expect((await fleet.events({ topics: ['run.lost'] })).map(({ run }) => run).sort()).toEqual(
    [writer.run, stubborn.run].sort(),
  );
  await fleet.inject('writer', 'Go on. [[say Gladly]]');
  await fleet.turns('writer', 2);
  const told = saidIn(fleet.model.requests.at(-1)!);
  expect(told).toContain('Begin.');
  expect(told).toContain('Your process ended unexpectedly');

  // The same while no host is there to see it; what an engine is told then, `loss.test.ts` looks at.
  await fleet.act('stop', 'writer');
  await fleet.killHost();
  process.kill(shimOf(other.run!), 'SIGKILL');
  await fleet.up();
  await fleet.until(
    'stubborn',
    'in a third run',
    (view) => view.run !== other.run && view.state === 'running',
    30_000,
  );
  await eventually('the old one is gone', () => !running(other.pid!));
}, 120_000);

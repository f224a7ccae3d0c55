/** An agent waits for its restart, and the host dies meanwhile: the next host does not let it wait for ever. */
import fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

test('kill -9 between the end of a run and its restart, and in the stop of one', async () => {
  // The wait after the third failure is two seconds at least.
  const crash = 'echo . >> starts; [ $(wc -l < starts) -gt 3 ] && exec sleep 1000; exit 7';
  const bye = 'echo . >> starts; exit 0';
  // Deaf to politeness: between the request and its end lie some seconds.
  const deaf = "trap '' TERM HUP; while :; do sleep 1; done";
  fleet = await LiveFleet.make({
    agents: {
      crashing: { runtime: 'command', command: ['sh', '-c', crash], restart: 'on-failure' },
      finished: { runtime: 'command', command: ['sh', '-c', bye], restart: 'on-failure' },
      deaf: { runtime: 'command', command: ['sh', '-c', deaf], restart: 'never' },
    },
  });
  await fleet.cli(['up', '--detach']);
  const ends = async (agent: string) => (await fleet.events({ agent, topics: ['run.exited'] })).length;
  let ended = 0;
  await fleet.event('run.exited', ({ agent }) => agent === 'crashing' && ++ended === 3);
  await fleet.killHost();
  await fleet.cli(['up', '--detach']);
  await fleet.until('crashing', 'started again', (view) => view.state === 'running', 20_000);
  expect(await ends('crashing')).toBe(3);
  // What had ended well stays ended.
  expect(await ends('finished')).toBe(1);
  expect((await fleet.agent('finished')).state).toBe('exited');

  // In the stop of a restart: whose run ends under the next host is started by it.
  const { run } = await fleet.until('deaf', 'running', (view) => view.state === 'running');
  const restart = fleet.begin(['restart', 'deaf']);
  await fleet.until('deaf', 'being stopped', (view) => view.state === 'stopping');
  await fleet.killHost();
  await restart.ended;
  await fleet.up();
  const again = await fleet.until(
    'deaf',
    'started again',
    (view) => view.state === 'running' && view.run !== run,
  );
  expect(again.restarts).toBe(0);
  expect(await fleet.events({ agent: 'deaf', topics: ['run.starting'] })).toHaveLength(2);

  // One that is to stay stopped does.
  const stop = fleet.begin(['stop', 'deaf']);
  await fleet.until('deaf', 'being stopped', (view) => view.state === 'stopping');
  await fleet.killHost();
  await stop.ended;
  await fleet.cli(['up', '--detach']);
  await fleet.until('deaf', 'stopped', (view) => view.state === 'stopped');
  expect(await fleet.events({ agent: 'deaf', topics: ['run.starting'] })).toHaveLength(2);
}, 120_000);

test('kill -9 of the host in the launch of an agent: it was never there to be lost, and is launched by the next host', async () => {
  fleet = await LiveFleet.make({
    agents: { shy: { runtime: 'command', command: ['sleep', '600'], restart: 'never' } },
  });
  const known = () => {
    const file = join(fleet.stateDir, 'aether.db');
    if (!fs.existsSync(file)) return null;
    const db = new Database(file, { readonly: true, timeout: 1_000 });
    try {
      return db.prepare<[], string>("SELECT id FROM runs WHERE state = 'created'").pluck().get() ?? null;
    } catch {
      return null; // it has no tables yet
    } finally {
      db.close();
    }
  };
  const up = fleet.begin(['up', '--detach']);
  const first = await eventually('its run is noted down', known);
  await fleet.killHost();
  await up.ended;
  await fleet.up();
  const view = await fleet.until('shy', 'running', (agent) => agent.state === 'running');
  expect(view).toMatchObject({ problem: null, restarts: 0 });
  const ends = await fleet.events({ agent: 'shy', topics: ['run.exited', 'run.lost'] });
  // Or the shim was there already, and had begun what it was told to.
  if (view.run !== first) {
    expect(ends).toMatchObject([
      {
        topic: 'run.exited',
        run: first,
        data: { cause: 'stopped', reason: 'the host died before it was started' },
      },
    ]);
  } else expect(ends).toEqual([]);
}, 60_000);

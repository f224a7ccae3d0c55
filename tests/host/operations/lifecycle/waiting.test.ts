/** An agent that waits for others to start: it can be stopped, killed and forgotten at once. */
import { beforeEach, expect, test } from 'vitest';
import { stopAll } from '../../../../src/host/operations/lifecycle/stop-all.ts';
import { fixtureRuntime } from '../../../support/fixture-runtime.ts';
import { puppetRuntime, type SeamHost } from '../../../support/seam-host.ts';
import { useSeams } from '../../../support/seams.ts';

const seams = useSeams();
let host: SeamHost;

const heavy = puppetRuntime('cat', {
  capabilities: { ...fixtureRuntime.capabilities, memory_bytes: 1_000_000_000 },
});

/** One that runs, and one that waits for its start to be over; the first of them never says that it is. */
beforeEach(async () => {
  host = await seams.begin({ runtime: heavy });
  const { config } = host.wiring.agents.get('a');
  for (const name of ['b', 'c'])
    host.wiring.agents.configure({ ...config, name, workspace: `${config.workspace}/${name}` }, name);
  await host.lifecycle.start('b', 'operator');
  seams.adopt(host, 'b');
});

/** @returns how its start ended, once it waits */
async function waits(): Promise<{ start: Promise<unknown> }> {
  const start = host.lifecycle.start('c', 'operator').catch((error: { code?: string }) => error.code);
  await host.until('it waits', () => host.lifecycle.waits('c') !== null);
  return { start };
}

test.each(['stop', 'kill'] as const)('%s', async (verb) => {
  const { start } = await waits();
  await host.lifecycle[verb]('c', 'operator');
  expect(await start).toBe('agent.stopped-meanwhile');
  expect(host.wiring.runs.newest('c')).toBe(null);
  // It has not failed: it was stopped.
  expect(host.wiring.agents.get('c')).toMatchObject({ wanted: 'stopped', problem: null });
  expect(host.events('agent.failed')).toEqual([]);
});

test('a stop does not wait for another start of it either, and one that comes after it is carried out', async () => {
  const { start } = await waits();
  const second = host.lifecycle.reconcile(['c']);
  const third = host.lifecycle.start('c', 'operator').catch((error: { code?: string }) => error.code);
  await host.lifecycle.stop('c', 'operator');
  await second;
  expect([await start, await third]).toEqual(['agent.stopped-meanwhile', 'agent.stopped-meanwhile']);
  expect(host.wiring.agents.get('c')).toMatchObject({ wanted: 'stopped', problem: null });
  const { start: again } = await waits();
  await host.lifecycle.kill('c', 'operator');
  expect(await again).toBe('agent.stopped-meanwhile');
});

test('all are stopped when the host ends, and the one that waits is wanted by the next', async () => {
  const { start } = await waits();
  await stopAll(host.wiring, host.lifecycle, 'operator');
  expect(await start).toBe('agent.stopped-meanwhile');
  expect(host.wiring.runs.live()).toEqual([]);
  expect(host.wiring.agents.get('c')).toMatchObject({ wanted: 'running', problem: null });
});

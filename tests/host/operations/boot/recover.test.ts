/** What a host finds when it starts: runs, leases and messages of one that died at a bad moment. Real shims. */
import { expect, test } from 'vitest';
import { isAlive } from '../../../../src/host/process/proc.ts';
import { useSeams } from '../../../support/seams.ts';
import { until } from '../../../support/shim.ts';

const seams = useSeams();
const inTool = { kind: 'activity', activity: 'tool', evidence: 'runs shell', tool: 'shell' } as const;
const idle = { kind: 'activity', activity: 'idle', evidence: 'the turn ended' } as const;

test('a takeover that waited for its boundary still waits, and comes true', async () => {
  const first = await seams.begin();
  await first.say(inTool);
  const taken = first.take('boundary').catch((error: unknown) => error);
  await first.until('it to wait', () => first.lease?.detail.waitingFor != null);
  first.die();
  await taken;
  const host = await seams.next(first);
  expect(host.lease).toMatchObject({ phase: 'pending', holder: 'tab 1' });
  await host.say(idle);
  await host.until('it to be held', () => host.lease?.phase === 'held');
  expect(host.events('lease.requested')).toHaveLength(1);
});

test('a lease of a run that ended while no host lived is let go of', async () => {
  const first = await seams.begin();
  await first.take();
  const shim = first.run.record.shim!;
  first.die();
  process.kill(shim.pid, 'SIGKILL');
  await until('the shim to be dead', () => !isAlive(shim));
  const host = await seams.next(first);
  await host.until('the run to be over', () => host.wiring.runs.of('a') === null, 1_000);
  expect(host.lease).toBeNull();
  expect(host.events('run.lost')).toHaveLength(1);
});

test('a run that was noted down and never started is over, was no failure, and is begun again', async () => {
  const first = await seams.begin();
  await first.lifecycle.stop('a', 'operator');
  const { openDoor } = first.wiring;
  // The host dies after it noted the run down, before there is a shim.
  first.wiring.openDoor = () => new Promise(() => undefined);
  void first.lifecycle.start('a', 'operator').catch(() => undefined);
  await first.until('it to be noted down', () => first.wiring.runs.of('a'));
  first.wiring.openDoor = openDoor;
  first.die();
  const host = await seams.next(first);
  await host.until('it to be over', () => host.wiring.runs.of('a') === null, 1_000);
  expect(host.events('run.lost')).toEqual([]);
  expect(host.wiring.agents.get('a')).toMatchObject({ problem: null, wanted: 'running' });
  await host.lifecycle.reconcile(['a']);
  await host.say({ kind: 'ready' }, idle);
  expect(host.run.record.state).toBe('running');
});

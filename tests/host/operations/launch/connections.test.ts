/** A host and the shim of its run: lost and back, silent, shared with a newer host, dead. Real shims. */
import { expect, test } from 'vitest';
import { isAlive } from '../../../../src/host/process/proc.ts';
import { useSeams } from '../../../support/seams.ts';

const seams = useSeams();
const SECOND_MS = 1_000;

test('a connection that breaks is made again, and what was written meanwhile is read', async () => {
  const host = await seams.begin();
  const before = host.run.client;
  before.close();
  await host.until('the shim to be back', () => host.run.connected && host.run.client !== before, SECOND_MS);
  expect(host.run.record.state).toBe('running');
  await host.say({ kind: 'message', role: 'assistant', text: 'still here', key: 'k' });
  expect(host.events('message.assistant')).toMatchObject([{ text: 'still here' }]);
  expect(host.events('run.lost')).toEqual([]);
});

test('a newer host has the run: the older one lets go, reads on, and reports no end', async () => {
  const older = await seams.begin();
  const newer = await seams.next(older);
  await older.until('the older one to be told', () => !older.run.connected, 0);
  older.clock.advance(60 * SECOND_MS);
  expect(older.run.connected).toBe(false);
  await expect(older.run.write({ id: 'x', data: '\n' })).rejects.toMatchObject({ code: 'run.unreachable' });
  await newer.say({ kind: 'message', role: 'assistant', text: 'for the newer', key: 'k' });
  expect(newer.events('run.lost')).toEqual([]);
  expect(newer.run.connected).toBe(true);
});

test('a shim that is silent delays no start, is shown as unknown, and is no death', async () => {
  const first = await seams.begin();
  const shim = first.run.record.shim!;
  first.die();
  process.kill(shim.pid, 'SIGSTOP');
  const host = seams.successor(first);
  const up = host.recover();
  host.clock.advance(2 * SECOND_MS);
  await up;
  expect(host.run.connected).toBe(false);
  expect(host.events('run.lost')).toEqual([]);
  process.kill(shim.pid, 'SIGCONT');
  await host.until('it to be adopted', () => host.run.connected, SECOND_MS);
  await host.say({ kind: 'message', role: 'assistant', text: 'slept', key: 'k' });
  expect(host.run.record).toMatchObject({ state: 'running', exit: null });
});

test('a shim that was killed: the run is lost once, and what it left is ended', async () => {
  const host = await seams.begin();
  const { run } = host;
  const { shim } = run.record;
  process.kill(shim!.pid, 'SIGKILL');
  await host.until('the run to be over', () => run.ended, SECOND_MS);
  expect(run.record.exit).toMatchObject({ cause: 'lost', reason: 'its shim is gone', survivors: 0 });
  expect(host.events('run.lost')).toMatchObject([{ survivors: 0 }]);
  expect(isAlive(shim!)).toBe(false);
  expect(host.wiring.agents.get('a').problem).toMatchObject({ code: 'agent.crashed' });
});

/** What becomes of a message when its run, its host or its sender does something else meanwhile. Real shims. */
import { expect, test } from 'vitest';
import { useSeams } from '../../../support/seams.ts';

const seams = useSeams();
const idle = { kind: 'activity', activity: 'idle', evidence: 'the turn ended' } as const;
const told = (injectId: string, stage: 'seen' | 'acted' | 'cancelled') =>
  ({ kind: 'inject', injectId, stage, evidence: 'the engine says so' }) as const;

test('delivered and never seen when the run ends: its fate is unknown, and the next run is not sent it again', async () => {
  const host = await seams.begin();
  const { id } = host.messages.send('a', { text: 'read this' }, 'operator');
  await host.settled();
  expect(host.messages.get(id).state).toBe('delivered');
  await host.lifecycle.stop('a', 'operator');
  expect(host.messages.get(id).state).toBe('unknown');
  await host.lifecycle.start('a', 'operator');
  await host.say({ kind: 'ready' }, idle);
  expect((await host.frames()).filter((frame) => frame.id === id)).toEqual([]);
  await expect(host.messages.cancel(id, 'operator')).rejects.toMatchObject({
    code: 'inject.settled',
    message: expect.stringContaining('not known whether it was read'),
  });
});

test('taken back on its way: the engine is asked for it, and its answer is what counts', async () => {
  const host = await seams.begin();
  const shim = host.run.record.shim!;
  process.kill(shim.pid, 'SIGSTOP');
  const { id } = host.messages.send('a', { text: 'no, wait' }, 'operator');
  await host.until('it to be on its way', () => host.delivery.isOnItsWay(id));
  const cancelled = host.messages.cancel(id, 'operator');
  expect(host.messages.get(id).state).toBe('queued');
  process.kill(shim.pid, 'SIGCONT');
  await host.until('it to have arrived', () => host.messages.get(id).state === 'delivered');
  await host.say(told(id, 'cancelled'));
  expect(await cancelled).toMatchObject({ id, state: 'cancelled' });
  expect((await host.frames()).map((frame) => frame.id)).toEqual([id, `cancel:${id}`]);
});

test('an engine that does not give it back: that is said, after the time an answer may take', async () => {
  const host = await seams.begin();
  const { id } = host.messages.send('a', { text: 'too late' }, 'operator');
  await host.settled();
  const refused = expect(host.messages.cancel(id, 'operator')).rejects.toMatchObject({
    code: 'inject.settled',
    message: expect.stringContaining('did not release it'),
  });
  await host.settled();
  host.clock.advance(5_000);
  await refused;
});

test('a host that dies before it has read that a message was written: the next one does not send it again', async () => {
  const first = await seams.begin();
  const shim = first.run.record.shim!;
  process.kill(shim.pid, 'SIGSTOP');
  const { id } = first.messages.send('a', { text: 'once' }, 'operator');
  await first.until('it to be on its way', () => first.delivery.isOnItsWay(id));
  // In the shim's socket; the shim's answer finds no host any more.
  first.die();
  process.kill(shim.pid, 'SIGCONT');
  const host = await seams.next(first);
  await host.until('it to be delivered', () => host.messages.get(id).state === 'delivered');
  expect((await host.frames()).map((frame) => frame.id)).toEqual([id]);
  expect(host.events('inject.delivered')).toHaveLength(1);
});

test('what is said while a person holds the terminal waits for the engine', async () => {
  const host = await seams.begin();
  await host.take();
  const { id } = host.messages.send('a', { text: 'later then' }, 'operator');
  await host.settled();
  expect(host.messages.get(id).state).toBe('queued');
  await host.handback();
  await host.say({ kind: 'ready' }, idle);
  await host.until('it to be delivered', () => host.messages.get(id).state === 'delivered');
});

/** What becomes of a message when its run, its host or its sender does something else meanwhile. Real shims. */
import { expect, test } from 'vitest';
import { interrupt } from '../../../../src/host/operations/lifecycle/interrupt.ts';
import { useSeams } from '../../../support/seams.ts';

const seams = useSeams();
const idle = { kind: 'activity', activity: 'idle', evidence: 'the turn ended' } as const;
const told = (injectId: string, stage: 'taken' | 'seen' | 'acted' | 'cancelled' | 'dropped') =>
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

test('what the engine works on and no model has yet: nothing that would lose it is written before a model has it', async () => {
  const host = await seams.begin();
  const { id } = host.messages.send('a', { text: 'first' }, 'operator');
  await host.settled();
  await host.say(told(id, 'taken'));
  const now = host.messages.send('a', { text: 'at once', priority: 'now' }, 'operator').id;
  const next = host.messages.send('a', { text: 'and then' }, 'operator').id;
  await host.settled();
  expect([now, next].map((sent) => host.messages.get(sent).state)).toEqual(['queued', 'queued']);
  const interrupted = interrupt(host.wiring, host.run, 'operator');
  await host.settled();
  expect((await host.frames()).map((frame) => frame.id)).toEqual([id]);
  await host.say(told(id, 'seen'));
  await interrupted;
  await host.until('the urgent one to be written', () => host.messages.get(now).state === 'delivered');
  await host.settled();
  // It cuts a turn short: what that loses goes first.
  expect(host.messages.get(next).state).toBe('queued');
  await host.say(told(now, 'seen'));
  await host.until('the last one to be written', () => host.messages.get(next).state === 'delivered');
  const order = (await host.frames()).map((frame) => frame.id);
  expect(order).toHaveLength(4);
  expect(order.indexOf(now)).toBeLessThan(order.indexOf(next));
});

test('an engine that never shows a model what it works on: the next message waits no longer than that may take', async () => {
  const host = await seams.begin();
  const { id } = host.messages.send('a', { text: 'first' }, 'operator');
  await host.settled();
  await host.say(told(id, 'taken'));
  const next = host.messages.send('a', { text: 'second' }, 'operator').id;
  await host.settled();
  host.clock.advance(11_000);
  await host.settled();
  expect(host.messages.get(next).state).toBe('queued');
  host.clock.advance(1_500);
  await host.until('it to be written', () => host.messages.get(next).state === 'delivered');
});

test('dropped by the engine unread: it is sent again in its place, under an id that the engine does not know', async () => {
  const first = await seams.begin();
  const { id } = first.messages.send('a', { text: 'mind the gap' }, 'operator');
  await first.settled();
  await first.say(told(id, 'taken'));
  const next = first.messages.send('a', { text: 'second' }, 'operator').id;
  await first.say(told(id, 'dropped'));
  // Whichever host it is that reads it.
  first.die();
  const host = await seams.next(first);
  await host.until('the next one to be written', () => host.messages.get(next).state === 'delivered');
  expect((await host.frames()).map((frame) => frame.id)).toEqual([id, `${id}~1`, next]);
  expect(host.events('inject.dropped')).toMatchObject([{ inject: id }]);
  await host.say(told(`${id}~1`, 'taken'), told(`${id}~1`, 'seen'), {
    kind: 'message',
    role: 'user',
    text: 'mind the gap',
    key: 'k',
    injectId: `${id}~1`,
  });
  const receipt = host.messages.get(id);
  expect(receipt.state).toBe('seen');
  expect(receipt.steps.map(({ stage }) => stage)).toEqual([
    'queued',
    'delivered',
    'queued',
    'delivered',
    'seen',
  ]);
  expect(host.events('message.user')).toMatchObject([{ injectId: id }]);
});

test('taken back after it was sent again: the engine is asked for it by the id that it has', async () => {
  const host = await seams.begin();
  const { id } = host.messages.send('a', { text: 'no, wait' }, 'operator');
  await host.settled();
  await host.say(told(id, 'dropped'));
  await host.until('it to be written again', () => host.messages.get(id).state === 'delivered');
  const cancelled = host.messages.cancel(id, 'operator');
  await host.settled();
  await host.say(told(`${id}~1`, 'cancelled'));
  expect(await cancelled).toMatchObject({ id, state: 'cancelled' });
  expect((await host.frames()).map((frame) => frame.id)).toEqual([id, `${id}~1`, `cancel:${id}~1`]);
});

test('an engine that drops it again and again: it is not sent for ever, and its fate is said to be unknown', async () => {
  const host = await seams.begin();
  const { id } = host.messages.send('a', { text: 'again' }, 'operator');
  for (let times = 0; times < 7; times += 1) {
    await host.settled();
    await host.say(told(times === 0 ? id : `${id}~${times}`, 'dropped'));
  }
  await host.settled();
  expect(host.messages.get(id)).toMatchObject({ state: 'unknown' });
  expect((await host.frames()).filter((frame) => frame.id.startsWith(id))).toHaveLength(6);
});

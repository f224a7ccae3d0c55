/** Taking over and handing back, where something goes wrong in the middle: real shim and store, an engine that obeys. */
import { expect, test } from 'vitest';
import { limits } from '../../../../src/host/limits.ts';
import { engineHasFloor } from '../../../../src/host/runs/floor.ts';
import { puppetRuntime } from '../../../support/seam-host.ts';
import { useSeams } from '../../../support/seams.ts';

const { begin, next } = useSeams();
const inTool = { kind: 'activity', activity: 'tool', evidence: 'runs shell', tool: 'shell' } as const;
const idle = { kind: 'activity', activity: 'idle', evidence: 'the turn ended' } as const;
const LATER_MS = 31_000;

test('a terminal that ends at once: the engine has the floor again, and nobody holds a lease', async () => {
  const host = await begin({ runtime: puppetRuntime('echo no terminal here; exit 3') });
  await expect(host.take()).rejects.toMatchObject({ code: expect.stringMatching(/^takeover\./) });
  expect(host.lease).toBeNull();
  expect(host.run.record.requested).toBeNull();
  expect(engineHasFloor(host.run.record.floor)).toBe(true);
  expect(host.events('lease.failed')).toMatchObject([{ holder: 'tab 1', why: expect.any(String) }]);
  expect(host.events('lease.held')).toEqual([]);
  // The engine that came back in its place is one that can be spoken to.
  await host.say({ kind: 'ready' }, idle);
  await host.messages.send('a', { text: 'still there?' }, 'operator');
  expect((await host.frames()).map(({ request }) => request.do)).toEqual(['message']);
});

test('a host that dies in the middle of the swap, of the terminal and of the way back: the next one goes on', async () => {
  let host = await begin();
  const taken = host.take().catch((error: unknown) => error);
  await host.until('the swap to be begun', () => host.run.record.requested === 'handover');
  host.die();
  await taken;
  host = await next(host);
  await host.until('the terminal to be held', () => host.lease?.phase === 'held');
  expect(engineHasFloor(host.run.record.floor)).toBe(false);
  expect(host.run.record.requested).toBeNull();

  host.die();
  host = await next(host);
  expect(host.lease).toMatchObject({ phase: 'held', holder: 'tab 1' });
  const { generation } = host.lease!;
  const returned = host.handback(generation, 'mind the step').catch((error: unknown) => error);
  await host.until('the way back to be begun', () => host.run.record.requested === 'handover');
  host.die();
  await returned;
  host = await next(host);
  await host.until('the engine to be back', () => host.lease === null);
  expect(engineHasFloor(host.run.record.floor)).toBe(true);
  expect(host.events('lease.held')).toHaveLength(1);
  expect(host.events('lease.returned')).toMatchObject([{ generation, note: 'mind the step' }]);
});

test('cancelled while it waits for a tool: nothing is swapped, and the tool never knew', async () => {
  const host = await begin();
  await host.say(inTool);
  const taken = host.take('boundary');
  const refused = expect(taken).rejects.toMatchObject({ code: 'lease.stale' });
  await host.until('it to wait', () => host.lease?.detail.waitingFor != null);
  expect(host.lease).toMatchObject({ phase: 'pending', detail: { waitingFor: 'runs shell' } });
  await host.handback();
  await refused;
  expect(host.lease).toBeNull();
  await host.say(idle);
  expect(host.events('lease.cancelled')).toHaveLength(1);
  expect(host.events('lease.failed')).toEqual([]);
  expect(host.run.record.floor.process).toBe(0);
  expect(await host.frames()).toEqual([]);
});

test('"now" hurries the same holder who waits; another one is refused', async () => {
  const host = await begin();
  await host.say(inTool);
  const first = host.take('boundary');
  await host.until('it to wait', () => host.lease?.detail.waitingFor != null);
  await expect(host.take('now', 'tab 2')).rejects.toMatchObject({ who: 'user' });
  const second = host.take('now');
  await host.until('the turn to be interrupted', () => host.lease?.detail.interrupted);
  await host.say({ kind: 'turn-ended', outcome: 'interrupted' }, idle);
  expect([await first, await second].map(({ phase }) => phase)).toEqual(['held', 'held']);
  expect(host.events('lease.held')).toHaveLength(1);
  expect((await host.frames()).map(({ request }) => request.do)).toEqual(['interrupt']);
});

test('a tool that never ends: the takeover gives up after its time, and leaves the tool alone', async () => {
  const host = await begin();
  await host.say(inTool);
  const refused = expect(host.take('boundary')).rejects.toMatchObject({ code: 'takeover.boundary' });
  await host.until('it to wait', () => host.lease?.detail.waitingFor != null);
  await host.until('it to give up', () => host.lease === null, 60_000);
  await refused;
  expect(await host.frames()).toEqual([]);
});

test('taken again by its holder from another window: the first window is fenced', async () => {
  const host = await begin();
  const first = await host.take();
  // Its window beats: nobody takes it away, not even its own holder.
  await expect(host.take()).rejects.toMatchObject({ who: 'user' });
  host.clock.advance(LATER_MS);
  const second = await host.take();
  expect(second).toMatchObject({ phase: 'held', holder: 'tab 1', generation: first.generation + 1 });
  await expect(host.handback(first.generation)).rejects.toMatchObject({ code: 'lease.stale' });
  expect(engineHasFloor(host.run.record.floor)).toBe(false);
  await host.handback();
  expect(engineHasFloor(host.run.record.floor)).toBe(true);
});

test.each([
  ['goes back held where there is a gate', puppetRuntime(), true],
  [
    'just goes back where there is none: a hold would never come true, and keep its messages',
    puppetRuntime('cat', {
      capabilities: { engine: 'structured', takeover: 'swap', receipts: 'acted', resume: true },
    }),
    false,
  ],
])('a holder who vanished: the agent %s', async (_what, runtime, held) => {
  const host = await begin({ runtime });
  await host.take();
  host.clock.advance(LATER_MS);
  host.sweep();
  expect(host.lease!.expires_ms).toBe(host.clock.now() + limits.lease_vanished_ms);
  host.clock.advance(limits.lease_vanished_ms - 1);
  host.sweep();
  expect(host.lease!.phase).toBe('held');
  host.clock.advance(1);
  host.sweep();
  await host.until('it to be given back', () => host.lease === null);
  expect(host.events('lease.expired')).toHaveLength(1);
  expect(host.wiring.agents.get('a').hold !== null).toBe(held);
  expect(engineHasFloor(host.run.record.floor)).toBe(true);
});

test('a holder who comes back in time keeps it', async () => {
  const host = await begin();
  const { generation } = await host.take();
  host.clock.advance(LATER_MS);
  host.sweep();
  host.wiring.leases.beat('a', generation);
  host.clock.advance(limits.lease_vanished_ms);
  host.sweep();
  expect(host.lease).toMatchObject({ phase: 'held', generation });
});

/** The boundary of a running engine for one who holds no lease: a snapshot, say, or a stop. */
import { expect, test } from 'vitest';
import {
  BOUNDARY_MS_MAX,
  type BoundaryWish,
  reachBoundary,
} from '../../../../src/host/operations/lifecycle/boundary.ts';
import type { SeamHost } from '../../../support/seam-host.ts';
import { useSeams } from '../../../support/seams.ts';

const { begin } = useSeams();
const inTool = { kind: 'activity', activity: 'tool', evidence: 'runs shell', tool: 'shell' } as const;
const thinking = { kind: 'activity', activity: 'thinking', evidence: 'a tool answered' } as const;
const idle = { kind: 'activity', activity: 'idle', evidence: 'the turn ended' } as const;

/** Somebody who wants the boundary, and notes down what it is told. */
function wanting(host: SeamHost) {
  const told: string[] = [];
  const wish = { when: 'boundary' as 'boundary' | 'now', off: false };
  const asked: BoundaryWish = {
    when: () => wish.when,
    off: () => wish.off,
    waits: (what) => told.push(what),
    interrupts: () => told.push('interrupted'),
  };
  const change = (what: Partial<typeof wish>) => {
    Object.assign(wish, what);
    host.run.wake();
  };
  return { told, change, reached: reachBoundary(host.wiring, host.run, asked) };
}

test('at rest it is there at once, and nothing is written to the engine', async () => {
  const host = await begin();
  const { told, reached } = wanting(host);
  expect(await reached).toBe('reached');
  expect(told).toEqual([]);
  expect(await host.frames()).toEqual([]);
});

test('a running tool is waited for, the rest of its turn is broken off; no lease is taken', async () => {
  const host = await begin();
  await host.say(inTool);
  const { told, reached } = wanting(host);
  await host.until('it to wait', () => told.length > 0);
  expect(told).toEqual(['runs shell']);
  await host.say(thinking);
  await host.until('the interrupt', () => told.length > 1);
  await host.say({ kind: 'turn-ended', outcome: 'interrupted' }, idle);
  expect(await reached).toBe('reached');
  expect(told).toEqual(['runs shell', 'interrupted']);
  expect((await host.frames()).map(({ request }) => request.do)).toEqual(['interrupt']);
  expect(host.lease).toBeNull();
});

test('patience that ends, a wish that is taken back, and a tool that outlasts it', async () => {
  const host = await begin();
  await host.say(inTool);
  const late = wanting(host);
  await host.until('it to wait', () => late.told.length > 0);
  host.clock.advance(BOUNDARY_MS_MAX);
  expect(await late.reached).toBe('busy');

  const off = wanting(host);
  await host.until('it to wait', () => off.told.length > 0);
  off.change({ off: true });
  expect(await off.reached).toBe('off');
  expect(await host.frames()).toEqual([]);

  const hurried = wanting(host);
  await host.until('it to wait', () => hurried.told.length > 0);
  hurried.change({ when: 'now' });
  await host.until('the interrupt', () => hurried.told.includes('interrupted'));
  await host.say({ kind: 'turn-ended', outcome: 'interrupted' }, idle);
  expect(await hurried.reached).toBe('reached');
});

test('a message that the engine has read and shown no model yet is not cut off', async () => {
  const host = await begin();
  const { id } = host.messages.send('a', { text: 'a word' }, 'operator');
  await host.until('it to be delivered', () => host.wiring.injections.unsettled(host.run.id).length > 0);
  const { told, reached, change } = wanting(host);
  change({ when: 'now' });
  await host.say(thinking);
  await host.run.pump();
  expect(told).toEqual([]);
  await host.say({ kind: 'inject', injectId: id, stage: 'seen', evidence: 'named by a model request' });
  await host.until('the interrupt', () => told.length > 0);
  await host.say({ kind: 'turn-ended', outcome: 'interrupted' }, idle);
  expect(await reached).toBe('reached');
});

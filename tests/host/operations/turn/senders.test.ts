/** By whose words a conversation goes, and what ends that: the host's own doing, nothing that an engine can print. */
import { afterEach, expect, test } from 'vitest';
import { goesBy } from '../../../../src/host/operations/turn/senders.ts';
import { breakOff } from '../../../../src/host/operations/turn/turn.ts';
import type { ObservedEvent } from '../../../../src/runtimes/runtime.ts';
import { LiveRun } from '../../../support/live-run.ts';

let live: LiveRun;
afterEach(() => live?.close());

const over: ObservedEvent[] = [
  { kind: 'turn-ended', outcome: 'done' },
  { kind: 'activity', activity: 'idle', evidence: 'the turn ended' },
];
const gateAsked: ObservedEvent = {
  ...{ kind: 'gate-asked', requestId: 'q', tool: 'shell', toolUseId: 't', input: { command: 'ls' } },
};
const senders = () => live.run.record.turn.senders;

/** In a turn that follows an agent that may do nothing. */
async function begin(): Promise<void> {
  live = await LiveRun.begin();
  await live.say({ kind: 'activity', activity: 'thinking', evidence: 'x' });
  live.run.save(() => goesBy(live.wiring, live.run, 'agent:low', 'mail'));
}

test('the end of a turn, which a tool can print, ends nothing: the next call is asked as before', async () => {
  await begin();
  await live.say(...over, ...over, { kind: 'interrupted', requestId: 'x' }, { kind: 'ready' });
  expect(senders()).toEqual(['agent:low']);
  await live.say(gateAsked);
  expect(live.wiring.approvals.list()[0]!.detail).toMatchObject({
    ...{ stage: 'gate', authority: { sender: 'agent:low' } },
  });
});

test('the operator’s message to an engine at rest begins a turn of the operator’s own', async () => {
  await begin();
  await live.say(...over);
  await live.message('from another', 'agent:other');
  await live.message('from the host', 'host');
  expect(senders()).toEqual(['agent:low']);
  await live.message('now for something else', 'operator');
  expect(senders()).toEqual([]);
});

test('while a call stands at the gate or runs it is no rest, whatever was printed', async () => {
  await begin();
  await live.say({ ...gateAsked, tool: 'aether_report' } as ObservedEvent, ...over);
  await live.message('meanwhile', 'operator');
  expect(senders()).toEqual(['agent:low']);
});

test('a turn that was broken off is gone on with, by the same words', async () => {
  await begin();
  live.run.save(({ turn }) => breakOff(turn));
  await live.say(...over);
  await live.message('said while it was held', 'operator');
  expect(senders()).toEqual(['agent:low']);
  await live.say(...over);
  await live.message('and now', 'operator');
  expect(senders()).toEqual([]);
});

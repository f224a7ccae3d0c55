/** By whose words a conversation goes, and what ends that: the host's own doing, nothing that an engine can print. */
import { afterEach, expect, test } from 'vitest';
import { goesBy, widen } from '../../../../src/host/operations/turn/senders.ts';
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

test('no message ends it, whoever it is from: the text is still in the conversation', async () => {
  await begin();
  await live.say(...over);
  for (const from of ['agent:other', 'host', 'operator'] as const)
    await live.message('now for something else', from);
  expect(senders()).toEqual(['agent:low']);
  live.run.save(({ turn }) => breakOff(turn));
  await live.say(...over);
  await live.message('said while it was held', 'operator');
  expect(senders()).toEqual(['agent:low']);
});

test('a summary of the conversation, and another id of it, end nothing', async () => {
  await begin();
  await live.say({ kind: 'note', level: 'info', text: 'The engine summarised its conversation.' }, ...over);
  await live.say({ kind: 'session', session: '00000000-0000-8000-8000-000000000001' });
  expect(senders()).toEqual(['agent:low']);
});

test('the operator trusts senders by name; what they say later narrows it again', async () => {
  await begin();
  live.run.save(() => goesBy(live.wiring, live.run, 'client:laptop', 'memory'));
  widen(live.wiring, live.run, ['agent:low', 'agent:unheard'], 'operator');
  expect(senders()).toEqual(['client:laptop']);
  expect(() => widen(live.wiring, live.run, ['agent:low'], 'operator')).toThrow('does not follow agent:low');
  widen(live.wiring, live.run, undefined, 'operator');
  expect(senders()).toEqual([]);
  live.run.save(() => goesBy(live.wiring, live.run, 'agent:low', 'mail'));
  expect(senders()).toEqual(['agent:low']);
  expect(live.events('authority.widened')).toEqual([
    { senders: ['agent:low'] },
    { senders: ['client:laptop'] },
  ]);
});

/** Subagents as the driver tells of them: named while they are at work, each time once. */
import { expect, test } from 'vitest';
import type { ObservedEvent } from '../../../src/runtimes/openclaw/driver/driver-protocol.ts';
import { Subagents } from '../../../src/runtimes/openclaw/driver/subagents.ts';

function subagents() {
  const told: ObservedEvent[] = [];
  const phases = () => told.map((event) => (event.kind === 'subagent' ? `${event.id} ${event.phase}` : ''));
  return { told, phases, all: new Subagents((event) => told.push(event)) };
}

const turn = (phase: string, executionSettled = true) => ({
  stream: 'lifecycle',
  data: { phase, executionSettled },
});

test('one ends with its turn, before the agent has its report, and begins again with another turn', () => {
  const { all, told, phases } = subagents();
  expect(all.spawned('a', 'look it up')).toBe(true);
  expect(all.spawned('a', 'again')).toBe(false);
  expect(told).toEqual([{ kind: 'subagent', id: 'a', phase: 'began', label: 'look it up' }]);
  all.event('a', turn('start'));
  all.event('a', turn('end', false));
  all.event('a', { stream: 'assistant', data: { phase: 'end' } });
  expect(phases()).toEqual(['a began']);
  all.event('a', turn('end'));
  all.event('a', turn('start'));
  all.event('a', turn('error'));
  all.left('a');
  all.event('a', turn('start'));
  expect(phases()).toEqual(['a began', 'a ended', 'a began', 'a ended']);
});

test('other conversations, nameless ones and more than can be named are none', () => {
  const { all, told } = subagents();
  all.event('agent:main:main', turn('start'));
  all.left('agent:main:main');
  expect(all.spawned('', 'x')).toBe(false);
  expect(told).toEqual([]);
  for (let n = 0; n < 105; n += 1) all.spawned(String(n), '');
  expect(told).toHaveLength(100);
});

test('one says what it is to do, where the call that spawned it is known, and what it has used', () => {
  const { all, told } = subagents();
  all.called('c1', 'sessions_spawn', { task: 'Look up the rates.', label: ' rates ' });
  all.called('c2', 'exec', { task: 'x', label: 'rates' });
  all.spawned('a', 'rates');
  all.answered('c1');
  all.spent('a', 100);
  all.spent('a', 20);
  all.spent('unknown', 5);
  all.event('a', turn('error'));
  expect(told).toEqual([
    { kind: 'subagent', id: 'a', phase: 'began', label: 'rates', task: 'Look up the rates.' },
    { kind: 'subagent', id: 'a', phase: 'working', tokens: 100 },
    { kind: 'subagent', id: 'a', phase: 'working', tokens: 120 },
    { kind: 'subagent', id: 'a', phase: 'ended', tokens: 120, outcome: 'failed' },
  ]);
  // Either may have spawned it, and the one before has answered.
  all.called('c3', 'sessions_spawn', { task: 'One.', label: 'twin' });
  all.called('c4', 'sessions_spawn', { task: 'Two.', label: 'twin' });
  all.spawned('b', 'twin');
  all.spawned('c', 'rates');
  expect(told.slice(-2)).toEqual([
    { kind: 'subagent', id: 'b', phase: 'began', label: 'twin' },
    { kind: 'subagent', id: 'c', phase: 'began', label: 'rates' },
  ]);
});

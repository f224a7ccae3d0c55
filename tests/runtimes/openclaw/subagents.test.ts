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

/**
 * Answers at the gate of the real program that are no answers: broken, of another shape, huge, late, to another call. The
 * tool does not run. What says nothing (an empty object) is what the host means by "pass", and it sends nothing else.
 */
import { afterEach, expect, it } from 'vitest';
import { limits } from '../../../src/host/limits.ts';
import { useClaude } from './desk.ts';

const bench = useClaude();
const adjustable = limits as { gate_wait_ms: number };
const usual = limits.gate_wait_ms;
afterEach(() => {
  adjustable.gate_wait_ms = usual;
});

const WAIT_MS = 3_000;
const everything = { mode: 'allow' as const, allow: [], deny: [] };

const success = (request_id: string, response: unknown) =>
  `${JSON.stringify({ type: 'control_response', response: { subtype: 'success', request_id, response } })}\n`;
const decision = (more: object) => ({ hookSpecificOutput: { hookEventName: 'PreToolUse', ...more } });

const BROKEN: Record<string, (id: string) => string> = {
  'an error': (id) =>
    `${JSON.stringify({ type: 'control_response', response: { subtype: 'error', request_id: id, error: 'no' } })}\n`,
  'no response in it': (id) =>
    `${JSON.stringify({ type: 'control_response', response: { subtype: 'success', request_id: id } })}\n`,
  null: (id) => success(id, null),
  'a number': (id) => success(id, 7),
  'a text': (id) => success(id, 'allow'),
  'a list': (id) => success(id, [{}]),
  'a decision that is none': (id) => success(id, decision({ permissionDecision: 'maybe' })),
  'a decision of another type': (id) => success(id, decision({ permissionDecision: 1 })),
  'output that is no object': (id) => success(id, { hookSpecificOutput: 'allow' }),
  'a line that is cut off': (id) => `${success(id, {}).slice(0, 60)}\n`,
  'a line that never ends': (id) => success(id, {}).trimEnd(),
  'an answer to another call': (id) => success(`${id}x`, {}),
  'ten megabytes of no decision': (id) =>
    success(id, decision({ permissionDecision: 'x'.repeat(10_000_000) })),
};

it.each(Object.entries(BROKEN))('%s', async (_what, frame) => {
  adjustable.gate_wait_ms = WAIT_MS;
  const goal = `${bench.shellWriting('made')} [[say over]]`;
  const engine = await bench.start({ permissions: everything, goal });
  engine.gateOpen = false;
  const { requestId } = await engine.observed.waitFor('gate-asked');
  engine.write({ id: 'broken', data: frame(requestId) });
  await Promise.race([
    bench.ended(engine),
    engine.exited,
    new Promise((resolve) => setTimeout(resolve, WAIT_MS + 3_000)),
  ]);
  expect(bench.written('made')).toBe(false);
});

it('an answer that comes too late', async () => {
  adjustable.gate_wait_ms = 2_000;
  const engine = await bench.start({
    permissions: everything,
    goal: `${bench.shellWriting('made')} [[say over]]`,
  });
  engine.gateOpen = false;
  const { requestId } = await engine.observed.waitFor('gate-asked');
  await engine.observed.waitFor('gate-withdrawn');
  engine.answerGate(requestId, 'allow');
  await bench.ended(engine);
  expect(bench.written('made')).toBe(false);
});

it.each<[string, unknown]>([
  ['null', null],
  ['an empty object', {}],
  ['a behaviour that is none', { behavior: 'maybe' }],
  ['an allowance of another type', { behavior: true, updatedInput: {} }],
  ['a list', [{ behavior: 'allow' }]],
  ['a decision of a hook', decision({ permissionDecision: 'allow' })],
])('%s as the answer to a permission prompt', async (_what, response) => {
  const engine = await bench.start({ goal: `${bench.shellWriting('made')} [[say over]]` });
  const { requestId } = await engine.observed.waitFor('permission-asked');
  engine.write({ id: 'broken', data: success(requestId, response) });
  await Promise.race([bench.ended(engine), new Promise((resolve) => setTimeout(resolve, WAIT_MS))]);
  expect(bench.written('made')).toBe(false);
});

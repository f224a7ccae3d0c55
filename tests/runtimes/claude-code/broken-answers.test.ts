/**
 * Answers at the gate of the real program that are no answers: broken, of another shape, huge, late, to another call. The
 * tool does not run. What says nothing (an empty object) is what the host means by "pass", and it sends nothing else.
 */
import { afterAll, expect, it } from 'vitest';
import { limits } from '../../../src/host/limits.ts';
import { ALLOW } from '../../conformance/runtime-bench.ts';
import { useClaude } from './desk.ts';

const bench = useClaude();
/** An engine is told at its start; it serves one test after the other. */
const WAIT_MS = 2_000;
const adjustable = limits as { gate_wait_ms: number };
const usual = limits.gate_wait_ms;
adjustable.gate_wait_ms = WAIT_MS;
afterAll(() => {
  adjustable.gate_wait_ms = usual;
});

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
  const engine = await bench.work(`${bench.shellWriting('made')} [[say over]]`, ALLOW);
  engine.gateOpen = false;
  const { requestId } = await engine.observed.waitFor('gate-asked');
  const data = frame(requestId);
  engine.write({ id: 'broken', data });
  await Promise.race([
    bench.ended(engine),
    engine.exited,
    new Promise((resolve) => setTimeout(resolve, WAIT_MS + 3_000)),
  ]);
  expect(bench.written('made')).toBe(false);
  // What is written next would be the rest of that line.
  if (!data.endsWith('\n')) await engine.kill();
});

it('none within its own time-out, which it says, or one that comes too late', async () => {
  const engine = await bench.work(`${bench.shellWriting('made')} [[say heard {{result}}]]`, ALLOW);
  engine.gateOpen = false;
  const { requestId } = await engine.observed.waitFor('gate-asked');
  expect(await engine.observed.waitFor('gate-withdrawn')).toEqual({ kind: 'gate-withdrawn', requestId });
  engine.answerGate(requestId, 'allow');
  await engine.observed.waitFor('message', (m) => m.text.includes('did not respond before its timeout'));
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
  const engine = await bench.work(`${bench.shellWriting('made')} [[say over]]`);
  const { requestId } = await engine.observed.waitFor('permission-asked');
  engine.write({ id: 'broken', data: success(requestId, response) });
  const ended = bench.ended(engine);
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, WAIT_MS))]);
  expect(bench.written('made')).toBe(false);
  engine.write(bench.runtime.interrupt!('enough'));
  await ended;
});

/** When a turn of the gateway's is over, told from its events in whatever order they come. */
import { expect, test, vi } from 'vitest';
import { type TurnEnd, Turns } from '../../../src/runtimes/openclaw/driver/turns.ts';

function turns() {
  const told: unknown[] = [];
  const made = new Turns({
    emit: (event) => told.push(event),
    began: () => told.push('began'),
    ended: (end: TurnEnd) => told.push(end),
    dropped: (id) => told.push(`dropped ${id}`),
    now: () => 0,
  });
  return { made, told };
}

const END = { phase: 'end', executionSettled: true, terminalReply: { disposition: 'visible', text: 'hi' } };
const done = { outcome: 'done', text: 'hi', last: true };

test.each<[string, ((turn: Turns) => void)[]]>([
  [
    'told last',
    [(t) => t.lifecycle('1', END), (t) => t.replied('1', false), (t) => t.chat('1', { state: 'final' })],
  ],
  [
    'replied last',
    [(t) => t.chat('1', { state: 'final' }), (t) => t.lifecycle('1', END), (t) => t.replied('1', false)],
  ],
  [
    'settled last, after a reply that called a tool',
    [
      (t) => t.replied('1', true),
      (t) => t.replied('1', false),
      (t) => t.chat('1', { state: 'final' }),
      (t) => t.lifecycle('1', END),
    ],
  ],
])('a turn ends once it has settled, is told and has replied: %s', (_name, steps) => {
  const { made, told } = turns();
  made.lifecycle('1', { phase: 'start' });
  for (const step of steps.slice(0, -1)) step(made);
  expect(told).toEqual(['began']);
  steps.at(-1)!(made);
  expect(told).toEqual(['began', done]);
  made.chat('1', { state: 'error', errorMessage: 'told once more' });
  expect(told).toHaveLength(2);
});

test('a reply that never comes is not waited for without end', () => {
  vi.useFakeTimers();
  try {
    const { made, told } = turns();
    made.lifecycle('1', { phase: 'start' });
    made.chat('1', { state: 'final' });
    made.lifecycle('1', END);
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual(['began', done]);
  } finally {
    vi.useRealTimers();
  }
});

test('what was cut short is interrupted, what failed says why, with what its provider said', () => {
  const { made, told } = turns();
  made.lifecycle('1', { phase: 'start' });
  made.lifecycle('1', { phase: 'end', status: 'cancelled', aborted: true });
  made.chat('1', { state: 'aborted' });
  expect(told).toEqual(['began']);
  made.lifecycle('1', { phase: 'error', aborted: true, executionSettled: true, error: 'aborted' });
  made.lifecycle('2', { phase: 'start' });
  const observed = { httpStatus: 400, providerErrorMessagePreview: 'no' };
  made.lifecycle('2', {
    phase: 'error',
    executionSettled: true,
    error: 'refused',
    errorObservation: observed,
  });
  made.chat('2', { state: 'error' });
  expect(told).toEqual([
    'began',
    { outcome: 'interrupted', text: null, last: true },
    'began',
    { outcome: 'failed', text: 'refused (HTTP 400): no', last: true },
  ]);
});

test('a second start after a failure is another try', () => {
  const { made, told } = turns();
  made.lifecycle('1', { phase: 'start' });
  made.lifecycle('1', { phase: 'start' });
  made.lifecycle('1', { phase: 'finishing', error: 'overloaded' });
  made.lifecycle('1', { phase: 'start' });
  expect(told).toEqual(['began', { kind: 'retrying', attempt: 1, delay_ms: 0, why: 'overloaded' }]);
});

test('what the gateway answers by itself is a turn that failed; that a message was folded in is none', () => {
  const { made, told } = turns();
  made.chat('folded', { state: 'final' });
  made.lifecycle('queued', { phase: 'end', status: 'cancelled', aborted: true });
  made.chat('queued', { state: 'aborted' });
  expect(told).toEqual(['dropped queued']);
  const message = { content: [{ type: 'text', text: 'the workspace is missing' }] };
  made.chat('own', { state: 'final', message });
  made.chat('own', { state: 'final', message });
  expect(told.slice(1)).toEqual([{ outcome: 'failed', text: 'the workspace is missing', last: true }]);
});

test('events that have another shape change nothing', () => {
  const { made, told } = turns();
  for (const data of [
    {},
    { phase: 7 },
    { phase: 'end' },
    { phase: 'end', executionSettled: 'yes' },
    { phase: 'new' },
  ])
    made.lifecycle('1', data);
  made.chat('1', {});
  made.replied('1', false);
  expect(told).toEqual([]);
});

/** Tool calls of OpenClaw, from its plugin, its conversation and its gateway: each is told once. */
import { expect, test } from 'vitest';
import { ToolCalls } from '../../../src/runtimes/openclaw/driver/tool-calls.ts';
import type { ObservedEvent } from '../../../src/runtimes/runtime.ts';

const input = { ids: 'none' };
const message = {
  role: 'assistant',
  content: [{ type: 'toolCall', id: 'one', name: 'ack', arguments: input }],
};
const begun = { kind: 'tool', phase: 'start', toolCallId: 'one', name: 'ack', status: 'running' };
const ended = { ...begun, phase: 'end', status: 'blocked', error: 'Validation failed' };
const asked = { tool: 'ack', input, own: true };

function played(play: (calls: ToolCalls) => void): ObservedEvent[] {
  const told: ObservedEvent[] = [];
  play(new ToolCalls((event) => told.push(event)));
  return told;
}

const CALL = { kind: 'tool-call', toolUseId: 'one', tool: 'ack', input };

test.each<[string, (calls: ToolCalls) => void]>([
  ['told of first', (it) => [begun, ended].map((item) => it.item(item)) && it.written(message)],
  ['stored first', (it) => it.written(message) ?? [begun, ended, ended].map((item) => it.item(item))],
])('a call that OpenClaw refuses before its plugin is asked, %s, is a call that failed', (_name, play) => {
  const failed = { kind: 'tool-result', toolUseId: 'one', text: 'Validation failed', isError: true };
  expect(played(play)).toEqual([CALL, failed]);
});

test.each<[string, (calls: ToolCalls) => void]>([
  [
    'stored before',
    (it) => {
      it.written(message);
      it.called('one', asked);
      it.item(ended);
      it.answered('one', 'no', true);
    },
  ],
  [
    'stored after',
    (it) => {
      it.called('one', asked);
      it.answered('one', 'no', true);
      it.item(ended);
      it.written(message);
    },
  ],
  [
    'stored when the turn is over',
    (it) => {
      it.called('one', asked);
      it.answered('one', 'no', true);
      it.clear();
      it.written(message);
      it.item(ended);
    },
  ],
])('a call of which the plugin tells, %s, is told by the plugin alone', (_name, play) => {
  expect(played(play)).toEqual([CALL, { kind: 'tool-result', toolUseId: 'one', text: 'no', isError: true }]);
});

/** What is written into the structured channel. One frame is one or two whole lines. */
import type { Frame } from '../runtime.ts';
import { engineHooks } from './gate.ts';

/** Request ids of ours that the observer has to recognise. */
export const READY_REQUEST = 'aether-ready';
/** The interrupt that clears the way for a `now` message: its answer is not waited for. */
export const NOW_PREFIX = 'aether-now:';
/** `command_lifecycle` reports its outcome. */
export const CANCEL_PREFIX = 'aether-cancel:';

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** First frame of every process: closes the gate. Its answer is the proof that the engine reads us. */
export function readyFrame(): Frame {
  const request = { subtype: 'initialize', hooks: engineHooks(true) };
  return {
    id: READY_REQUEST,
    data: line({ type: 'control_request', request_id: READY_REQUEST, request }),
    handshake: true,
  };
}

/**
 * @param id becomes the message's uuid: receipts carry it, and Claude Code ignores one that its conversation
 *   already has, so a frame that is sent again after a crash changes nothing.
 */
export function messageFrame(id: string, text: string, priority: 'now' | 'next' | 'later'): Frame {
  // A leading slash would run a command such as /clear; after a space it is text.
  const content = text.startsWith('/') ? ` ${text}` : text;
  const message = line({ type: 'user', uuid: id, priority, message: { role: 'user', content } });
  // `now` alone lets a running command finish first: only the interrupt ends it. Without a turn it does nothing.
  const clear = priority === 'now' ? interruptFrame(`${NOW_PREFIX}${id}`).data : '';
  return { id, data: clear + message };
}

export function interruptFrame(requestId: string): Frame {
  const request = { type: 'control_request', request_id: requestId, request: { subtype: 'interrupt' } };
  return { id: requestId, data: line(request) };
}

/** Takes back a message that is queued in the engine; one that was taken up already stays. */
export function cancelFrame(injectId: string): Frame {
  const id = `${CANCEL_PREFIX}${injectId}`;
  const request = { subtype: 'cancel_async_message', message_uuid: injectId };
  return { id, data: line({ type: 'control_request', request_id: id, request }) };
}

export function permissionFrame(answer: {
  requestId: string;
  allow: boolean;
  message: string | null;
  input: unknown;
}): Frame {
  const { requestId, allow, message, input } = answer;
  const response = allow
    ? { behavior: 'allow', updatedInput: input ?? {} }
    : { behavior: 'deny', message: message || 'The operator did not allow this.' };
  return {
    id: `permission:${requestId}`,
    data: line({
      type: 'control_response',
      response: { subtype: 'success', request_id: requestId, response },
    }),
  };
}

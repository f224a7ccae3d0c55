/**
 * What is remembered, on its way into the conversation: hooks that are registered over the structured channel like the
 * gate. Verified against 2.1.329: a prompt is submitted, and a conversation summarised, only once the hook has answered
 * or its time-out has passed; the answer's additionalContext stands beside the prompt, or at the head of what is left.
 * SessionStart is not asked at the start of a process, which comes before the channel does; the first prompt is.
 * A terminal has no such channel: there a summary is given nothing.
 */
import { cutText } from '../../host/text.ts';
import type { Frame, RecallMoment } from '../runtime.ts';
import type { Reading } from './state.ts';

const PROMPT_CALLBACK = 'aether-recall';
const SUMMARY_CALLBACK = 'aether-recall-compaction';

/** A host that is dead costs each prompt so long. */
const WAIT_S = 10;
const WORDS_CHARS_MAX = 4_000;

/** For the `initialize` request. */
export const recallHooks = (): object => ({
  UserPromptSubmit: [{ hookCallbackIds: [PROMPT_CALLBACK], timeout: WAIT_S }],
  SessionStart: [{ matcher: 'compact', hookCallbackIds: [SUMMARY_CALLBACK], timeout: WAIT_S }],
});

export function readRecall(reading: Reading, requestId: string, request: Record<string, unknown>): void {
  if (request.callback_id === SUMMARY_CALLBACK) {
    reading.emit({ kind: 'recall-asked', requestId, at: 'compaction' });
    return;
  }
  if (request.callback_id !== PROMPT_CALLBACK) return;
  const at = reading.state.recalled ? 'later' : 'start';
  reading.state.recalled = true;
  const { prompt } = request.input as { prompt?: unknown };
  const words = typeof prompt === 'string' ? cutText(prompt, { chars_max: WORDS_CHARS_MAX }) : '';
  reading.emit({ kind: 'recall-asked', requestId, at, words });
}

export function recallFrame(answer: { requestId: string; at: RecallMoment; text: string | null }): Frame {
  const { requestId, at, text } = answer;
  const hookEventName = at === 'compaction' ? 'SessionStart' : 'UserPromptSubmit';
  const response = text === null ? {} : { hookSpecificOutput: { hookEventName, additionalContext: text } };
  return {
    id: `recall:${requestId}`,
    data: `${JSON.stringify({
      type: 'control_response',
      response: { subtype: 'success', request_id: requestId, response },
    })}\n`,
  };
}

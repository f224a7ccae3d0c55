/**
 * What is remembered, on its way into the conversation: hooks that are registered over the structured channel like the
 * gate. Verified against 2.1.329: a prompt is submitted, and a conversation summarised, only once the hook has answered
 * (its time-out discards a prompt); the answer's additionalContext stands beside the prompt, or at the head of what is left.
 * SessionStart is not asked at the start of a process, which comes before the channel does; the first prompt is.
 * A terminal has no such channel: there a summary is given nothing.
 *
 * The hook on prompts is taken out with its first answer. While a prompt waits for a hook, an interrupt loses it, and
 * one that is folded into the turn can be lost or told twice; without a hook no prompt waits.
 */
import { cutText } from '../../host/text.ts';
import type { RecallMoment } from '../runtime.ts';
import type { Reading } from './state.ts';

const PROMPT_CALLBACK = 'aether-recall';
const SUMMARY_CALLBACK = 'aether-recall-compaction';

/**
 * A summary is made without an answer after this time. A prompt is not: it would be discarded, whatever `onFailure` says,
 * so it waits for the next host, as a tool at the gate does.
 */
const SUMMARY_WAIT_S = 10;
const WORDS_CHARS_MAX = 4_000;

/**
 * For the `initialize` request.
 * @param first in seconds, how long the first prompt of a process waits; null: it was there before
 */
export const recallHooks = (first: number | null): object => ({
  ...(first === null ? {} : { UserPromptSubmit: [{ hookCallbackIds: [PROMPT_CALLBACK], timeout: first }] }),
  SessionStart: [{ matcher: 'compact', hookCallbackIds: [SUMMARY_CALLBACK], timeout: SUMMARY_WAIT_S }],
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
  reading.emit({ kind: 'recall-asked', requestId, at, words, patient: true });
}

/** The lines that answer it. */
export function recallAnswer(answer: { requestId: string; at: RecallMoment; text: string | null }): string {
  const { requestId, at, text } = answer;
  const hookEventName = at === 'compaction' ? 'SessionStart' : 'UserPromptSubmit';
  const response = text === null ? {} : { hookSpecificOutput: { hookEventName, additionalContext: text } };
  return `${JSON.stringify({
    type: 'control_response',
    response: { subtype: 'success', request_id: requestId, response },
  })}\n`;
}

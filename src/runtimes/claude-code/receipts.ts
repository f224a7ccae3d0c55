/**
 * The delivery stages of a message to Claude Code. `command_lifecycle` acknowledges each by its uuid; a model request
 * names the ones it carries. A message is seen when a model request has it, acted on when the engine says it is done.
 * Verified against 2.1.329: a turn that is interrupted while its prompt waits for a UserPromptSubmit hook leaves nothing
 * of the prompt in the conversation, and the same uuid is ignored after that.
 */
import type { Reading } from './state.ts';

export function readLifecycle(reading: Reading, id: string, stage: string): void {
  const before = reading.state.injects[id];
  if (stage === 'queued') {
    reading.inject(id, 'queued');
    reading.emit({ kind: 'inject', injectId: id, stage: 'delivered', evidence: 'command_lifecycle queued' });
  } else if (stage === 'started') {
    if (before === 'seen') return;
    reading.inject(id, 'started');
    reading.emit({ kind: 'inject', injectId: id, stage: 'taken', evidence: 'command_lifecycle started' });
  } else if (stage === 'completed') {
    reading.inject(id, null);
    if (before === undefined) return;
    reading.emit({ kind: 'inject', injectId: id, stage: 'acted', evidence: 'command_lifecycle completed' });
  } else if (stage === 'cancelled') {
    reading.inject(id, null);
    // After it was seen this only says that its turn was cut short, which the turn's end tells.
    if (before !== 'queued' && before !== 'started') return;
    const fate = before === 'queued' ? 'cancelled' : 'dropped';
    reading.emit({ kind: 'inject', injectId: id, stage: fate, evidence: 'command_lifecycle cancelled' });
  }
}

/** A hook on prompts that did not answer: what was to be asked of the model is discarded, and then called completed. */
export function readPromptEnd(reading: Reading, outcome: unknown): void {
  const { kind, prompt_kept: kept } = (outcome ?? {}) as { kind?: unknown; prompt_kept?: unknown };
  if (kind !== 'no_verdict' || kept !== false) return;
  for (const [id, stage] of Object.entries(reading.state.injects)) {
    if (stage !== 'started') continue;
    reading.inject(id, null);
    const evidence = 'a hook on prompts did not answer';
    reading.emit({ kind: 'inject', injectId: id, stage: 'dropped', evidence });
  }
}

/** A model request or answer names the messages it carries. */
export function markSeen(reading: Reading, uuids: unknown): void {
  if (!Array.isArray(uuids)) return;
  for (const id of uuids) {
    const before = reading.state.injects[id];
    if (before === undefined || before === 'seen') continue;
    reading.inject(id, 'seen');
    reading.emit({ kind: 'inject', injectId: id, stage: 'seen', evidence: 'named by a model request' });
  }
}

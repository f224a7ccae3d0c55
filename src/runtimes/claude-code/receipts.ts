/**
 * The delivery stages of a message to Claude Code. `command_lifecycle` acknowledges each by its uuid; a model request
 * names the ones it carries. A message is seen when a model request has it, acted on when the engine says it is done.
 */
import type { Reading } from './state.ts';

export function readLifecycle(reading: Reading, id: string, stage: string): void {
  const before = reading.state.injects[id];
  if (stage === 'queued') {
    reading.inject(id, 'queued');
    reading.emit({ kind: 'inject', injectId: id, stage: 'delivered', evidence: 'command_lifecycle queued' });
  } else if (stage === 'started') {
    if (before !== 'seen') reading.inject(id, 'started');
  } else if (stage === 'completed') {
    reading.inject(id, null);
    if (before === undefined) return;
    reading.emit({ kind: 'inject', injectId: id, stage: 'acted', evidence: 'command_lifecycle completed' });
  } else if (stage === 'cancelled') {
    reading.inject(id, null);
    // After it was taken up this only says that its turn was cut short, which the turn's end tells.
    if (before !== 'queued') return;
    reading.emit({
      kind: 'inject',
      injectId: id,
      stage: 'cancelled',
      evidence: 'command_lifecycle cancelled',
    });
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

/**
 * Where a replay stands, read from the conversation alone: every reply carries its step as provider metadata,
 * which the conversation file keeps. So a replay survives a kill, a takeover and a resume like any model.
 */
import type { Model } from '../model.ts';

type Prompt = Parameters<Model['doStream']>[0]['prompt'];
type Message = Extract<Prompt, unknown[]>[number];
type ToolResult = Extract<Extract<Message, { role: 'tool' }>['content'][number], { type: 'tool-result' }>;

/** Kept with each part of a reply. */
export interface Mark {
  step: number;
  attempt: number;
  save: string;
}

export interface Position {
  /** The last reply of the recording; null before the first. */
  mark: Mark | null;
  /** What its call answered; null when it made none or was interrupted before the answer. */
  result: { value: unknown; failed: boolean; denied: boolean } | null;
  called: boolean;
  /** Saved results by name, the latest of each. */
  results: Map<string, unknown>;
  /** What a person said since the last reply, oldest first. */
  heard: string[];
}

export function positionIn(prompt: Prompt): Position {
  const position: Position = { mark: null, result: null, called: false, results: new Map(), heard: [] };
  const saves = new Map<string, string>();
  let lastCall: string | null = null;
  for (const message of prompt) {
    if (message.role === 'user') {
      position.heard.push(message.content.map((part) => (part.type === 'text' ? part.text : '')).join(''));
    } else if (message.role === 'assistant') {
      for (const part of message.content) {
        const mark = markOf(part.providerOptions);
        if (!mark) continue;
        position.mark = mark;
        position.heard = [];
        position.result = null;
        position.called = part.type === 'tool-call';
        if (part.type !== 'tool-call') continue;
        lastCall = part.toolCallId;
        saves.set(part.toolCallId, mark.save);
      }
    } else if (message.role === 'tool') {
      for (const part of message.content) {
        if (part.type !== 'tool-result') continue;
        const outcome = outcomeOf(part);
        if (part.toolCallId === lastCall) position.result = outcome;
        const save = saves.get(part.toolCallId);
        if (save && !outcome.failed) position.results.set(save, outcome.value);
      }
    }
  }
  return position;
}

function outcomeOf(part: ToolResult): NonNullable<Position['result']> {
  const { output } = part;
  const failed =
    output.type === 'error-text' || output.type === 'error-json' || output.type === 'execution-denied';
  const value = output.type === 'execution-denied' ? (output.reason ?? '') : output.value;
  return { value, failed, denied: output.type === 'execution-denied' };
}

function markOf(options: Record<string, Record<string, unknown> | undefined> | undefined): Mark | null {
  const replay = options?.replay;
  return typeof replay?.step === 'number' && typeof replay.attempt === 'number'
    ? { step: replay.step, attempt: replay.attempt, save: String(replay.save ?? '') }
    : null;
}

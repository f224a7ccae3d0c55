/**
 * The lines of a conversation file, and what each means to the host. The structured channel prints the events of an
 * entry right after it was written, and the host reads the same file while a person holds the terminal: one mapping, so
 * that both sources give the same events under the same keys.
 */
import type { AssistantModelMessage, ToolResultPart } from 'ai';
import type { ObservedEvent, Priority } from './loop-protocol.ts';

export type ToolOutput = ToolResultPart['output'];

export type Entry =
  | { type: 'conversation'; version: 1; session: string; agent: string; at_ms: number }
  /** Accepted from outside and not yet part of the conversation. */
  | { type: 'queued'; message: Queued; at_ms: number }
  /** Taken back before it became part of it. */
  | { type: 'cancelled'; id: string; at_ms: number }
  /** `from`: the queued message it was; absent for what a person typed. */
  | { type: 'user'; key: string; text: string; from?: { id: string; receipt: boolean }; at_ms: number }
  | {
      type: 'assistant';
      key: string;
      message: AssistantModelMessage;
      usage?: EntryUsage;
      at_ms: number;
    }
  /** One per tool call, so that a crash loses at most the call that was running. */
  | {
      type: 'tool';
      toolUseId: string;
      tool: string;
      output: ToolOutput;
      text: string;
      isError: boolean;
      at_ms: number;
    }
  | { type: 'turn'; outcome: 'done' | 'failed' | 'interrupted'; text?: string; at_ms: number };

export interface Queued {
  id: string;
  text: string;
  priority: Priority;
  /** Whether it has a receipt that tells how far it got. */
  receipt: boolean;
}

export interface EntryUsage {
  model: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
}

/** What an entry means; nothing for the ones that only keep state. */
export function entryEvents(entry: Entry): ObservedEvent[] {
  switch (entry.type) {
    case 'conversation':
    case 'queued':
    case 'cancelled':
      return [];
    case 'user':
      return [
        {
          kind: 'message',
          role: 'user',
          text: entry.text,
          key: entry.key,
          ...(entry.from?.receipt ? { injectId: entry.from.id } : {}),
        },
      ];
    case 'assistant':
      return assistantEvents(entry);
    case 'tool':
      return [{ kind: 'tool-result', toolUseId: entry.toolUseId, text: entry.text, isError: entry.isError }];
    case 'turn':
      return [
        {
          kind: 'turn-ended',
          outcome: entry.outcome,
          ...(entry.text === undefined ? {} : { text: entry.text }),
        },
      ];
  }
}

function assistantEvents(entry: Extract<Entry, { type: 'assistant' }>): ObservedEvent[] {
  const events: ObservedEvent[] = [];
  for (const [index, part] of assistantParts(entry.message).entries()) {
    const key = `${entry.key}.${index}`;
    if (part.type === 'text' && part.text !== '') {
      events.push({ kind: 'message', role: 'assistant', text: part.text, key });
    } else if (part.type === 'reasoning' && part.text !== '') {
      events.push({ kind: 'message', role: 'assistant', text: part.text, key, thinking: true });
    } else if (part.type === 'tool-call') {
      events.push({
        kind: 'tool-call',
        toolUseId: part.toolCallId,
        tool: part.toolName,
        input: part.input,
      });
    }
  }
  if (entry.usage) events.push({ kind: 'usage', ...entry.usage, cost_usd: null, key: entry.key });
  return events;
}

type AssistantPart = Exclude<AssistantModelMessage['content'], string>[number];

/** The parts of an assistant message, which may also be a bare string. */
export function assistantParts(message: AssistantModelMessage): AssistantPart[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
}

/** Tool calls of an assistant message, in order. */
export function toolCalls(message: AssistantModelMessage): Extract<AssistantPart, { type: 'tool-call' }>[] {
  return assistantParts(message).filter((part) => part.type === 'tool-call');
}

/** The conversation file as evidence while a person holds the terminal and the structured channel is closed. */
import { z } from 'zod';
import type { Activity, ObservedEvent, TranscriptTail } from '../runtime.ts';
import { type Entry, entryEvents, toolCalls } from './loop/entries.ts';

/** Enough to know that a line is an entry; the loop wrote it and checks it fully when it reads it back. */
const shape = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('conversation') }),
  z.looseObject({ type: z.literal('queued') }),
  z.looseObject({ type: z.literal('cancelled') }),
  z.looseObject({ type: z.literal('user'), key: z.string(), text: z.string() }),
  z.looseObject({
    type: z.literal('assistant'),
    key: z.string(),
    message: z.looseObject({ content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]) }),
  }),
  z.looseObject({
    type: z.literal('tool'),
    toolUseId: z.string(),
    text: z.string(),
    isError: z.boolean(),
  }),
  z.looseObject({ type: z.literal('turn'), outcome: z.enum(['done', 'failed', 'interrupted']) }),
]);

/** @param path absolute path of the conversation file */
export function conversationTail(path: string): TranscriptTail {
  return {
    path,
    line(state, text) {
      if (text.trim() === '') return { state, events: [] };
      const entry = parse(text);
      if (entry === null) {
        return {
          state,
          events: [
            { kind: 'note', level: 'warn', text: 'A line of the conversation file could not be read.' },
          ],
        };
      }
      return { state, events: [...entryEvents(entry), ...activityAfter(entry)] };
    },
  };
}

function parse(text: string): Entry | null {
  try {
    const value: unknown = JSON.parse(text);
    return shape.safeParse(value).success ? (value as Entry) : null;
  } catch {
    return null;
  }
}

function activityAfter(entry: Entry): ObservedEvent[] {
  const became = (activity: Activity, evidence: string, tool?: string): ObservedEvent[] => [
    { kind: 'activity', activity, evidence, ...(tool === undefined ? {} : { tool }) },
  ];
  switch (entry.type) {
    case 'user':
      return became('thinking', 'a message in the conversation file');
    case 'assistant': {
      const call = toolCalls(entry.message)[0];
      return call ? became('tool', 'a tool call in the conversation file', call.toolName) : [];
    }
    case 'tool':
      return became('thinking', 'a tool result in the conversation file');
    case 'turn':
      return became('idle', 'the end of a turn in the conversation file');
    default:
      return [];
  }
}

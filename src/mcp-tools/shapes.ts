/**
 * What several tools return, as a model reads it best: times in ISO 8601, and a field that has no value left out
 * instead of null (not every client understands a nullable schema).
 */
import { z } from 'zod';
import type { MemoryView, MessageView } from '../host/api.ts';

export const memoryShape = z.object({
  id: z.string(),
  key: z.string().optional(),
  text: z.string(),
  tags: z.array(z.string()),
  scope: z.enum(['agent', 'fleet', 'workspace', 'branch']),
  author: z.string().describe('who stored it: agent:NAME, client:NAME or operator'),
  via: z.array(z.string()).optional().describe('the senders that its author followed when storing it'),
  updated: z.string().describe('ISO 8601'),
  version: z.int(),
});

export function memoryOut(memory: MemoryView): z.input<typeof memoryShape> {
  return {
    id: memory.id,
    ...(memory.key === null ? {} : { key: memory.key }),
    text: memory.text,
    tags: memory.tags,
    scope: memory.scope,
    author: memory.author,
    ...(memory.via === undefined ? {} : { via: memory.via }),
    updated: new Date(memory.updated_ms).toISOString(),
    version: memory.version,
  };
}

export const messageShape = z.object({
  id: z.string(),
  from: z.string().describe('agent:NAME, client:NAME or operator; can be used as `to`'),
  to: z.string(),
  subject: z.string(),
  body: z.string(),
  replyTo: z.string().optional().describe('id of the message it answers'),
  sent: z.string().describe('ISO 8601'),
  acknowledged: z.boolean(),
});

export function messageOut(message: MessageView): z.input<typeof messageShape> {
  return {
    id: message.id,
    from: message.from,
    to: message.to,
    subject: message.subject,
    body: message.body,
    ...(message.replyTo === null ? {} : { replyTo: message.replyTo }),
    sent: new Date(message.sent_ms).toISOString(),
    acknowledged: message.acked_ms !== null,
  };
}

/** Engines put longer results aside into a file: what a model should read at once stays under this. */
const RESULT_CHARS_MAX = 40_000;

/** The first items whose text fits a result; at least one. */
export function fitting<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  let chars = 0;
  const fits: T[] = [];
  for (const item of items) {
    chars += textOf(item).length + 200; // the other fields
    if (fits.length > 0 && chars > RESULT_CHARS_MAX) break;
    fits.push(item);
  }
  return fits;
}

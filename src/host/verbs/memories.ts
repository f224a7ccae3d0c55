/** Memory as people look after it: every scope, every state. What a person writes there is the operator's word. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { identifier } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

const scope = z.string().min(1).max(1_000);
const layer = z.enum(['episodic', 'semantic', 'procedural', 'social']);
const state = z.enum(['live', 'stale', 'possibly_stale', 'superseded', 'expired']);
const text = z.string().min(1).max(limits.memory_text_bytes_max);
const key = z.string().min(1).max(limits.memory_key_chars_max);
const tags = z.array(z.string().min(1).max(limits.memory_tag_chars_max)).max(limits.memory_tags_max);
const importance = z.int().min(0).max(3);

export const memories = defineVerb({
  kind: 'call',
  name: 'memories',
  summary:
    'Memories of any scope: with `query` the best first, otherwise the newest first; and what each scope holds.',
  input: z.strictObject({
    scope: scope.optional(),
    query: z.string().max(2_000).optional(),
    state: state.optional(),
    layer: layer.optional(),
    author: scope.optional(),
    tag: z.string().min(1).max(limits.memory_tag_chars_max).optional(),
    pinned: z.boolean().optional(),
    limit: z.int().min(1).max(limits.memories_page_max).optional(),
    cursor: z.string().min(1).max(100).optional(),
  }),
  who: OPERATORS,
  reads: true,
  run: (rooms, filter, { principal }) => rooms.memories.list(principal, filter),
});

export const memory = defineVerb({
  kind: 'call',
  name: 'memory',
  summary: 'One memory, by its id or the beginning of it: history, sources, readers, and why it is believed.',
  input: z.strictObject({ id: identifier }),
  who: OPERATORS,
  reads: true,
  run: (rooms, { id }, { principal }) => rooms.memories.show(principal, id),
});

export const editMemory = defineVerb({
  kind: 'call',
  name: 'editMemory',
  summary:
    'Puts a corrected statement in the place of a memory, which stays as history; refused where another took it already.',
  input: z.strictObject({
    id: identifier,
    text: text.optional(),
    key: key.optional(),
    tags: tags.optional(),
    layer: layer.optional(),
    importance: importance.optional(),
    expires: z.string().min(1).max(100).nullable().optional(),
  }),
  who: OPERATORS,
  run: (rooms, { id, ...change }, { principal }) => rooms.memories.edit(principal, id, change),
});

export const pinMemory = defineVerb({
  kind: 'call',
  name: 'pinMemory',
  summary: 'Pins a memory, so that it is given first and never named for forgetting; or unpins it.',
  input: z.strictObject({ id: identifier, pinned: z.boolean() }),
  who: OPERATORS,
  run: (rooms, { id, pinned }, { principal }) => rooms.memories.pin(principal, id, pinned),
});

export const forgetMemory = defineVerb({
  kind: 'call',
  name: 'forgetMemory',
  summary: 'Forgets a memory, and the earlier statements under its key, and says where it still stands.',
  input: z.strictObject({ id: identifier }),
  who: OPERATORS,
  run: (rooms, { id }, { principal }) => rooms.memories.forget(principal, id),
});

export const redactMemory = defineVerb({
  kind: 'call',
  name: 'redactMemory',
  summary:
    'Removes what a forgotten memory said from places that its agent may not change: what was said and done, mail, messages.',
  input: z.strictObject({ id: identifier }),
  who: OPERATORS,
  run: (rooms, { id }) => rooms.memories.redact(id),
});

export const importMemories = defineVerb({
  kind: 'call',
  name: 'importMemories',
  summary:
    'Stores memories from elsewhere, in the operator’s name: all of them or none; what is known already is left out.',
  input: z.strictObject({
    /** Nothing is stored: what would become of each. */
    preview: z.boolean().optional(),
    scope,
    from: z.string().min(1).max(500),
    memories: z
      .array(
        z.object({
          text,
          key: key.exactOptional(),
          tags: tags.exactOptional(),
          layer: layer.exactOptional(),
          importance: importance.exactOptional(),
          pinned: z.boolean().exactOptional(),
          created_ms: z.int().exactOptional(),
          valid_from_ms: z.int().exactOptional(),
          expires_ms: z.int().exactOptional(),
        }),
      )
      .min(1)
      .max(limits.memories_import_max),
  }),
  who: OPERATORS,
  run: (rooms, asked, { principal }) => rooms.memories.import(principal, asked),
});

export const memoryQuota = defineVerb({
  kind: 'call',
  name: 'memoryQuota',
  summary: 'How much a scope of memory holds and may hold, and what to forget first where it is full.',
  input: z.strictObject({ scope }),
  who: OPERATORS,
  reads: true,
  run: (rooms, { scope: of }) => rooms.memories.quota(of),
});

export const feedback = defineVerb({
  kind: 'call',
  name: 'feedback',
  summary:
    'Tells an agent what was good or bad: of an event, of a memory, or of what it did last. It is remembered, and weighs in what is found.',
  input: z.strictObject({
    agent: z.string().min(1).max(200).optional(),
    thumb: z.enum(['up', 'down']),
    words: z.string().min(1).max(limits.feedback_chars_max).optional(),
    event: z.int().min(1).optional(),
    memory: identifier.optional(),
  }),
  who: OPERATORS,
  run: (rooms, given, { principal }) => rooms.memories.feedback(principal, given),
});

/** `aether_memory_store`: keeps a fact for later conversations. */
import { z } from 'zod';
import { memoryOut, memoryShape } from '../shapes.ts';
import { defineTool } from '../tool.ts';

export const memoryStore = defineTool({
  name: 'aether_memory_store',
  title: 'Remember',
  description: [
    'Keep a fact so that you (or, shared, every agent on this host) can find it in a later conversation.',
    'Store decisions and their reasons, preferences, facts about the project, what failed and why — when you learn them, not at the end. One fact per memory, in full sentences that make sense without this conversation: name the thing, not "it".',
    'Give a `key` to anything that may change ("deploy-target"): storing under the same key replaces the old text, so nothing stale is left behind.',
    'Never store passwords or tokens.',
  ].join(' '),
  order: 20,
  kind: 'write',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  input: z.strictObject({
    text: z.string().min(1).describe('The fact, in full sentences. At most 64 KB; a paragraph is best.'),
    key: z.string().min(1).max(256).optional().describe('A stable name; an existing one is replaced.'),
    tags: z.array(z.string().min(1).max(64)).max(32).optional().describe('A few words to filter by.'),
    scope: z
      .enum(['agent', 'fleet', 'shared'])
      .optional()
      .describe('agent (default): only you find it. fleet (or shared): every agent does.'),
  }),
  output: z.object({
    memory: memoryShape,
    replaced: z.boolean().describe('true: an older text under this key is gone'),
  }),
  examples: [{ text: 'The shop is deployed to fly.io, region fra.', key: 'deploy-target', scope: 'fleet' }],
  effect({ memory }, call, args) {
    const stored = memory.store(call, args);
    return { memory: memoryOut(stored.memory), replaced: stored.replaced };
  },
});

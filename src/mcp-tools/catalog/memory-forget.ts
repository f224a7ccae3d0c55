/** `aether_memory_forget`: removes a memory from every later search. */
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const memoryForget = defineTool({
  name: 'aether_memory_forget',
  title: 'Forget a memory',
  description:
    'Forget one memory that is wrong or no longer true, by its `key` or its `id` (exactly one of the two): from then on no search and no read finds it. To correct a fact, store the new text under the same key instead. Its earlier texts under the key go with it, and what rests on it is marked stale. A memory of the fleet is forgotten for all agents. The host keeps a record that it existed.',
  order: 40,
  kind: 'write',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    id: z.string().min(1).max(64).optional(),
    key: z.string().min(1).max(256).optional(),
  }),
  output: z.object({
    forgotten: z.string().describe('id of the memory'),
    earlier: z.array(z.string()).optional().describe('ids of its earlier texts, forgotten with it'),
    remains: z
      .array(z.object({ what: z.string(), where: z.array(z.string()), how: z.string() }))
      .optional()
      .describe('what still says it, and how to remove it there'),
    madeStale: z.int().optional().describe('how many memories rested on it'),
  }),
  examples: [{ key: 'deploy-target' }],
  effect({ memory }, call, args) {
    const { memory: gone, earlier, marked } = memory.forget(call, args);
    const madeStale = marked.stale + marked.possibly_stale;
    return {
      forgotten: gone.id,
      ...(earlier.length === 0 ? {} : { earlier }),
      ...(madeStale === 0 ? {} : { madeStale }),
    };
  },
});

/** `aether_memory_get`: one memory in full. */
import { z } from 'zod';
import { memoryOut, memoryShape } from '../shapes.ts';
import { defineTool } from '../tool.ts';

export const memoryGet = defineTool({
  name: 'aether_memory_get',
  title: 'Read a memory',
  description:
    'Read one memory in full, by the `key` it was stored under (yours is preferred to a shared one of the same key) or by the `id` a search returned. Give exactly one of the two. If you know neither, use aether_memory_search.',
  order: 30,
  kind: 'read',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    id: z.string().min(1).max(64).optional(),
    key: z.string().min(1).max(256).optional(),
  }),
  output: z.object({ memory: memoryShape }),
  examples: [{ key: 'deploy-target' }],
  effect({ memory }, call, args) {
    return { memory: memoryOut(memory.get(call, args)) };
  },
});

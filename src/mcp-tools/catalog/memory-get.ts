/** `aether_memory_get`: one memory in full, and what is known of it. */
import { z } from 'zod';
import { contradictionOut, contradictionShape, fitting, memoryOut, memoryShape } from '../shapes.ts';
import { defineTool } from '../tool.ts';

export const memoryGet = defineTool({
  name: 'aether_memory_get',
  title: 'Read a memory',
  description:
    'Read one memory in full, by the `key` it was stored under (yours is preferred to a wider one of the same key) or by the `id` a search returned. Give exactly one of the two. With `history`, earlier texts under its key as well. If you know neither, use aether_memory_search.',
  order: 30,
  kind: 'read',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    id: z.string().min(1).max(64).optional(),
    key: z.string().min(1).max(256).optional(),
    history: z.boolean().optional().describe('Earlier statements under its key, the newest first.'),
  }),
  output: z.object({
    memory: memoryShape,
    derivedFrom: z
      .array(z.object({ id: z.string(), declared: z.boolean(), state: z.string() }))
      .optional()
      .describe('what it rests on; declared false: perhaps'),
    contradictedBy: z.array(contradictionShape).optional(),
    history: z.array(memoryShape).optional(),
  }),
  examples: [{ key: 'deploy-target' }, { key: 'deploy-target', history: true }],
  effect({ memory }, call, { history = false, ...name }) {
    const found = memory.get(call, { ...name, history });
    const { sources, contradictedBy } = found;
    return {
      memory: memoryOut(found.memory),
      ...(sources.length === 0
        ? {}
        : {
            derivedFrom: sources.slice(0, SOURCES_MAX).map((source) => ({
              id: source.id,
              declared: source.kind === 'derived',
              state: source.state ?? 'forgotten',
            })),
          }),
      ...(contradictedBy.length === 0 ? {} : { contradictedBy: contradictedBy.map(contradictionOut) }),
      ...(history ? { history: fitting(found.history.map(memoryOut), ({ text }) => text) } : {}),
    };
  },
});

const SOURCES_MAX = 50;

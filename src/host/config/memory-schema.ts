/** What aether.yaml may say of memory. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { size } from './sizes.ts';
import type { MemorySettings } from './types.ts';

export const MEMORY: MemorySettings = {
  recall_tokens: limits.memory_recall_tokens,
  episodes: true,
  memories_per_scope_max: limits.memories_per_scope_max,
  bytes_per_scope_max: limits.memory_bytes_per_scope_max,
};

export const memorySchema = z
  .strictObject({
    recall_tokens: z
      .int()
      .min(0)
      .max(limits.memory_recall_tokens_max)
      .meta({
        description: `What is remembered for its goal is given to an agent when its engine starts, and again when the engine has summarised its conversation: the best few memories, in about so many tokens. 0: nothing; an agent finds memories only by searching. Default: ${MEMORY.recall_tokens}.`,
        examples: [MEMORY.recall_tokens],
      })
      .optional(),
    episodes: z
      .boolean()
      .meta({
        description:
          'At the end of a run that did something the host remembers for the agent what it was for, how it ended, which files changed, what it cost and what was reported. Default: true.',
        examples: [true],
      })
      .optional(),
    memories_per_scope_max: z
      .int()
      .min(1)
      .max(10_000_000)
      .meta({
        description: `Memories in one scope: those of one agent or client, of the fleet, of a workspace or a branch. A full scope takes no more until something is forgotten, and says what is worth least. Default: ${MEMORY.memories_per_scope_max}.`,
        examples: [MEMORY.memories_per_scope_max],
      })
      .optional(),
    bytes_per_scope_max: size('Text in one scope, earlier versions included. Default: 256 MiB.', '256MB'),
  })
  .meta({
    description: 'Memory of agents and outside clients.',
    examples: [{ recall_tokens: MEMORY.recall_tokens }],
  });

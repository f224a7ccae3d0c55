/** What aether.yaml may say of memory. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import type { MemorySettings } from './types.ts';

export const MEMORY: MemorySettings = { recall_tokens: limits.memory_recall_tokens, episodes: true };

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
  })
  .meta({
    description: 'Memory of agents and outside clients.',
    examples: [{ recall_tokens: MEMORY.recall_tokens }],
  });

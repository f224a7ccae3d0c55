/** `aether_memory_store`: keeps a fact for later conversations. */
import { z } from 'zod';
import { contradictionOut, contradictionShape, memoryOut, memoryShape } from '../shapes.ts';
import { defineTool } from '../tool.ts';

const ids = (what: string) => z.array(z.string().min(1).max(64)).max(1_000).optional().describe(what);

export const memoryStore = defineTool({
  name: 'aether_memory_store',
  title: 'Remember',
  description: [
    'Keep a fact so that you (or, fleet, every agent on this host) can find it in a later conversation.',
    'Store decisions and their reasons, preferences, facts about the project, what failed and why — when you learn them, not at the end. One fact per memory, in full sentences that make sense without this conversation: name the thing, not "it".',
    'Give a `key` to anything that may change ("deploy-target"): storing under the same key takes the place of the old text. Name in `derived_from` the memories that a conclusion rests on ([]: none): when one of them changes, it is marked stale.',
    'Never store passwords or tokens.',
  ].join(' '),
  order: 20,
  kind: 'write',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  input: z.strictObject({
    text: z.string().min(1).describe('The fact, in full sentences. At most 64 KB; a paragraph is best.'),
    key: z.string().min(1).max(256).optional().describe('A stable name; what stands under it is superseded.'),
    layer: z
      .enum(['episodic', 'semantic', 'procedural', 'social'])
      .optional()
      .describe(
        'What happened; what is so (default); how something is done; who people are, what they prefer.',
      ),
    tags: z.array(z.string().min(1).max(64)).max(32).optional().describe('A few words to filter by.'),
    scope: z
      .enum(['agent', 'fleet', 'shared', 'workspace', 'branch'])
      .optional()
      .describe(
        'Who finds it. agent (default): only you. fleet (or shared): every agent. workspace, branch: who works there.',
      ),
    importance: z.int().min(0).max(3).optional().describe('Default 1.'),
    supersedes: ids('Ids of memories that this one takes the place of.'),
    derived_from: ids('Ids of memories that it rests on.'),
    contradicts: ids('Ids of memories that say otherwise, where you cannot tell which is right.'),
    valid_from: z.string().max(64).optional().describe('ISO 8601: since or from when it is true.'),
    expires: z.string().max(64).optional().describe('ISO 8601, or from now: "12h", "7d".'),
    if_version: z
      .int()
      .min(0)
      .optional()
      .describe('The version under the key that you have seen (0: none); another one is a conflict.'),
  }),
  output: z.object({
    memory: memoryShape,
    replaced: z.boolean().describe('true: an older text under this key is history now'),
    superseded: z.array(z.string()).optional(),
    madeStale: z.int().optional().describe('how many memories rested on what it superseded'),
    contradictedBy: z.array(contradictionShape).optional(),
  }),
  examples: [
    { text: 'The shop is deployed to fly.io, region fra.', key: 'deploy-target', scope: 'fleet' },
    {
      text: 'A deploy takes nine minutes.',
      derived_from: ['01970000-0000-7000-8000-000000000000'],
      expires: '30d',
    },
  ],
  effect({ memory }, call, args) {
    const { superseded, marked, contradictedBy, ...stored } = memory.store(call, args);
    const madeStale = marked.stale + marked.possibly_stale;
    return {
      memory: memoryOut(stored.memory),
      replaced: stored.replaced,
      ...(superseded.length === 0 ? {} : { superseded }),
      ...(madeStale === 0 ? {} : { madeStale }),
      ...(contradictedBy.length === 0 ? {} : { contradictedBy: contradictedBy.map(contradictionOut) }),
    };
  },
});

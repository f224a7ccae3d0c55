/** Conversations that a person began with an engine by hand, and an agent that goes on with one. */
import { z } from 'zod';
import { agentName, identifier } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

/** As many as the system takes in a path. */
const PATH_CHARS_MAX = 4_096;
const path = z.string().startsWith('/').max(PATH_CHARS_MAX);
const from = path.optional().meta({
  description:
    'The directory in which the engine keeps them, absolute; default: the usual one of the user of the host.',
});
const runtime = identifier.meta({ description: 'Its name, or the beginning of it.' });

export const conversations = defineVerb({
  kind: 'call',
  name: 'conversations',
  summary:
    'Conversations that a person began with an engine by hand: in a directory, or by the beginning of their id; the newest first.',
  input: z.strictObject({ runtime, directory: path.optional(), id: identifier.optional(), from }),
  who: OPERATORS,
  reads: true,
  run: (rooms, input) => rooms.adoption.conversations(input),
});

export const adopt = defineVerb({
  kind: 'call',
  name: 'adopt',
  summary:
    'Gives an agent that does not run a copy of a conversation that a person began by hand, and starts it; the original stays as it is.',
  input: z.strictObject({
    agent: agentName,
    runtime,
    id: identifier.meta({ description: 'Of the conversation, or the beginning of it.' }),
    from,
    force: z.boolean().optional().meta({ description: 'Also while a program has the conversation open.' }),
    fresh: z
      .boolean()
      .optional()
      .meta({ description: 'Also where the agent has a conversation of its own, which it then leaves.' }),
  }),
  who: OPERATORS,
  run: (rooms, { agent, ...input }, { principal }) => rooms.adoption.adopt(agent, input, principal),
});

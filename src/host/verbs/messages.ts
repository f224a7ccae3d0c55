/** Messages injected into an agent's conversation, and their receipts. */
import { z } from 'zod';
import { aboutAgent, agentName, identifier } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

const byId = z.strictObject({ id: identifier });

export const inject = defineVerb({
  kind: 'call',
  name: 'inject',
  summary: 'Sends an agent a message; the same id again sends nothing twice.',
  input: z.strictObject({
    agent: agentName,
    text: z.string().min(1),
    priority: z.enum(['now', 'next', 'later']).optional(),
    /** A lower-case UUID that the client chose. */
    id: identifier.optional(),
  }),
  who: OPERATORS,
  basis: ['run'],
  legal: () => null,
  run: (rooms, { agent, ...message }, { principal }) => rooms.messages.send(agent, message, principal),
});

export const injection = defineVerb({
  kind: 'call',
  name: 'injection',
  summary: 'The receipt of one message.',
  input: byId,
  who: OPERATORS,
  reads: true,
  run: (rooms, { id }) => rooms.messages.get(id),
});

export const injections = defineVerb({
  kind: 'call',
  name: 'injections',
  summary: 'The receipts of messages to an agent, newest last.',
  input: aboutAgent,
  who: OPERATORS,
  reads: true,
  run: (rooms, { agent }) => rooms.messages.list(agent),
});

export const cancelInjection = defineVerb({
  kind: 'call',
  name: 'cancelInjection',
  summary: 'Takes back a message that has not been read; refused when it is too late.',
  input: byId,
  who: OPERATORS,
  run: (rooms, { id }, { principal }) => rooms.messages.cancel(id, principal),
});

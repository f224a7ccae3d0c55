/** The operator trusts what others have said in an agent's conversation. */
import { z } from 'zod';
import type { Principal } from '../api.ts';
import { agentName, identifier } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

/** As many as a conversation follows. */
const SENDERS_MAX = 1_000;

export const widen = defineVerb({
  kind: 'call',
  name: 'widen',
  summary:
    'Trusts what senders have said in the conversation of an agent so far: only its own rules apply again until those senders write again.',
  input: z.strictObject({
    agent: agentName,
    /** Those that the operator has seen; default: all. */
    senders: z.array(identifier).min(1).max(SENDERS_MAX).optional(),
  }),
  who: OPERATORS,
  basis: ['run'],
  legal: ({ name, narrowed }) => (narrowed ? null : `the conversation of ${name} follows no other sender.`),
  run(rooms, { agent, senders }, { principal }) {
    rooms.authority.widen(agent, senders as Principal[] | undefined, principal);
    return rooms.agents.get(agent);
  },
});

/** The lease on a run: taken, kept, handed back. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { aboutAgent, agentName, generation, size } from './input.ts';
import { requireHoldable } from './legal.ts';
import { notRunning } from './lifecycle.ts';
import { defineVerb, OPERATORS } from './verb.ts';

export const takeover = defineVerb({
  kind: 'call',
  name: 'takeover',
  summary: 'Asks to take over an agent and resolves once it is held; `now` interrupts the running tool.',
  input: z.strictObject({ agent: agentName, when: z.enum(['boundary', 'now']), ...size }),
  who: OPERATORS,
  basis: ['run', 'lease'],
  legal(facts) {
    const { name, lease } = facts;
    const why = notRunning(facts);
    if (why !== null) return why;
    // While it is pending, its holder may say "now"; others are refused by `run`, which names who waits.
    return lease !== null && lease.phase !== 'pending' ? `${lease.holder} holds ${name}.` : null;
  },
  // Its holder may take it again, from another window.
  advice: true,
  run: (rooms, { agent, ...input }, { principal, label }) =>
    rooms.takeover.take(rooms.agents.get(agent), { ...input, holder: label }, principal),
});

export const handback = defineVerb({
  kind: 'call',
  name: 'handback',
  summary: 'Hands an agent back; `held`: it goes on only when it is resumed.',
  input: z.strictObject({
    agent: agentName,
    generation,
    note: z.string().max(limits.inject_text_bytes_max).optional(),
    held: z.boolean().optional(),
  }),
  who: OPERATORS,
  basis: ['run', 'lease'],
  legal({ name, lease, paused }) {
    if (lease?.phase !== 'held' && lease?.phase !== 'pending') return `Nobody holds ${name}.`;
    return paused ? `${name} is paused; resume it first.` : null;
  },
  advice: true,
  async run(rooms, { agent, ...input }, { principal }) {
    const view = rooms.agents.get(agent);
    if (input.held) requireHoldable(view);
    await rooms.takeover.handback(view, input, principal);
    return rooms.agents.get(agent);
  },
});

export const leaseBeat = defineVerb({
  kind: 'call',
  name: 'leaseBeat',
  summary: 'Says that the holder of a lease is still there; a lease without beats expires.',
  input: z.strictObject({ agent: agentName, generation }),
  who: OPERATORS,
  run(rooms, { agent, generation }, { label }) {
    // Another client must not keep the lease of a holder that vanished alive.
    if (rooms.takeover.lease(agent)?.holder === label) rooms.takeover.beat(agent, generation);
  },
});

export const changes = defineVerb({
  kind: 'call',
  name: 'changes',
  summary: 'Files of the workspace that changed since the agent was taken over, held or paused.',
  input: aboutAgent,
  who: OPERATORS,
  reads: true,
  run: (rooms, { agent }) => rooms.takeover.changes(rooms.agents.get(agent)),
});

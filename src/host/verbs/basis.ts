/**
 * The state on which an action was decided, and the refusal of an action whose basis has changed: a stale click does
 * nothing.
 */
import { z } from 'zod';
import type { AgentView } from '../api.ts';
import { AetherError } from '../errors.ts';
import type { BasisFact } from './verb.ts';

/** What the operator saw when the button was pressed. */
export const agentBasis = z.strictObject({
  run: z.string().max(200).nullable(),
  state: z.enum(['created', 'starting', 'running', 'stopping', 'exited', 'unknown', 'stopped', 'failed']),
  /** Generation of the lease, null when it was not held. */
  lease: z.int().nullable(),
  /** Since when a hold was wanted (null: none was), and whether it was paused. */
  stands: z.strictObject({ hold_ms: z.number().nullable(), paused: z.boolean() }).optional(),
});

export type AgentBasis = z.input<typeof agentBasis>;

const compare: Record<BasisFact, (agent: AgentView, seen: AgentBasis) => string | null> = {
  run: ({ name, run }, seen) =>
    run === seen.run ? null : `A different run of ${name} is current than the one you saw.`,
  state: ({ name, state }, seen) =>
    state === seen.state ? null : `${name} was ${seen.state} when you decided and is ${state} now.`,
  lease({ name, lease }, seen) {
    if ((lease?.generation ?? null) === seen.lease) return null;
    return lease ? `${lease.holder} has taken over ${name} since.` : `${name} has been handed back since.`;
  },
  stands({ name, activity, hold }, seen) {
    if (seen.stands === undefined) return null;
    const paused = activity === 'paused';
    if (paused !== seen.stands.paused) return `${name} has been ${paused ? 'paused' : 'resumed'} since.`;
    if ((hold?.since_ms ?? null) === seen.stands.hold_ms) return null;
    return hold ? `${hold.by} asked to hold ${name} since.` : `The hold of ${name} has been ended since.`;
  },
};

/** @throws AetherError `verb.stale` when one of `facts` is not as it was seen */
export function requireBasis(agent: AgentView, seen: AgentBasis, facts: readonly BasisFact[]): void {
  for (const fact of facts) {
    const why = compare[fact](agent, seen);
    if (why === null) continue;
    throw new AetherError({
      code: 'verb.stale',
      who: 'user',
      message: why,
      next: 'Nothing was done. Look at the present state and decide again.',
    });
  }
}

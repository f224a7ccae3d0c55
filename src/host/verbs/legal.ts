/** Refusals because of the present state of an agent: a verb that is not legal, a lease that another client holds. */
import type { AgentView, LeaseView } from '../api.ts';
import { AetherError } from '../errors.ts';
import type { AgentVerb } from './names.ts';

/** Throws the table's reason when `verb` is not legal for this agent now. */
export function requireLegal(view: Pick<AgentView, 'name' | 'verbs'>, verb: AgentVerb): void {
  const why = view.verbs[verb];
  if (why === null) return;
  throw new AetherError({
    code: 'verb.illegal',
    who: 'user',
    message: `Cannot ${verb} ${view.name}: ${why}`,
    next: `See its state with \`aether ps\`.`,
    details: { verb, agent: view.name },
  });
}

/** Throws when the agent could not be kept held: nothing would make that true. */
export function requireHoldable(view: Pick<AgentView, 'name' | 'can'>): void {
  if (view.can.hold) return;
  throw new AetherError({
    code: 'verb.illegal',
    who: 'user',
    message: `${view.name} has no gate, so it cannot be held.`,
    next: `Hand it back, then \`aether pause ${view.name}\` stops it where it is.`,
    details: { verb: 'hold', agent: view.name },
  });
}

/**
 * Every operator may watch; only the client that took the lease may write. Of another generation than the present
 * one nothing is said here: the leases know who has it now.
 */
export function requireHolder(lease: LeaseView | null, generation: number, label: string): void {
  if (lease === null || lease.generation !== generation || lease.holder === label) return;
  throw new AetherError({
    code: 'lease.not-holder',
    who: 'user',
    message: `${lease.holder} holds the terminal of ${lease.agent}.`,
    next: 'Wait until it is handed back.',
  });
}

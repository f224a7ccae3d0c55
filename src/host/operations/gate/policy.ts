/**
 * What decides about a tool call: an ordered list of policies, of which the first that does not let it pass wins.
 * It fails closed: when a policy throws, the call gets no answer, and a tool without an answer does not run.
 */
import type { Run } from '../../runs/run.ts';
import type { GateCall } from '../../store/run-parts.ts';
import type { AskedCall, PermissionDetail } from './question.ts';

export type Decision =
  | { verdict: 'pass' }
  /** The operator decides; `authority` says why. */
  | { verdict: 'ask'; authority?: PermissionDetail['authority'] }
  /** It does not run: the turn goes on, or ends. The message is for the model. */
  | { verdict: 'deny' | 'stop'; message: string };

export const PASS: Decision = { verdict: 'pass' };

export interface Policy {
  readonly name: string;
  /** Decides once, when the call asks. Reads, and changes nothing. */
  decide(call: AskedCall, run: Run): Decision;
  /** Keeps answers back for as long as this is true, whatever was decided. Asked again at each look. */
  withholds?(call: GateCall, run: Run): boolean;
}

/** Which policy failed, and why. */
export interface Failure {
  policy: string;
  error: unknown;
}

export function decide(policies: readonly Policy[], call: AskedCall, run: Run): Decision | Failure {
  for (const policy of policies) {
    try {
      const decision = policy.decide(call, run);
      if (decision.verdict !== 'pass') return decision;
    } catch (error) {
      return { policy: policy.name, error };
    }
  }
  return PASS;
}

/** @returns whether its answer is kept back; a policy that fails keeps it back */
export function withheld(policies: readonly Policy[], call: GateCall, run: Run): boolean | Failure {
  for (const policy of policies) {
    try {
      if (policy.withholds?.(call, run)) return true;
    } catch (error) {
      return { policy: policy.name, error };
    }
  }
  return false;
}

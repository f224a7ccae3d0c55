/** The policies, in their order. */
import type { Agents } from '../../agents/agents.ts';
import type { Run } from '../../runs/run.ts';
import { isBreakingOff } from '../turn/turn.ts';
import { judge } from './authority.ts';
import { PASS, type Policy } from './policy.ts';

type Known = Pick<Agents, 'find'>;

export const STOPPED =
  'Not run: the operator holds this agent, and this call waited as long as it could. Wait for a message that says otherwise.';

export function policiesOf(agents: Known): Policy[] {
  return [holdPolicy(agents), authorityPolicy(agents), permissionPolicy];
}

export const isHeld = (agents: Known, run: Run): boolean => agents.find(run.record.agent)?.hold != null;

/** Of a held agent nothing runs: an answer that would let the turn go on is kept until it is resumed. */
export function holdPolicy(agents: Known): Policy {
  return {
    name: 'hold',
    // A turn that the host breaks off is ended with all that it still wants.
    decide: (_call, run) =>
      isBreakingOff(run.record.turn) && isHeld(agents, run) ? { verdict: 'stop', message: STOPPED } : PASS,
    withholds: (call, run) => call.verdict !== 'stop' && isHeld(agents, run),
  };
}

/** A message never raises what its receiver may do: what its sender could not do, the operator decides. */
export function authorityPolicy(agents: Known): Policy {
  return {
    name: 'authority',
    decide({ stage, tool, input, cwd }, run) {
      // Once, before the rules of the engine: what a person allowed here is not asked again.
      const facts = stage === 'gate' ? run.runtime.callFacts?.(tool, input) : undefined;
      const authority = facts === undefined ? null : judge(agents, run, tool, facts, cwd);
      return authority === null ? PASS : { verdict: 'ask', authority };
    },
  };
}

/** The engine's own rules want a person to be asked. */
export const permissionPolicy: Policy = {
  name: 'permission',
  decide: ({ stage }) => (stage === 'permission' ? { verdict: 'ask' } : PASS),
};

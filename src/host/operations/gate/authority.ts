/**
 * A message never raises what its receiver may do, however many hands it went through. Once an agent has taken up
 * somebody's words — a wake-up or an injection in their name, or mail of theirs — a call that they could not make
 * themselves waits for the operator, although the receiver's own rules would let it run. That lasts until the host
 * gives the resting engine a message of the operator, or begins a new conversation: nothing that an engine prints
 * ends it, because its tools can print the same.
 *
 * What a sender could make themselves, by the configuration as it is at the time of the call:
 *  - an agent: the `aether_*` tools it is granted; of engine tools those that its own permissions run without
 *    asking (mode allow, or a rule that names the tool or exactly this use of it, or for a shell a pattern that
 *    fits the whole command) — wherever it would run them: directories are not compared;
 *  - an outside client: every `aether_*` tool, and no tool of an engine;
 *  - the operator, and the host in its own name: anything.
 * Tools that only look around the workspace ask nobody, and neither do those with which an agent reads its own
 * mail and turns to the operator. The receiver's own rules hold as well, always.
 */
import type { CallFacts } from '../../../runtimes/runtime.ts';
import type { Agents } from '../../agents/agents.ts';
import type { Caller, Principal } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import type { Run } from '../../runs/run.ts';
import type { Runs } from '../../runs/runs.ts';
import { permits } from './permits.ts';

/** They do nothing for the sender of a message. */
const OWN = new Set(['aether_mail_inbox', 'aether_mail_ack', 'aether_ask_operator', 'aether_report']);

export interface Beyond {
  sender: Principal;
  why: string;
}

interface Asked {
  agents: Pick<Agents, 'find'>;
  runs: Pick<Runs, 'byId'>;
  gates: { of(run: Run): { hasPassed(toolUseId: string, tool: string): boolean } };
}

/**
 * For a call that has reached the host as an MCP request: an engine asked for it at the gate; a program that the
 * agent started did not, and nobody can be asked here.
 * @throws AetherError `tool.authority`
 */
export function requireAuthority({ agents, runs, gates }: Asked, caller: Caller, tool: string): void {
  const run = caller.run === null ? null : runs.byId(caller.run);
  if (run === null || run.record.turn.senders.length === 0) return;
  if (caller.toolUseId !== undefined && gates.of(run).hasPassed(caller.toolUseId, tool)) return;
  const facts = { aether: tool, looks: false, subject: null, shell: false };
  const authority = judge(agents, run, tool, facts);
  if (authority === null) return;
  throw new AetherError({
    code: 'tool.authority',
    who: 'agent',
    message: `${tool} was not run: ${authority.why}.`,
    next: 'Call it as a tool of your own, so that the operator can be asked, or go on without it.',
  });
}

/** The first sender that this turn follows and that could not make this call itself. */
export function judge(agents: Pick<Agents, 'find'>, run: Run, tool: string, facts: CallFacts): Beyond | null {
  for (const sender of run.record.turn.senders) {
    const why = whyBeyond(agents, sender, tool, facts);
    if (why !== null) return { sender, why: `this turn follows ${sender}, ${why}` };
  }
  return null;
}

function whyBeyond(
  agents: Pick<Agents, 'find'>,
  sender: Principal,
  tool: string,
  facts: CallFacts,
): string | null {
  if (facts.looks || (facts.aether !== null && OWN.has(facts.aether))) return null;
  const name = sender.startsWith('agent:') ? sender.slice('agent:'.length) : null;
  if (name === null) return facts.aether === null ? `an outside client, which has no ${tool}` : null;
  const config = agents.find(name)?.config;
  if (config === undefined) return 'an agent that is no longer in the configuration';
  if (facts.aether !== null)
    return config.tools === null || config.tools.includes(facts.aether)
      ? null
      : `who is not granted ${facts.aether}`;
  return permits(config.permissions, tool, facts)
    ? null
    : `whose own permissions do not run ${tool} without asking`;
}

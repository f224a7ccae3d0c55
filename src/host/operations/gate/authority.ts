/**
 * A text never raises what its reader may do, however often it was passed on. Once an agent has read another's
 * words — a wake-up or an injection in their name, mail of theirs, a memory that they stored — a call that they could not
 * make themselves waits for the operator, although the reader's own rules would let it run. That lasts as long as the
 * conversation, which holds the text: until the operator trusts it (`widen`) or begins a new one. Nothing that an engine
 * prints ends it, because its tools can print the same; neither does a later message of the operator, a summary of the
 * conversation, a restart or a takeover. Files carry no author: what a narrowed agent writes into one, and another agent
 * or a later conversation reads there, is not followed.
 *
 * What a sender could make themselves, by the configuration as it is at the time of the call:
 *  - an agent: the `aether_*` tools it is granted; of engine tools those that its own permissions run without
 *    asking (mode allow, or a rule that names the tool or exactly this use of it, or for a shell a pattern that
 *    fits the whole command) — wherever it would run them: directories are not compared;
 *  - an outside client: every `aether_*` tool, and no tool of an engine;
 *  - the operator, and the host in its own name: anything.
 * Tools that only look at paths inside the workspace, after links are resolved, ask no question, and neither do those with which an agent reads its own
 * mail and turns to the operator. The receiver's own rules hold as well, always.
 */
import { resolve } from 'node:path';
import type { CallFacts } from '../../../runtimes/runtime.ts';
import type { Agents } from '../../agents/agents.ts';
import type { Caller, Principal } from '../../api.ts';
import { liesBeneath } from '../../beneath.ts';
import { canonicalJson } from '../../config/hash.ts';
import type { AgentConfig } from '../../config/types.ts';
import { AetherError } from '../../errors.ts';
import { isOperator } from '../../principals.ts';
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
 * agent started did not, and no person can be asked here.
 * @throws AetherError `tool.authority`
 */
export function requireAuthority({ agents, runs, gates }: Asked, caller: Caller, tool: string): void {
  const run = caller.run === null ? null : runs.byId(caller.run);
  if (run === null || run.record.turn.senders.length === 0) return;
  if (caller.toolUseId !== undefined && gates.of(run).hasPassed(caller.toolUseId, tool)) return;
  const facts = { aether: tool, looks: null, subject: null, shell: false };
  const authority = judge(agents, run, tool, facts);
  if (authority === null) return;
  throw new AetherError({
    code: 'tool.authority',
    who: 'agent',
    message: `${tool} was not run: ${authority.why}.`,
    next: 'Call it as a tool of your own, so that the operator can be asked, or go on without it. The operator can end this with `aether widen`.',
  });
}

/** The first sender that this conversation follows and that could not make this call itself. */
export function judge(
  agents: Pick<Agents, 'find'>,
  run: Run,
  tool: string,
  facts: CallFacts,
  cwd?: string,
): Beyond | null {
  if (run.record.turn.senders.length === 0 || isFree(agents, run, facts, cwd)) return null;
  for (const sender of run.record.turn.senders) {
    const why = whyBeyond(agents, sender, tool, facts);
    if (why !== null) return { sender, why: `this conversation follows ${sender}, ${why}` };
  }
  return null;
}

/** Runs without a question, also for a narrowed agent. */
function isFree(agents: Pick<Agents, 'find'>, run: Run, facts: CallFacts, cwd: string | undefined): boolean {
  if (facts.aether !== null) return OWN.has(facts.aether);
  if (facts.looks === null) return false;
  const workspace = agents.find(run.record.agent)?.config.workspace;
  return (
    workspace !== undefined &&
    facts.looks.every((path) => liesBeneath(workspace, resolve(workspace, cwd ?? '.', path)))
  );
}

/**
 * Following this sender takes nothing from the agent: every call that the agent makes without a question the sender could
 * make itself, by the configuration as it is now. Where that is not certain, no.
 */
export function mayAsMuch(agents: Pick<Agents, 'find'>, agent: AgentConfig, sender: Principal): boolean {
  if (sender === 'host' || isOperator(sender) || sender === `agent:${agent.name}`) return true;
  const other = sender.startsWith('agent:') ? agents.find(sender.slice('agent:'.length))?.config : undefined;
  if (other === undefined) return false;
  const { mode, allow } = agent.permissions;
  const { permissions } = other;
  const sameRules =
    (agent.trust !== true && !agent.inherit.settings) ||
    canonicalJson(rulesFrom(agent)) === canonicalJson(rulesFrom(other));
  return (
    sameRules &&
    (other.tools === null || (agent.tools?.every((tool) => other.tools!.includes(tool)) ?? false)) &&
    permissions.deny.every((rule) => agent.permissions.deny.includes(rule)) &&
    (permissions.mode === 'allow' ||
      (mode !== 'allow' && allow.every((rule) => permissions.allow.includes(rule))))
  );
}

/** From where an engine takes rules besides those of its agent. */
const rulesFrom = ({ inherit, trust, workspace }: AgentConfig) => ({
  settings: inherit.settings,
  trusted: trust ? workspace : null,
});

function whyBeyond(
  agents: Pick<Agents, 'find'>,
  sender: Principal,
  tool: string,
  facts: CallFacts,
): string | null {
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

/**
 * A message never raises what its receiver may do, however many hands it went through. In a turn that goes by
 * somebody's words — a wake-up or an injection in their name, or mail of theirs that was read — a call that they
 * could not make themselves waits for the operator, although the receiver's own rules would let it run.
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
import type { CallFacts, PermissionSpec } from '../../runtimes/runtime.ts';
import type { Caller, MessageView, Principal } from '../api.ts';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { isOperator } from '../principals.ts';
import { engineHasFloor } from '../runs/floor.ts';
import type { Run } from '../runs/run.ts';
import type { GateCall } from '../store/run-parts.ts';
import { goByWordsOf } from './turn/turn.ts';
import type { Wiring } from './wiring.ts';

/** They do nothing for whoever sent the message. */
const OWN = new Set(['aether_mail_inbox', 'aether_mail_ack', 'aether_ask_operator', 'aether_report']);

export interface Beyond {
  sender: Principal;
  why: string;
}

/** The present turn of this run goes by these words too. Only where a turn is known, and while no human holds it. */
export function goesBy(wiring: Wiring, run: Run, sender: Principal, by: 'message' | 'mail'): void {
  const { floor, turn, agent } = run.record;
  if (isOperator(sender) || sender === 'host' || sender === `agent:${agent}`) return;
  if (run.runtime.capabilities.gate === undefined || !engineHasFloor(floor)) return;
  if (!goByWordsOf(turn, sender)) return;
  wiring.events.append({
    topic: 'authority.narrowed',
    agent,
    run: run.id,
    principal: 'host',
    grade: 'enforced',
    data: { sender, by },
  });
}

/**
 * An agent has read these in its inbox.
 * @param wordsOf by whose words each was sent: what is passed on goes by the words of all who passed it
 */
export function goesByMail(
  wiring: Wiring,
  caller: Caller,
  messages: MessageView[],
  wordsOf: (message: MessageView) => Principal[],
): void {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  if (run === null || run.ended || messages.length === 0) return;
  run.save(() => {
    for (const message of messages)
      for (const sender of wordsOf(message)) goesBy(wiring, run, sender, 'mail');
  });
}

/** By whose words a caller goes now: none but their own, unless it is an agent in a turn that was led to. */
export function sendersOf(wiring: Wiring, caller: Caller): Principal[] {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  return run?.record.turn.senders ?? [];
}

/** For a call at the gate: what becomes of it when one of those the turn goes by could not make it. */
export function beyondAuthority(
  wiring: Wiring,
  run: Run,
  call: { requestId: string; tool: string; input: unknown; toolUseId: string },
): Partial<Pick<GateCall, 'verdict' | 'approval' | 'message'>> {
  const facts = run.runtime.callFacts?.(call.tool, call.input);
  const authority = facts === undefined ? null : judge(wiring, run, call.tool, facts);
  if (authority === null) return {};
  const { agent } = run.record;
  if (wiring.approvals.countOpen(agent) >= limits.approvals_open_per_agent_max) {
    const message = `Not run: ${authority.why}, and too many questions already wait for the operator.`;
    return { verdict: 'deny', message };
  }
  const { approval } = wiring.approvals.open({
    kind: 'permission',
    agent,
    run: run.id,
    request: `${run.id}:${call.requestId}`,
    title: call.tool,
    detail: { ...call, gate: true, authority },
    otherwise: 'The tool does not run; the agent waits until somebody answers.',
  });
  return { verdict: 'ask', approval: approval.id };
}

/**
 * For a call that has reached the host as an MCP request: an engine asked for it at the gate; a program that the
 * agent started did not, and nobody can be asked here.
 * @throws AetherError `tool.authority`
 */
export function requireAuthority(
  wiring: Wiring,
  caller: Caller,
  tool: string,
  passed: (run: Run, toolUseId: string, tool: string) => boolean,
): void {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  if (run === null || run.record.turn.senders.length === 0) return;
  if (caller.toolUseId !== undefined && passed(run, caller.toolUseId, tool)) return;
  const facts = { aether: tool, looks: false, subject: null, shell: false };
  const authority = judge(wiring, run, tool, facts);
  if (authority === null) return;
  throw new AetherError({
    code: 'tool.authority',
    who: 'agent',
    message: `${tool} was not run: ${authority.why}.`,
    next: 'Call it as a tool of your own, so that the operator can be asked, or go on without it.',
  });
}

function judge(wiring: Wiring, run: Run, tool: string, facts: CallFacts): Beyond | null {
  for (const sender of run.record.turn.senders) {
    const why = whyBeyond(wiring, sender, tool, facts);
    if (why !== null) return { sender, why: `this turn goes by the words of ${sender}, ${why}` };
  }
  return null;
}

function whyBeyond(wiring: Wiring, sender: Principal, tool: string, facts: CallFacts): string | null {
  if (facts.looks || (facts.aether !== null && OWN.has(facts.aether))) return null;
  const name = sender.startsWith('agent:') ? sender.slice('agent:'.length) : null;
  if (name === null) return facts.aether === null ? `an outside client, which has no ${tool}` : null;
  const config = wiring.agents.find(name)?.config;
  if (config === undefined) return 'an agent that is no longer in the configuration';
  if (facts.aether !== null)
    return config.tools === null || config.tools.includes(facts.aether)
      ? null
      : `who is not granted ${facts.aether}`;
  return permits(config.permissions, tool, facts)
    ? null
    : `whose own permissions do not run ${tool} without asking`;
}

/** Stricter than any engine: a rule that might not mean this call does not count for it, and does against it. */
export function permits(
  spec: PermissionSpec,
  tool: string,
  { subject, shell }: Pick<CallFacts, 'subject' | 'shell'>,
): boolean {
  const denied = rulesFor(spec.deny, tool);
  if (denied.some((pattern) => pattern === null || subject === null || couldMean(pattern, subject)))
    return false;
  if (spec.mode === 'allow') return true;
  return rulesFor(spec.allow, tool).some((pattern) => {
    if (pattern === null || pattern === '*') return true;
    if (subject === null || pattern === subject) return subject !== null;
    // What * means in a path differs from engine to engine.
    return shell && isOneCommand(subject) && fits(pattern, subject);
  });
}

/** With any of these a command line is more than the one command that a pattern names. */
const isOneCommand = (command: string): boolean => !/[;&|<>`\n\r]|\$\(|\$\{/.test(command);

/** A denied command is denied anywhere in a line. */
function couldMean(pattern: string, command: string): boolean {
  return [command, ...command.split(/[;&|\n\r`()]+/)].some((part) => fits(pattern, part.trim()));
}

/** Engines have their own names for the same thing; a rule of one sender's engine is read for another's. */
const SAME: Record<string, string> = { run_command: 'Bash', write_file: 'Write', read_file: 'Read' };
const canonical = (tool: string): string => (Object.hasOwn(SAME, tool) ? SAME[tool]! : tool);

/** The patterns of the rules that name this tool; null for one that names it whole. */
function rulesFor(rules: string[], tool: string): (string | null)[] {
  return rules.flatMap((rule) => {
    const match = /^([^()]+)\(([\s\S]*)\)$/.exec(rule.trim());
    return canonical(match?.[1] ?? rule.trim()) === canonical(tool) ? [match?.[2] ?? null] : [];
  });
}

/** `git *` also fits a bare `git`; `git:*` is another way to write it. */
function fits(pattern: string, text: string): boolean {
  const spaced = pattern.endsWith(':*') ? `${pattern.slice(0, -2)} *` : pattern;
  if (spaced.endsWith(' *') && spaced.slice(0, -2) === text) return true;
  const escaped = spaced.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('[\\s\\S]*')}$`).test(text);
}

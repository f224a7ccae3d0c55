/**
 * An agent as clients see it: its desired state, its observed state, the evidence, and the verbs that are legal now.
 */
import type { Capabilities } from '../../runtimes/runtime.ts';
import type { AgentView, Evidence, LeaseView, SubagentView } from '../api.ts';
import type { RestartConfig } from '../config/types.ts';
import { duration } from '../events/duration.ts';
import type { EndedSeries } from '../events/topics.ts';
import { onFloor, terminalOf } from '../runs/floor.ts';
import { type Gap, graded } from '../runs/gaps.ts';
import { pauseEvidence } from '../runs/tree.ts';
import type { AgentRecord } from '../store/agents.ts';
import type { GateCall } from '../store/run-parts.ts';
import type { RunRecord } from '../store/runs.ts';
import type { VerbFacts } from '../verbs/verb.ts';

export interface ViewParts {
  agent: AgentRecord;
  run: RunRecord | null;
  lease: LeaseView | null;
  capabilities: Capabilities | null;
  /** Its runtime knows the keys that cancel what it does. */
  interruptKeys: boolean;
  totals: { input: number; output: number; cost_usd: number | null; runs: number };
  openApprovals: number;
  unreadMail: number;
  pending: string | null;
  /** The next automatic start. `after`: the end that it follows. */
  restartDue: { at_ms: number; after: EndedSeries | null } | null;
  /** Since when its start waits for those of others; null: it does not. */
  waits_since_ms: number | null;
  restarts: number;
  stuck: AgentView['stuck'];
  gaps: readonly Gap[];
  /** The table of legal verbs. */
  legal(facts: VerbFacts): AgentView['verbs'];
  now: number;
}

export function agentView(parts: ViewParts): AgentView {
  const { agent, run, lease } = parts;
  const live = run !== null && run.exited_ms === null ? run : null;
  const state = stateOf(agent, run);
  const request = requestOf(parts, live !== null);
  const terminal = terminalView(live, run);
  const gated = parts.capabilities?.gate !== undefined;
  const structured = parts.capabilities?.engine === 'structured';
  return {
    name: agent.name,
    runtime: agent.config.runtime,
    state,
    ...activityOf(live, parts.gaps),
    requested: request?.what ?? null,
    requestedEvidence: requestEvidence(request),
    run: run?.id ?? null,
    pid: live && (onFloor(live.floor)?.pid ?? null),
    since_ms: run?.state_ms ?? agent.updated_ms,
    evidence: graded(evidenceOf(agent, run), parts.gaps),
    gaps: parts.gaps.map(({ why }) => why),
    wanted: agent.wanted,
    last: run?.last ?? null,
    goal: agent.config.goal,
    model: agent.config.model,
    workspace: agent.config.workspace,
    sandbox: run?.sandbox.name ?? 'none',
    sandboxWhy: run?.sandbox.why ?? null,
    can: {
      hold: gated,
      receipts: parts.capabilities?.receipts ?? 'delivered',
      turns: structured,
      takeover: parts.capabilities?.takeover ?? 'direct',
    },
    network: run?.sandbox.network ?? null,
    ports: live?.sandbox.ports ?? [],
    containment: live?.tree.containment?.means ?? null,
    cost_usd: parts.totals.cost_usd,
    tokens: { input: parts.totals.input, output: parts.totals.output },
    lease,
    hold: agent.hold && { by: agent.hold.by, since_ms: agent.hold.since_ms, held_ms: agent.hold.held_ms },
    stuck: parts.stuck,
    narrowedBy: live?.turn.senders ?? [],
    subagents: live === null ? [] : subagentsOf(live),
    openApprovals: parts.openApprovals,
    unreadMail: parts.unreadMail,
    restarts: parts.restarts,
    exit: exitOf(run),
    problem: agent.problem,
    pending: parts.pending,
    verbs: parts.legal({
      name: agent.name,
      state,
      lease,
      structured,
      interruptKeys: parts.interruptKeys,
      gated,
      hasTerminal: terminal.available,
      waitsToStart: parts.waits_since_ms !== null,
      paused: live !== null && live.tree.pause !== null,
      pausable: live !== null && live.tree.containment !== null,
      hold: agent.hold !== null,
      narrowed: live !== null && live.turn.senders.length > 0,
    }),
    terminal,
  };
}

function activityOf(
  live: RunRecord | null,
  gaps: readonly Gap[],
): Pick<AgentView, 'activity' | 'activityEvidence'> {
  if (live === null) return { activity: null, activityEvidence: null };
  const { pause } = live.tree;
  if (pause !== null) return { activity: 'paused', activityEvidence: graded(pauseEvidence(pause), gaps) };
  const { activity, activityEvidence } = live;
  return { activity, activityEvidence: activityEvidence && graded(activityEvidence, gaps) };
}

/** What each does follows from its calls at the gate. */
function subagentsOf({ turn, gate }: RunRecord): SubagentView[] {
  return (turn.subagents ?? []).map(({ id, label, since_ms, task = null, tokens = null }) => {
    const runs = gate.running.filter((call) => call.subagent === id);
    const isOfIt = (call: GateCall) =>
      call.subagent === id || runs.some(({ toolUseId }) => toolUseId === call.toolUseId);
    const asks = gate.waiting.find((call) => call.verdict === 'ask' && isOfIt(call));
    const tool = asks?.tool ?? runs.at(-1)?.tool ?? null;
    const activity = asks !== undefined ? 'waiting-for-operator' : tool === null ? 'thinking' : 'tool';
    return { id, label, task, activity, tool, tokens, since_ms };
  });
}

/** The terminal that is shown; without one, the size that the last one had. */
function terminalView(live: RunRecord | null, run: RunRecord | null): AgentView['terminal'] {
  const shown = live && terminalOf(live.floor);
  const { cols, rows } = (shown ?? (run && onFloor(run.floor)))?.size ?? { cols: 80, rows: 24 };
  const kind = !shown || shown.pid === null ? 'none' : shown.role === 'terminal' ? 'takeover' : 'engine';
  return { available: kind !== 'none', cols, rows, kind };
}

function exitOf(run: RunRecord | null): AgentView['exit'] {
  if (run === null || run.exit === null || run.exited_ms === null) return null;
  const { code, signal, cause } = run.exit;
  return { code, signal, cause, at_ms: run.exited_ms };
}

function stateOf(agent: AgentRecord, run: RunRecord | null): AgentView['state'] {
  if (run !== null && run.exited_ms === null) return run.state;
  if (agent.problem !== null) return 'failed';
  if (run === null || agent.wanted === 'stopped' || run.exit?.cause === 'stopped') return 'stopped';
  return run.state;
}

interface Request {
  what: string;
  /** Said instead of who asked for it. */
  why?: string | null;
  by: string;
  at_ms: number;
}

/** What was requested last and is not in effect yet. */
function requestOf(parts: ViewParts, live: boolean): Request | null {
  const { lease, run, agent, restartDue, waits_since_ms, now } = parts;
  if (lease?.phase === 'pending') {
    const what = lease.waitingFor === null ? 'takeover' : `takeover after: ${lease.waitingFor}`;
    return { what, by: lease.holder, at_ms: lease.since_ms };
  }
  if (lease?.phase === 'returning') return { what: 'hand back', by: lease.holder, at_ms: lease.since_ms };
  if (live && run?.requested) {
    const { by, at_ms } = run.asked ?? { by: lease?.holder ?? 'host', at_ms: run.state_ms };
    return { what: run.requested, by, at_ms };
  }
  if (agent.hold !== null && live && run?.activity !== 'held')
    return { what: 'hold', by: agent.hold.by, at_ms: agent.hold.since_ms };
  if (waits_since_ms !== null)
    return { what: 'start', why: 'other agents are starting', by: 'host', at_ms: waits_since_ms };
  if (restartDue === null) return null;
  const wait_s = Math.max(0, Math.ceil((restartDue.at_ms - now) / 1000));
  const what = `restart in ${wait_s} s`;
  const why = becauseOf(restartDue.after, agent.config.restart);
  return { what, why, by: 'host', at_ms: run?.exited_ms ?? now };
}

/** What its next start follows from. */
function becauseOf(after: EndedSeries | null, { attempts_max }: RestartConfig): string | null {
  if (after === null) return null;
  const lived = `after ${duration(after.lived_ms)}`;
  const row = (times: number) => (times > 1 ? `, ${times} times in a row` : '');
  if (!after.failed) return `it ended with exit 0 ${lived}, which is no failure${row(after.short)}`;
  const given = after.failures > 1 ? `; it is given up when it fails more than ${attempts_max} times` : '';
  return `it failed ${lived}${row(after.failures)}${given}`;
}

function requestEvidence(request: Request | null): Evidence | null {
  if (request === null) return null;
  const { what, why, by, at_ms } = request;
  const source = by === 'host' ? 'host' : 'operator';
  return { source, grade: 'enforced', what: why ?? `requested by ${by}: ${what}`, at_ms };
}

function evidenceOf(agent: AgentRecord, run: RunRecord | null): Evidence {
  if (run !== null && (run.exited_ms === null || agent.problem === null)) return run.stateEvidence;
  if (agent.problem !== null) {
    return { source: 'host', grade: 'observed', what: agent.problem.message, at_ms: agent.updated_ms };
  }
  return { source: 'host', grade: 'enforced', what: 'it has not been started', at_ms: agent.updated_ms };
}

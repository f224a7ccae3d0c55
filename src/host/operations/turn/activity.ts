/**
 * The activity of an agent as it is shown: what its engine reports, unless it waits at the gate. Both are kept, so that
 * what the engine reported before a hold is shown again after it.
 */
import type { Activity } from '../../../runtimes/runtime.ts';
import type { ApprovalView, Caller, Evidence } from '../../api.ts';
import { messageOf } from '../../errors.ts';
import { engineHasFloor } from '../../runs/floor.ts';
import { graded } from '../../runs/gaps.ts';
import type { Run } from '../../runs/run.ts';
import { standsFree, standsHeld } from '../../runs/tree.ts';
import type { Wiring } from '../wiring.ts';
import { says } from './turn.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'clock' | 'log' | 'events' | 'agents' | 'runs' | 'approvals' | 'gates' | 'closing'>;

/** The engine's own word. Inside the transaction that saves the journal offset. */
export function engineSays(
  wiring: Needs,
  run: Run,
  said: { activity: Activity; what: string; at_ms: number },
  tool?: string,
): void {
  says(run.record.turn, said);
  showActivity(wiring, run, said.at_ms, tool);
}

/** What the engine is at by its own word, held or not. */
export function engineActivity(run: Run): Activity | null {
  return run.record.turn.says?.activity ?? run.record.activity;
}

/** Call when anything of it may have changed. The caller saves the record. */
export function showActivity(wiring: Needs, run: Run, at_ms: number, tool?: string): void {
  const { record } = run;
  if (record.exited_ms !== null) return;
  const standing = standstill(wiring, run);
  const asked = record.gate.waiting.find((call) => call.verdict === 'ask');
  const said = record.turn.says;
  if (standing === null) standsFree(record.tree, at_ms);
  else standsHeld(record.tree, at_ms);
  if (standing !== null) {
    show(wiring, run, 'held', { source: 'gate', at_ms, ...standing });
    noteStanding(wiring, run, at_ms);
  } else if (asked !== undefined) {
    const what = `asks to use ${asked.tool}`;
    show(wiring, run, 'waiting-for-operator', { source: 'gate', grade: 'enforced', what, at_ms }, asked.tool);
  } else if (said !== null) {
    const question = awaitedQuestion(wiring, run);
    if (question !== null) {
      // As old as the question: an engine calls again when its call has waited for long.
      const what = `waits for an answer to: ${question.title}`;
      show(wiring, run, 'waiting-for-operator', {
        source: 'host',
        grade: 'observed',
        what,
        at_ms: question.opened_ms,
      });
      return;
    }
    const { activity, ...evidence } = said;
    show(wiring, run, activity, { source: 'engine', grade: 'observed', ...evidence }, tool);
  }
}

/** A question to the operator is a tool that runs as well: it has its answer, or gives up, in its own time. */
export function inTool(wiring: Needs, run: Run): boolean {
  return run.record.activity === 'tool' || awaitedQuestion(wiring, run) !== null;
}

/** The oldest question to the operator for whose answer a call of this run waits right now. */
export function awaitedQuestion({ approvals }: Needs, run: Run): ApprovalView | null {
  const open = approvals.openOfRun(run.id);
  return open.find(({ id, kind }) => kind === 'question' && approvals.awaited(id)) ?? null;
}

function show(wiring: Needs, run: Run, activity: Activity, known: Evidence, tool?: string): void {
  const { record } = run;
  const evidence = graded(known, wiring.runs.gaps(record.agent));
  const changed = record.activity !== activity;
  record.activity = activity;
  // The age of a standstill counts from its beginning.
  if (changed || activity !== 'held') record.activityEvidence = evidence;
  if (!changed) return;
  wiring.events.append({
    topic: 'activity.changed',
    agent: record.agent,
    run: record.id,
    principal: `agent:${record.agent}`,
    grade: evidence.grade,
    data: { activity, evidence: evidence.what, ...(tool === undefined ? {} : { tool }) },
  });
}

/**
 * Whether a held agent stands still now, and how that is known; null while it is on its way there. Nothing of it
 * runs that would have to pass the gate: background processes that a tool left behind are not stopped by a hold.
 */
function standstill(wiring: Needs, run: Run): Pick<Evidence, 'grade' | 'what'> | null {
  const { floor, turn, gate, agent } = run.record;
  if (!wiring.agents.find(agent)?.hold || !engineHasFloor(floor)) return null;
  const asking = new Set<unknown>(
    wiring.approvals.openOfRun(run.id).flatMap(({ detail }) => (detail.toolUseId ? [detail.toolUseId] : [])),
  );
  for (const { detail } of wiring.approvals.undelivered(run.id)) asking.add(detail.toolUseId);
  if (gate.running.some((call) => !asking.has(call.toolUseId))) return null;
  const { waiting } = gate;
  // Passed a moment ago: the answer may be with the engine before the shim says so.
  if (waiting.some((call) => wiring.gates.of(run).isPassing(call))) return null;
  const tools = [...new Set(waiting.map((call) => call.tool))].join(', ');
  const what =
    waiting.length > 0
      ? `${tools} stand${waiting.length === 1 ? 's' : ''} at the gate and will not run before resume`
      : turn.says?.activity === 'waiting-for-operator'
        ? 'its question to the operator waits, and an answer to it will not be sent before resume'
        : turn.says?.activity === 'idle'
          ? 'no turn runs, and none will be begun before resume'
          : null;
  if (what === null) return null;
  return gate.ungated === null
    ? { grade: 'enforced', what }
    : { grade: 'observed', what: `${what}; not guaranteed: ${gate.ungated} ran without asking the gate` };
}

function noteStanding(wiring: Needs, run: Run, at_ms: number): void {
  const { agent, activityEvidence } = run.record;
  if (wiring.agents.find(agent)?.hold?.held_ms !== null) return;
  wiring.agents.change(agent, (changed) => {
    if (changed.hold !== null) changed.hold = { ...changed.hold, held_ms: at_ms };
  });
  wiring.events.append({
    topic: 'hold.held',
    agent,
    run: run.id,
    principal: 'host',
    grade: activityEvidence?.grade ?? 'observed',
    data: { evidence: activityEvidence?.what ?? '' },
  });
}

/** A call of this caller begins or ends to wait for the operator. Never fails: the answer does not hang on it. */
export function showAsking(wiring: Needs, caller: Caller): void {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  if (run === null || run.ended || run.closed || wiring.closing()) return;
  try {
    run.save(() => showActivity(wiring, run, wiring.clock.now()));
  } catch (error) {
    wiring.log.warn({ run: run.id, error: messageOf(error) }, 'it was not saved that an agent waits for you');
  }
}

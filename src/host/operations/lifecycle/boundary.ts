/**
 * Brings a running engine to a boundary, where it can be replaced, copied or stopped without harm to its conversation:
 * between two tools, and with nothing on its way to it. It knows no lease: the caller says how long to wait.
 */
import { randomUUID } from 'node:crypto';
import type { Run } from '../../runs/run.ts';
import { awaitedQuestion, engineActivity, inTool } from '../turn/activity.ts';
import type { Wiring } from '../wiring.ts';
import { untilAwake } from './pause.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'clock' | 'log' | 'events' | 'agents' | 'runs' | 'injections' | 'approvals' | 'gates' | 'closing'
>;

/** A running tool is waited for this long. */
export const BOUNDARY_MS_MAX = 10 * 60_000;
const INTERRUPT_MS = 8_000;
/** In mid-turn a message may stay in the engine's queue until the turn is over, where an interrupt leaves it. */
const QUEUED_MS = 2_000;

/** Who wants the boundary. `when` and `off` are asked again whenever the run changes or is woken. */
export interface BoundaryWish {
  /** `now`: a running tool is not waited for but interrupted. */
  when(): 'boundary' | 'now';
  /** It is not wanted any more. */
  off(): boolean;
  /** A tool runs, or a question to the operator is open: this is waited for. */
  waits(what: string): void;
  /** What is left of the turn is broken off. */
  interrupts(): void;
}

/** @returns `busy` when the same tool still runs after BOUNDARY_MS_MAX; `off` when it is not wanted any more */
export async function reachBoundary(
  wiring: Needs,
  run: Run,
  wish: BoundaryWish,
): Promise<'reached' | 'busy' | 'off'> {
  await takenUp(wiring, run, wish);
  const busy = () => run.record.activity === 'starting' || inTool(wiring, run);
  const patient = () => wish.when() === 'boundary';
  if (patient() && busy()) {
    const question = awaitedQuestion(wiring, run);
    const tool = run.record.activityEvidence?.what ?? 'the running tool';
    wish.waits(question === null ? tool : `the answer to: ${question.title}`);
    await untilAwake(wiring, run, () => !busy() || wish.off() || !patient(), BOUNDARY_MS_MAX);
    if (wish.off()) return 'off';
    if (busy() && patient()) return 'busy';
  }
  // By the engine's own word: an agent that is held may be in mid-turn or not.
  const turning = () => !['idle', 'starting'].includes(engineActivity(run) ?? 'idle');
  if (turning() && run.runtime.interrupt !== undefined) {
    wish.interrupts();
    await run.write(run.runtime.interrupt(randomUUID()));
    await untilAwake(wiring, run, () => !turning() || wish.off(), INTERRUPT_MS);
  }
  return wish.off() ? 'off' : 'reached';
}

/**
 * What an idle engine was given begins a turn as soon as it reads it, also while it is being replaced: and where
 * that turn is the first, both processes would want to begin the conversation. A message that the engine has read and
 * shown no model yet is in no conversation: an interrupt then loses it.
 */
async function takenUp(wiring: Needs, run: Run, wish: BoundaryWish): Promise<void> {
  const given = () =>
    ['idle', 'thinking'].includes(engineActivity(run) ?? 'starting') &&
    wiring.injections.unsettled(run.id).length > 0;
  const limit_ms = engineActivity(run) === 'idle' ? INTERRUPT_MS : QUEUED_MS;
  if (given()) await untilAwake(wiring, run, () => !given() || wish.off(), limit_ms);
}

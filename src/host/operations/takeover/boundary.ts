/** Where a running engine may be taken over: between two tools, and with nothing on its way to it. */
import { randomUUID } from 'node:crypto';
import { AetherError } from '../../errors.ts';
import type { Run } from '../../runs/run.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import { untilAwake } from '../lifecycle/pause.ts';
import { awaitedQuestion, engineActivity, inTool } from '../turn/activity.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'clock'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'injections'
  | 'leases'
  | 'approvals'
  | 'closing'
  | 'touched'
>;

/** A running tool is waited for this long before the takeover gives up. */
export const BOUNDARY_MS_MAX = 10 * 60_000;
const INTERRUPT_MS = 8_000;

/** The lease was released, or another holder has taken it. */
export function isGone(wiring: Needs, lease: LeaseRecord): boolean {
  return wiring.leases.find(lease.agent)?.generation !== lease.generation;
}

/** Waits until no tool runs ('boundary'), then cancels what is left of the turn. @throws AetherError `takeover.boundary`, or that the lease is gone */
export async function reachBoundary(wiring: Needs, run: Run, lease: LeaseRecord): Promise<void> {
  const gone = () => isGone(wiring, lease);
  await takenUp(wiring, run, gone);
  const busy = () => run.record.activity === 'starting' || inTool(wiring, run);
  if (lease.detail.when === 'boundary' && busy()) {
    wiring.leases.change(lease.agent, lease.generation, (record) => {
      const question = awaitedQuestion(wiring, run);
      record.detail.waitingFor =
        question === null
          ? (run.record.activityEvidence?.what ?? 'the running tool')
          : `the answer to: ${question.title}`;
    });
    wiring.touched(lease.agent);
    const wanted = () => wiring.leases.find(lease.agent)?.detail.when === 'boundary';
    await untilAwake(wiring, run, () => !busy() || gone() || !wanted(), BOUNDARY_MS_MAX);
    wiring.leases.require(lease.agent, lease.generation);
    if (busy() && wanted()) {
      throw new AetherError({
        code: 'takeover.boundary',
        who: 'user',
        message: `${lease.agent} is still in the same tool call after ${BOUNDARY_MS_MAX / 60_000} minutes.`,
        next: 'Take over "now": that interrupts the tool.',
      });
    }
  }
  // By the engine's own word: an agent that is held may be in mid-turn or not.
  const turning = () => !['idle', 'starting'].includes(engineActivity(run) ?? 'idle');
  if (turning() && run.runtime.interrupt !== undefined) {
    wiring.leases.change(lease.agent, lease.generation, (record) => {
      record.detail.interrupted = true;
      record.detail.waitingFor = 'the turn to stop';
    });
    await run.write(run.runtime.interrupt(randomUUID()));
    await untilAwake(wiring, run, () => !turning() || gone(), INTERRUPT_MS);
  }
  wiring.leases.require(lease.agent, lease.generation);
}

/**
 * What an idle engine was given begins a turn as soon as it reads it, also during the swap: and where
 * that turn is the first, both processes would want to begin the conversation.
 */
async function takenUp(wiring: Needs, run: Run, gone: () => boolean): Promise<void> {
  const given = () => engineActivity(run) === 'idle' && wiring.injections.unsettled(run.id).length > 0;
  if (given()) await untilAwake(wiring, run, () => !given() || gone(), INTERRUPT_MS);
}

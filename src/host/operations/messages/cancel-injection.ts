/**
 * Takes back an unread message: from the host's queue, or from the engine's where the engine supports that. The receipt
 * shows the outcome.
 */
import type { InjectionView } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import { engineHasFloor } from '../../runs/floor.ts';
import { cutText } from '../../text.ts';
import type { By, Wiring } from '../wiring.ts';
import { frameOf, type InjectionDelivery, settle, viewOf } from './inject.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'store' | 'clock' | 'ids' | 'log' | 'events' | 'agents' | 'runs' | 'injections' | 'leases'
>;

/** An engine answers within milliseconds, unless it is paused. */
const ANSWER_MS = 5_000;

/** @throws AetherError `inject.unknown`; `inject.settled` when it could not be taken back */
export async function cancelInjection(
  wiring: Needs,
  delivery: InjectionDelivery,
  id: string,
  by: By,
): Promise<InjectionView> {
  const asked = wiring.injections.get(id);
  if (asked === null) {
    throw new AetherError({
      code: 'inject.unknown',
      who: 'user',
      message: `There is no injection ${JSON.stringify(cutText(id, { chars_max: 80 }))}.`,
      next: 'Use the id that `aether inject` printed.',
    });
  }
  // One that is being written is in the journal, or still ours, once that is over.
  if (delivery.isOnItsWay(id)) await delivery.kick(asked.agent);
  const state = () => wiring.injections.get(id)?.state;
  if (state() === 'queued') settle(wiring, id, 'cancelled', `taken back by ${by} before it was sent`);
  else if (state() === 'delivered') await askEngine(wiring, id);
  const record = wiring.injections.get(id)!;
  if (record.state === 'cancelled') return viewOf(record);
  const why = {
    queued: 'it is about to be sent',
    delivered: 'the engine has it and did not release it',
    seen: 'the model has read it',
    acted: 'the model has read it',
    unknown: 'it is not known whether it was read',
  }[record.state];
  throw new AetherError({
    code: 'inject.settled',
    who: 'user',
    message: `The message to ${record.agent} was not taken back: ${why}.`,
    next:
      record.state === 'acted'
        ? 'Send another message that says otherwise.'
        : `Send another message that says otherwise, or interrupt the turn: aether interrupt ${record.agent}.`,
  });
}

async function askEngine(wiring: Needs, id: string): Promise<void> {
  const record = wiring.injections.get(id)!;
  const { run: runId } = record;
  const run = runId === null ? null : wiring.runs.byId(runId);
  if (run === null || !run.connected || run.runtime.cancel === undefined) return;
  if (!engineHasFloor(run.record.floor) || run.record.tree.pause !== null) return;
  await run.write(run.runtime.cancel(frameOf(record)));
  await run.until(() => wiring.injections.get(id)?.state !== 'delivered', ANSWER_MS);
}

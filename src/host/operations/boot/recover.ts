/**
 * After a host start: adopts the runs that outlived the last host, finishes what it had accepted, and continues
 * takeovers. All runs at once, and as a rule before the doors open; one that takes long (a silent shim, a large or
 * unreadable journal) continues in the background and delays no other.
 */
import { messageOf } from '../../errors.ts';
import type { Run } from '../../runs/run.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import type { RunRecord } from '../../store/runs.ts';
import { tellAnswersSoon } from '../gate/approve.ts';
import type { Launcher } from '../launch/launch.ts';
import type { Pauses } from '../lifecycle/pause.ts';
import type { InjectionDelivery } from '../messages/inject.ts';
import type { Takeover } from '../takeover/takeover.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'store'
  | 'clock'
  | 'ids'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'injections'
  | 'leases'
  | 'approvals'
  | 'gates'
  | 'deliver'
  | 'recalls'
  | 'closing'
  | 'touched'
>;

/** The start of a host waits no longer for any run. */
const ADOPT_MS = 2_000;

export async function recoverRuns(
  unfinished: RunRecord[],
  parts: {
    wiring: Needs;
    launcher: Launcher;
    takeover: Takeover;
    delivery: InjectionDelivery;
    pauses: Pauses;
  },
): Promise<void> {
  const { wiring, launcher, takeover, delivery, pauses } = parts;
  const failed = (agent: string, what: string) => (error: unknown) =>
    wiring.log.warn({ agent, error: messageOf(error) }, what);
  const settle = async (run: Run) => {
    const { agent } = run.record;
    // In the middle of a takeover the frames are for a process that may not have the floor yet.
    if (wiring.leases.find(agent) === null)
      await launcher.open(run).catch(failed(agent, 'the first messages of a run are still to be delivered'));
    pauses.forget(run);
    void pauses.tell(run);
    tellAnswersSoon(wiring, run);
    wiring.gates.of(run).adopt();
    wiring.recalls.pass(run);
    void delivery.kick(agent);
  };
  const goOn = (run: Run, lease: LeaseRecord) => {
    takeover.continue(run, lease).catch(failed(run.record.agent, 'a takeover could not be continued'));
  };
  const recover = async (record: RunRecord) => {
    const run = await launcher.adopt(record);
    if (run === null || run.ended) return;
    await settle(run);
    const lease = wiring.leases.find(run.record.agent);
    if (lease !== null && run.connected) goOn(run, lease);
  };
  const recovered = unfinished.map((record) =>
    recover(record).catch((error: unknown) => {
      const { id, agent } = record;
      wiring.log.error({ run: id, agent, error: messageOf(error) }, 'a run was not adopted');
    }),
  );
  const { promise: late, resolve: enough } = Promise.withResolvers<void>();
  const cancel = wiring.clock.after(ADOPT_MS, enough);
  await Promise.race([Promise.all(recovered), late]);
  cancel();
  for (const { agent } of wiring.leases.all())
    if (wiring.runs.of(agent) === null) wiring.leases.release(agent);
}

/** Leases whose holder vanished long enough ago are handed back. */
export function returnExpired(wiring: Needs, takeover: Takeover): void {
  for (const lease of wiring.leases.sweep()) {
    const run = wiring.runs.of(lease.agent);
    if (run === null) continue;
    // No operator has decided that it should go on, so it is held. Without a gate a hold would never come true.
    const held = run.runtime.capabilities.gate !== undefined;
    const note = 'The operator vanished; the lease expired.';
    const input = { generation: lease.generation, note, held, expired: true };
    takeover.handback(lease.agent, run, input, 'host').catch((error: unknown) => {
      wiring.log.warn(
        { agent: lease.agent, error: messageOf(error) },
        'an expired lease could not be handed back',
      );
    });
  }
}

/** The wait of a takeover for the boundary. It ends with the lease, and the lease shows what it waits for. */
import type { Run } from '../../runs/run.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import { reachBoundary } from '../lifecycle/boundary.ts';
import type { Wiring } from '../wiring.ts';
import { sameCall } from './takeover-refusals.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'leases' | 'touched'> & Parameters<typeof reachBoundary>[0];

/** The lease was released, or another holder has taken it. */
export function isGone({ leases }: Pick<Wiring, 'leases'>, lease: LeaseRecord): boolean {
  return leases.find(lease.agent)?.generation !== lease.generation;
}

/** @throws AetherError `takeover.boundary`, or that the lease is gone */
export async function reachForLease(wiring: Needs, run: Run, lease: LeaseRecord): Promise<void> {
  const { agent, generation } = lease;
  const { leases } = wiring;
  const reached = await reachBoundary(wiring, run, {
    when: () => leases.find(agent)?.detail.when ?? 'now',
    off: () => isGone(wiring, lease),
    waits(what) {
      leases.change(agent, generation, ({ detail }) => {
        detail.waitingFor = what;
      });
      wiring.touched(agent);
    },
    interrupts() {
      leases.change(agent, generation, ({ detail }) => {
        detail.interrupted = true;
        detail.waitingFor = 'the turn to stop';
      });
    },
  });
  leases.require(agent, generation);
  if (reached === 'busy') throw sameCall(agent);
}

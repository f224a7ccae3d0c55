/** Stores a change of a lease together with its event, or neither. */
import type { Topics, TopicsLike } from '../../events/topics.ts';
import { OPERATOR } from '../../principals.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import type { Wiring } from '../wiring.ts';

export type LeaseTopic = TopicsLike<'lease.'>;
export type LeaseData<T extends LeaseTopic> = Omit<Topics[T], 'holder' | 'generation'>;
type Room = Pick<Wiring, 'store' | 'events' | 'leases' | 'clock'>;

/** Ends that no operator has decided. */
const BY_HOST = new Set<LeaseTopic>(['lease.failed', 'lease.ended', 'lease.expired']);

/** @param change returns the lease as it is then */
export function tellLease<T extends LeaseTopic>(
  { store, events }: Room,
  topic: T,
  data: LeaseData<T>,
  change: () => LeaseRecord,
): LeaseRecord {
  return store.transaction(() => {
    const lease = change();
    const { agent, run, holder, generation } = lease;
    events.append({
      topic,
      agent,
      run,
      principal: BY_HOST.has(topic) ? 'host' : (lease.detail.by ?? OPERATOR),
      grade: 'enforced',
      data: { holder, generation, ...data } as Topics[T],
    });
    return lease;
  });
}

export function tellReleased<T extends LeaseTopic>(
  room: Room,
  lease: LeaseRecord,
  topic: T,
  data: LeaseData<T>,
): void {
  tellLease(room, topic, data, () => {
    room.leases.release(lease.agent);
    return lease;
  });
}

export function heldFor({ clock }: Room, { since_ms }: LeaseRecord): { held_ms: number } {
  const now = clock.now();
  return { held_ms: Math.max(0, now - (since_ms ?? now)) };
}

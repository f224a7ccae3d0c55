/** Ends of a takeover other than a hand-back: the holder gives it up, the terminal ends, the run ends. */
import { messageOf } from '../../errors.ts';
import { besideOf, engineHasFloor, onFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import { leftByHand } from '../launch/run-end.ts';
import type { InjectionDelivery } from '../messages/inject.ts';
import type { TranscriptReader } from '../turn/transcript.ts';
import type { Wiring } from '../wiring.ts';
import { isGone } from './lease-boundary.ts';
import { heldFor, type LeaseData, type LeaseTopic, tellReleased } from './lease-events.ts';
import { handoverOver } from './swap.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'store' | 'events' | 'leases' | 'clock' | 'touched' | 'agents' | 'resolve' | 'log'>;

export class LeaseEnds {
  readonly #wiring: Needs;
  readonly #delivery: InjectionDelivery;
  readonly #transcript: TranscriptReader;

  constructor(parts: { wiring: Needs; delivery: InjectionDelivery; transcript: TranscriptReader }) {
    this.#wiring = parts.wiring;
    this.#delivery = parts.delivery;
    this.#transcript = parts.transcript;
  }

  /** It came to an end that is no hand-back. */
  free<T extends LeaseTopic>(run: Run, lease: LeaseRecord, topic: T, data: LeaseData<T>): void {
    if (isGone(this.#wiring, lease)) return;
    handoverOver(run);
    tellReleased(this.#wiring, lease, topic, data);
    this.#wiring.touched(lease.agent);
    run.wake();
  }

  /** @param left its holder ended the run by leaving the terminal */
  #over(run: Run, lease: LeaseRecord, left: boolean): void {
    const why = 'the run ended';
    if (left) this.free(run, lease, 'lease.returned', { left, why, ...heldFor(this.#wiring, lease) });
    else if (lease.phase === 'pending') this.free(run, lease, 'lease.failed', { why });
    else this.free(run, lease, 'lease.ended', { why, ...heldFor(this.#wiring, lease) });
  }

  /** A terminal beside the engine has ended by itself: its holder left it. */
  left(run: Run): void {
    const lease = this.#wiring.leases.find(run.record.agent);
    const { floor } = run.record;
    if (lease?.phase !== 'held' || lease.run !== run.id || run.runtime.capabilities.takeover !== 'beside')
      return;
    if (besideOf(floor, 'terminal') !== null || onFloor(floor).pid === null) return;
    this.free(run, lease, 'lease.returned', {
      left: true,
      why: 'the terminal ended',
      ...heldFor(this.#wiring, lease),
    });
    void this.#delivery.kick(lease.agent);
  }

  ended(run: Run): void {
    const lease = this.#wiring.leases.find(run.record.agent);
    if (!engineHasFloor(run.record.floor)) this.#readRest(run);
    const left = leftByHand(run.record) && run.record.exit?.signal === null;
    if (lease !== null && lease.run === run.id) this.#over(run, lease, left);
    this.#transcript.forget(run);
  }

  /** What was said in a terminal that ended by itself, up to its last word. */
  #readRest(run: Run): void {
    const { agents, resolve, log } = this.#wiring;
    try {
      this.#transcript.end(run, resolve(agents.get(run.record.agent).config));
    } catch (error) {
      log.warn({ run: run.id, error: messageOf(error) }, 'the end of the transcript could not be read');
    }
  }
}

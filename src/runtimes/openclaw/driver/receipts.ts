/**
 * How far each message of the host has come. Delivered: the gateway has stored it. Seen: a model request was made, or was
 * under way, when the conversation had it. Acted: the turn that took it up was finished.
 */
import type { ObservedEvent } from './driver-protocol.ts';

type Stage = 'waiting' | 'sent' | 'delivered' | 'taken' | 'seen';

/** More than this are never on their way at once: the oldest is forgotten. */
const ON_THE_WAY_MAX = 2_000;

export class Receipts {
  readonly #emit: (event: ObservedEvent) => void;
  readonly #stages = new Map<string, Stage>();
  /** A model request is under way. */
  #requesting = false;

  constructor(emit: (event: ObservedEvent) => void) {
    this.#emit = emit;
  }

  has(id: string): boolean {
    return this.#stages.has(id);
  }

  /** It stands in line, here. */
  waits(id: string): void {
    this.#stages.set(id, 'waiting');
    if (this.#stages.size > ON_THE_WAY_MAX) this.#stages.delete(this.#stages.keys().next().value!);
  }

  /** @returns false: it was taken back meanwhile */
  sent(id: string): boolean {
    if (this.#stages.get(id) !== 'waiting') return false;
    this.#stages.set(id, 'sent');
    return true;
  }

  delivered(id: string): void {
    const stage = this.#stages.get(id);
    if (stage !== 'sent') return;
    this.#stages.set(id, 'delivered');
    this.#tell(id, 'delivered', 'the gateway accepted it');
  }

  /** The conversation has it. */
  taken(id: string): void {
    const stage = this.#stages.get(id);
    if (stage === undefined || stage === 'taken' || stage === 'seen') return;
    this.delivered(id);
    this.#stages.set(id, 'taken');
    if (this.#requesting) this.#seen(id, 'in a model request under way');
  }

  requested(): void {
    this.#requesting = true;
    for (const [id, stage] of this.#stages) if (stage === 'taken') this.#seen(id, 'in a model request');
  }

  answered(): void {
    this.#requesting = false;
  }

  #seen(id: string, evidence: string): void {
    this.#stages.set(id, 'seen');
    this.#tell(id, 'seen', evidence);
  }

  /** @param done the turn came to its end; one that failed or was cut short leaves them seen */
  turnEnded(done: boolean): void {
    this.#requesting = false;
    for (const [id, stage] of this.#stages) {
      if (stage !== 'seen') continue;
      this.#stages.delete(id);
      if (done) this.#tell(id, 'acted', 'the turn that took it up is finished');
    }
  }

  /** Nothing of it has reached the conversation. */
  withdrawable(id: string): Stage | null {
    const stage = this.#stages.get(id);
    return stage === 'waiting' || stage === 'sent' || stage === 'delivered' ? stage : null;
  }

  cancelled(id: string, evidence: string): void {
    if (this.withdrawable(id) === null) return;
    this.#stages.delete(id);
    this.#tell(id, 'cancelled', evidence);
  }

  /** The conversation has it from before; where the host sends it again, it is not sent a second time. */
  found(id: string): void {
    this.#stages.delete(id);
    this.#tell(id, 'seen', 'the conversation has it already');
  }

  forget(id: string): void {
    this.#stages.delete(id);
  }

  #tell(injectId: string, stage: 'delivered' | 'seen' | 'acted' | 'cancelled', evidence: string): void {
    this.#emit({ kind: 'inject', injectId, stage, evidence });
  }
}

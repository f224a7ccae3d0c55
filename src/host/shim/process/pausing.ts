/**
 * Pause and resume. One at a time, and a stop waits for the one under way: a half frozen tree can neither be stopped by
 * a request nor count as paused.
 */
import type { Containment } from '../../process/containment.ts';
import { type PauseRecord, RecordType, type StopLadder, type ThawRecord } from '../shim-protocol.ts';
import type { Journal } from './journal.ts';
import { Refused } from './refused.ts';

/** A process that waits for a slow disk stops only when it has its answer. */
const FREEZE_MS = 5_000;

export class Pausing {
  readonly #containment: Containment;
  readonly #journal: Journal;
  #record: PauseRecord | null = null;
  #underWay: Promise<unknown> | null = null;
  #abort = new AbortController();

  constructor(containment: Containment, journal: Journal) {
    this.#containment = containment;
    this.#journal = journal;
  }

  /** Null unless the run is paused. */
  get record(): PauseRecord | null {
    return this.#record;
  }

  /** Paused, or on the way there or back. */
  get busy(): boolean {
    return this.#record !== null || this.#underWay !== null;
  }

  /** @throws Refused `paused` when it is, `not-still` when it could not be had; then everything goes on */
  pause(opId: string, by: string): Promise<PauseRecord> {
    return this.#alone(async () => {
      if (this.#record !== null) throw new Refused('paused', 'The run is paused already.');
      const still = await this.#containment.freeze(FREEZE_MS, this.#abort.signal);
      if (still === null) {
        const why = this.#abort.signal.aborted
          ? 'The run is ending.'
          : `Not every process froze within ${FREEZE_MS} ms, so all of them run again.`;
        throw new Refused('not-still', why);
      }
      this.#record = { opId, by, ...still };
      this.#journal.append(RecordType.paused, 0, this.#record);
      return this.#record;
    });
  }

  /** @throws Refused `not-paused` */
  thaw(opId: string, by: string, reason: ThawRecord['reason']): Promise<ThawRecord> {
    return this.#alone(async () => {
      if (this.#record === null) throw new Refused('not-paused', 'The run is not paused.');
      const record: ThawRecord = { opId, by, reason };
      // First: what it prints from now on is printed by a run that goes on.
      this.#journal.append(RecordType.thawed, 0, record);
      this.#record = null;
      await this.#containment.thaw();
      return record;
    });
  }

  /** A ladder with a polite step needs processes that run; one without kills them where they stand. */
  async beforeStop(request: { opId: string; reason: string; stop: StopLadder }): Promise<void> {
    await this.beforeEnd();
    const { close_stdin_ms, term_ms } = request.stop;
    const polite = close_stdin_ms !== undefined || term_ms > 0;
    if (this.#record !== null && polite) await this.thaw(request.opId, request.reason, 'stop');
  }

  /** Nothing is frozen any more that was not before. */
  async beforeEnd(): Promise<void> {
    this.#abort.abort();
    await this.#underWay?.catch(() => undefined);
  }

  async #alone<T>(step: () => Promise<T>): Promise<T> {
    while (this.#underWay) await this.#underWay.catch(() => undefined);
    const mine = step();
    this.#underWay = mine;
    try {
      return await mine;
    } finally {
      this.#underWay = null;
    }
  }
}

/**
 * How much of a journal is taken in one go. Lines differ in what they cost by a factor of thousands, and a program
 * chooses which it prints: so a batch is bounded by time as well as by bytes, and a costly one is followed by a pause,
 * in which the host serves its doors and the other runs.
 */
import type { Clock } from '../clock.ts';

const BYTES_MAX = 256 * 1024;
/** At least one record is taken, whatever it costs. */
const BYTES_MIN = 4 * 1024;
const BATCH_MS_MAX = 20;
/** Of what the batch took: reading goes on, but never alone. */
const PAUSE_SHARE = 0.5;
const PAUSE_MS_MAX = 250;

export class Batch {
  readonly #clock: Clock;
  #bytes_max = BYTES_MAX / 4;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get bytes_max(): number {
    return this.#bytes_max;
  }

  /** @param took_ms what the last batch cost. @returns when the next may begin */
  next(took_ms: number): Promise<void> {
    const dear = took_ms > BATCH_MS_MAX;
    this.#bytes_max = Math.min(BYTES_MAX, Math.max(BYTES_MIN, this.#bytes_max * (dear ? 0.5 : 2)));
    return new Promise((resolve) => {
      if (dear) this.#clock.after(Math.min(took_ms * PAUSE_SHARE, PAUSE_MS_MAX), resolve);
      else setImmediate(resolve);
    });
  }
}

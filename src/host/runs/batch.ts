/**
 * How much of a journal is taken in one go. Lines differ in what they cost by a factor of thousands, and a program
 * chooses which it prints: so a batch is bounded by time as well as by bytes, and a costly one is followed by a pause,
 * in which the host serves its doors and the other runs. In one turn of the event loop one batch of one run is taken,
 * however many runs print.
 */
import { type Clock, sleep } from '../clock.ts';

export const BYTES_MAX = 256 * 1024;
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
  async next(took_ms: number): Promise<void> {
    const dear = took_ms > BATCH_MS_MAX;
    this.#bytes_max = Math.min(BYTES_MAX, Math.max(BYTES_MIN, this.#bytes_max * (dear ? 0.5 : 2)));
    if (dear) await sleep(this.#clock, Math.min(took_ms * PAUSE_SHARE, PAUSE_MS_MAX));
    await inTurn();
  }
}

/** Runs that have more to read, in the order in which they take their batches. The event loop is the process's, too. */
const waiting: (() => void)[] = [];

function inTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(letOneGo);
  });
}

function letOneGo(): void {
  const next = waiting.shift();
  if (waiting.length > 0) setImmediate(letOneGo);
  next?.();
}

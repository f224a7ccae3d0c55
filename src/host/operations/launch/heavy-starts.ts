/**
 * Engines that take much of the machine start one after the other: several at once would take the memory and the
 * processors of everything else, and each would be slower than alone.
 */
import { limits } from '../../limits.ts';
import type { Run } from '../../runs/run.ts';
import { engineActivity } from '../turn/activity.ts';

export class HeavyStarts {
  #before: Promise<void> = Promise.resolve();

  /** Waits until the starts before it are over. @returns to be called with the run, or with null where there is none */
  async turn(): Promise<(run: Run | null) => void> {
    const before = this.#before;
    const over = Promise.withResolvers<void>();
    this.#before = before.then(() => over.promise);
    await before;
    return (run) => {
      if (run === null) over.resolve();
      else void started(run).then(over.resolve);
    };
  }

  /** An earlier host began it: those of this one wait for it, too. */
  adopted(run: Run): void {
    const before = this.#before;
    this.#before = started(run).then(() => before);
  }
}

/** It is up, has ended, or takes too long. */
async function started(run: Run): Promise<void> {
  const over = () => run.ended || engineActivity(run) !== 'starting';
  await run.until(over, limits.heavy_start_ms).catch(() => undefined);
}

/**
 * Engines that take much of the machine start one after the other: several at once would take the memory and the
 * processors of everything else, and each would be slower than alone.
 */
import { AetherError } from '../../errors.ts';
import { limits } from '../../limits.ts';
import type { Run } from '../../runs/run.ts';
import { engineActivity } from '../turn/activity.ts';

export class HeavyStarts {
  #before: Promise<void> = Promise.resolve();
  /** Agents whose start waits for others. */
  readonly #waiting = new Map<string, { since_ms: number; giveUp(): void }>();

  /** Stops that are under way, and whose. */
  readonly #stops = new Map<symbol, string>();

  /**
   * Waits until the starts before it are over.
   * @returns to be called with the run, or with null where there is none
   * @throws AetherError `agent.stopped-meanwhile`
   */
  async turn(agent: string, now: number): Promise<(run: Run | null) => void> {
    if ([...this.#stops.values()].includes(agent)) throw stoppedMeanwhile(agent);
    const before = this.#before;
    const over = Promise.withResolvers<void>();
    this.#before = before.then(() => over.promise);
    const givenUp = Promise.withResolvers<never>();
    this.#waiting.set(agent, {
      since_ms: now,
      giveUp: () => givenUp.reject(stoppedMeanwhile(agent)),
    });
    try {
      await Promise.race([before, givenUp.promise]);
    } catch (error) {
      over.resolve();
      throw error;
    } finally {
      this.#waiting.delete(agent);
    }
    return (run) => {
      if (run === null) over.resolve();
      else void started(run).then(over.resolve);
    };
  }

  /**
   * Its agent is to be stopped: that does not wait for the starts of others.
   * @returns to be called when it is: until then no other start of it waits either
   */
  giveUp(agent: string): () => void {
    const stop = Symbol(agent);
    this.#stops.set(stop, agent);
    this.#waiting.get(agent)?.giveUp();
    return () => void this.#stops.delete(stop);
  }

  /** Since when it waits; null: it does not. */
  waits(agent: string): number | null {
    return this.#waiting.get(agent)?.since_ms ?? null;
  }

  /** An earlier host began it: those of this one wait for it, too. */
  adopted(run: Run): void {
    const before = this.#before;
    this.#before = started(run).then(() => before);
  }
}

export function stoppedMeanwhile(agent: string): AetherError {
  return new AetherError({
    code: 'agent.stopped-meanwhile',
    who: 'user',
    message: `${agent} was stopped while it waited for other agents to start.`,
    next: `Start it again: \`aether start ${agent}\`.`,
  });
}

/** It is up, has ended, or takes too long. */
async function started(run: Run): Promise<void> {
  const over = () => run.ended || engineActivity(run) !== 'starting';
  await run.until(over, limits.heavy_start_ms).catch(() => undefined);
}

/** The automatic starts of each agent: which one is due, how its last runs ended, and how many there were. */

import type { Decision, EndedRun } from '../../agents/restart-policy.ts';
import type { Clock } from '../../clock.ts';
import type { AutomaticStart } from '../../events/topics.ts';
import { automaticStarts } from '../launch/run-end.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'clock' | 'events'>;

export interface DueRestart {
  at_ms: number;
  /** Null: it follows from what a client did. */
  automatic: AutomaticStart | null;
}

export class Restarts {
  readonly #needs: Needs & { clock: Clock };
  readonly #due = new Map<string, DueRestart & { cancel: () => void }>();
  /** Of agents that were asked about. */
  readonly #counts = new Map<string, number>();
  /** Runs in a row that ended before they were stable. Begins again with a new host: only the first waits are shorter. */
  readonly #short = new Map<string, number>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The next automatic start; null when none is planned. */
  due(agent: string): DueRestart | null {
    return this.#due.get(agent) ?? null;
  }

  /** How often it was started again without being asked for, as far back as the event log goes. */
  count(agent: string): number {
    const known = this.#counts.get(agent);
    if (known !== undefined) return known;
    const count = automaticStarts(this.#needs, agent);
    this.#counts.set(agent, count);
    return count;
  }

  /** It was started by itself; there had been `before` such starts. */
  counted(agent: string, before: number): void {
    this.#counts.set(agent, before + 1);
  }

  short(agent: string): number {
    return this.#short.get(agent) ?? 0;
  }

  setShort(agent: string, short: number): void {
    if (short === 0) this.#short.delete(agent);
    else this.#short.set(agent, short);
  }

  plan(agent: string, delay_ms: number, automatic: AutomaticStart | null, begin: () => void): void {
    this.cancel(agent);
    const { clock } = this.#needs;
    const cancel = clock.after(delay_ms, () => {
      this.#due.delete(agent);
      begin();
    });
    this.#due.set(agent, { cancel, at_ms: clock.now() + delay_ms, automatic });
  }

  cancel(agent: string): void {
    this.#due.get(agent)?.cancel();
    this.#due.delete(agent);
  }

  cancelAll(): void {
    for (const agent of [...this.#due.keys()]) this.cancel(agent);
  }
}

/** What a start is told of the end that it follows. */
export function seriesOf(
  { clean, lived_ms }: EndedRun,
  { failures, short }: Decision,
): AutomaticStart['after'] {
  return { failed: !clean, lived_ms, failures, short };
}

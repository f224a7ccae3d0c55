/** How long what ends has lasted: by what the event says itself, otherwise by the beginning that was read before it. */
import type { LooseEvent } from './read.ts';

/** The field in which an event that ends something says it. */
const SAID: Record<string, string> = {
  'hold.ended': 'held_ms',
  'run.resumed': 'paused_ms',
  'run.moves': 'after_ms',
  'lease.returned': 'held_ms',
  'lease.expired': 'held_ms',
};
/** What begins, by what ends it. */
const BEGUN: Record<string, 'run' | 'gap'> = {
  'run.exited': 'run',
  'run.lost': 'run',
  'run.starting': 'gap',
};

export class Spans {
  /** When the run that was read last began, and when the one before it ended. */
  readonly #since: { run: number | null; gap: number | null } = { run: null, gap: null };

  /** Milliseconds; null when it is not known. */
  lasted({ topic, data, at_ms }: LooseEvent): number | null {
    const said = data[SAID[topic] ?? ''];
    if (typeof said === 'number') return said;
    const span = BEGUN[topic];
    if (span === undefined) return null;
    const since = this.#since[span];
    this.#since[span] = null;
    this.#since[span === 'run' ? 'gap' : 'run'] = at_ms;
    return since === null ? null : Math.max(0, at_ms - since);
  }
}

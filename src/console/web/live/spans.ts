/**
 * How long a run lasted, and how long no run existed: computed from the start event that was read before the end event.
 */
import type { EventView } from '../../console-protocol.ts';

export class Spans {
  /** When the run that was read last began, and when the one before it ended. */
  readonly #since: { run: number | null; gap: number | null } = { run: null, gap: null };

  /** Milliseconds; null when it is not known, and for what is neither. */
  lasted({ topic, at_ms }: EventView): number | null {
    const span =
      topic === 'run.exited' || topic === 'run.lost' ? 'run' : topic === 'run.starting' ? 'gap' : null;
    if (span === null) return null;
    const since = this.#since[span];
    this.#since[span] = null;
    this.#since[span === 'run' ? 'gap' : 'run'] = at_ms;
    return since === null ? null : Math.max(0, at_ms - since);
  }
}

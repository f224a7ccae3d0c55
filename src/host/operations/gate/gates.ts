/** The gates of the runs that live, one for each. */
import type { Run } from '../../runs/run.ts';
import { Gate, type GateParts } from './gate.ts';

export class Gates {
  readonly #parts: GateParts;
  readonly #gates = new Map<string, Gate>();

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  of(run: Run): Gate {
    const known = this.#gates.get(run.id);
    if (known !== undefined) return known;
    const gate = new Gate(run, this.#parts);
    if (!run.closed) this.#gates.set(run.id, gate);
    return gate;
  }

  /** The run is over, or another host has it. */
  forget(run: Run): void {
    this.#gates.delete(run.id);
  }
}

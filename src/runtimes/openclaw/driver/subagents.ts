/**
 * Subagents: conversations that the agent has begun for a part of its work. The plugin tells when one is spawned, and when
 * the agent has its report, which may wait for a turn of the agent; in between one is at work while a turn of it runs.
 */
import { type Payload, record } from './blocks.ts';
import type { ObservedEvent } from './driver-protocol.ts';

const KNOWN_MAX = 100;

export class Subagents {
  readonly #emit: (event: ObservedEvent) => void;
  /** Spawned and not reported: what each is called, and whether it is at work. */
  readonly #known = new Map<string, { label: string; works: boolean }>();

  constructor(emit: (event: ObservedEvent) => void) {
    this.#emit = emit;
  }

  /** @returns false where it is known already, or one of too many */
  spawned(key: string, label: string): boolean {
    if (key === '' || this.#known.has(key) || this.#known.size >= KNOWN_MAX) return false;
    this.#known.set(key, { label, works: false });
    this.#works(key, true);
    return true;
  }

  /** One of the gateway's `agent` events, of any conversation but the agent's own. */
  event(key: string, { stream, data }: Payload): void {
    if (stream !== 'lifecycle') return;
    const { phase, executionSettled } = record(data);
    if (phase === 'start') this.#works(key, true);
    else if ((phase === 'end' || phase === 'error') && executionSettled === true) this.#works(key, false);
  }

  left(key: string): void {
    this.#works(key, false);
    this.#known.delete(key);
  }

  #works(key: string, works: boolean): void {
    const known = this.#known.get(key);
    if (known === undefined || known.works === works) return;
    known.works = works;
    const label = known.label === '' ? {} : { label: known.label };
    this.#emit({ kind: 'subagent', id: key, phase: works ? 'began' : 'ended', ...(works ? label : {}) });
  }
}

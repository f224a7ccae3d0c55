/**
 * Memories that have expired: found by an index before each read and write, so that none is shown as live a moment
 * later. What has expired stays so, although a clock may go back.
 */
import type { Clock } from '../clock.ts';
import type { Events } from '../events/events.ts';
import type { MemoryRows } from '../store/memory-rows.ts';
import type { Store } from '../store/store.ts';
import type { Cascade } from './cascade.ts';

/** Of one statement; more are settled in the same transaction. */
const BATCH = 1_000;
const NAMED_MAX = 50;

export class Expiry {
  readonly #store: Store;
  readonly #rows: MemoryRows;
  readonly #cascade: Cascade;
  readonly #clock: Clock;
  readonly #events: Pick<Events, 'append'>;

  constructor(parts: {
    store: Store;
    rows: MemoryRows;
    cascade: Cascade;
    clock: Clock;
    events: Pick<Events, 'append'>;
  }) {
    this.#store = parts.store;
    this.#rows = parts.rows;
    this.#cascade = parts.cascade;
    this.#clock = parts.clock;
    this.#events = parts.events;
  }

  settle(): void {
    const now = this.#clock.now();
    if (this.#rows.due(now, 1).length === 0) return;
    this.#store.transaction(() => {
      const all: string[] = [];
      for (let due = this.#rows.due(now, BATCH); due.length > 0; due = this.#rows.due(now, BATCH)) {
        for (const id of due) this.#rows.expire(id, now);
        all.push(...due);
      }
      const marked = this.#cascade.mark(all, { what: 'expired', at_ms: now });
      this.#events.append({
        topic: 'memory.expired',
        principal: 'host',
        grade: 'enforced',
        data: { memories: all.slice(0, NAMED_MAX), count: all.length, ...marked },
      });
    });
  }
}

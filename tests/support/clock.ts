/** A clock that moves when the test says so. */
import type { Clock } from '../../src/host/clock.ts';

export class VirtualClock implements Clock {
  #now = 1_700_000_000_000;
  #elapsed = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  /** Somebody sets the wall clock; no time passes. */
  jump(ms: number): void {
    this.#now += ms;
  }

  after(delay_ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + delay_ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time on, firing what becomes due in order, timers set on the way included. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#pass(Math.max(0, due.at - this.#elapsed));
      due.callback();
    }
    this.#pass(end - this.#elapsed);
  }

  #pass(ms: number): void {
    this.#elapsed += ms;
    this.#now += ms;
  }
}

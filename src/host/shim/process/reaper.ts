/**
 * Buries the orphans. As a subreaper this process inherits every descendant whose parent died; Node and
 * node-pty reap only what they started. Orphans are waited for one by one, never "any child": that would take
 * the exit status of the run's own processes from those who report it.
 */
import { reap } from '../../process/libc.ts';
import { childrenOf } from '../../process/proc.ts';
import type { ProcessExit } from '../wire.ts';
import { decodeStatus } from './child.ts';

const SWEEP_MS = 10_000;

export class Reaper {
  readonly #own = new Set<number>();
  readonly #onReaped: (pid: number, exit: ProcessExit) => void;
  #due = false;

  constructor(onReaped: (pid: number, exit: ProcessExit) => void) {
    this.#onReaped = onReaped;
  }

  /** Linux only: elsewhere nobody is adopted. */
  watch(): void {
    process.on('SIGCHLD', () => this.#soon());
    setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** Started by Node or node-pty, who reap it. */
  own(pid: number): void {
    this.#own.add(pid);
  }

  /** Reaped by its starter: its pid may come back as an orphan. */
  disown(pid: number): void {
    this.#own.delete(pid);
    this.#soon();
  }

  /** Reaps every dead orphan there is now. */
  sweep(): void {
    for (let found = true; found; ) {
      found = false;
      for (const pid of childrenOf(process.pid)) {
        if (this.#own.has(pid)) continue;
        const status = reap(pid);
        if (status === null) continue;
        found = true;
        this.#onReaped(pid, decodeStatus(status));
      }
    }
  }

  /** A thousand deaths at once are one sweep. */
  #soon(): void {
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      this.sweep();
    }, 2);
  }
}

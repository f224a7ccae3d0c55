/**
 * Buries the orphans. As a subreaper this process inherits every descendant whose parent died; Node and
 * node-pty reap only what they started. Orphans are waited for one by one, never "any child": that would take
 * the exit status of the run's own processes from those who report it.
 */
import { reap } from '../../process/libc.ts';
import { childrenOf, startTicks } from '../../process/proc.ts';
import type { AdoptedRecord, ProcessExit } from '../wire.ts';
import { decodeStatus } from './child.ts';

const SWEEP_MS = 10_000;
/** How soon an orphan is noted down where only its pid will find it again. */
const NOTE_MS = 1_000;

export class Reaper {
  readonly #own = new Set<number>();
  readonly #onReaped: (pid: number, exit: ProcessExit) => void;
  readonly #adopted = new Set<number>();
  #onAdopted: ((orphan: AdoptedRecord) => void) | null = null;
  #due = false;

  constructor(onReaped: (pid: number, exit: ProcessExit) => void) {
    this.#onReaped = onReaped;
  }

  /**
   * Linux only: elsewhere nobody is adopted.
   * @param onAdopted told once of every orphan that lives
   */
  watch(onAdopted: ((orphan: AdoptedRecord) => void) | null): void {
    this.#onAdopted = onAdopted;
    process.on('SIGCHLD', () => this.#soon());
    setInterval(() => this.sweep(), onAdopted ? NOTE_MS : SWEEP_MS).unref();
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
        if (status === null) {
          this.#note(pid);
          continue;
        }
        found = true;
        this.#adopted.delete(pid);
        this.#onReaped(pid, decodeStatus(status));
      }
    }
  }

  #note(pid: number): void {
    if (this.#onAdopted === null || this.#adopted.has(pid)) return;
    const start_ticks = startTicks(pid);
    if (start_ticks === 0) return;
    this.#adopted.add(pid);
    this.#onAdopted({ pid, start_ticks });
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

/**
 * Reaps orphans. As a subreaper this process inherits every descendant whose parent died; Node and node-pty reap only
 * what they started. Orphans are waited for one by one, never "any child": that would take the exit status of the run's
 * own processes from those who report it.
 */
import { reap } from '../../process/libc.ts';
import { startTicks } from '../../process/proc.ts';
import { adopted } from '../../process/tree.ts';
import type { AdoptedRecord, ProcessExit } from '../shim-protocol.ts';
import { decodeStatus } from './child.ts';

/**
 * How soon an orphan is noted down that only its pid will find again. No signal tells of one that lives: it is looked
 * for, the more seldom where only who leaves its group is one. A hundred idle shims shall not be felt.
 */
const NOTE_MS = { eager: 250, otherwise: 1_000 };

interface Adoption {
  /** To be asked at every death too, when another orphan may just have come: it costs nothing. */
  eager: boolean;
  /** Those of them whom no group holds. */
  outside(pids: number[]): number[];
  /** Told once of every such orphan that lives. */
  noted(orphan: AdoptedRecord): void;
}

export class Reaper {
  readonly #own = new Set<number>();
  readonly #onReaped: (pid: number, exit: ProcessExit) => void;
  readonly #adopted = new Set<number>();
  #adoption: Adoption | null = null;
  #due = false;

  constructor(onReaped: (pid: number, exit: ProcessExit) => void) {
    this.#onReaped = onReaped;
  }

  /** Linux only: elsewhere no process is adopted. */
  watch(adoption: Adoption): void {
    this.#adoption = adoption;
    process.on('SIGCHLD', () => this.#soon());
    const every_ms = adoption.eager ? NOTE_MS.eager : NOTE_MS.otherwise;
    setInterval(() => this.#note(this.sweep()), every_ms).unref();
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

  /** Reaps every dead orphan there is now. @returns those that live */
  sweep(): number[] {
    let living: number[] = [];
    for (let found = true; found; ) {
      found = false;
      living = [];
      for (const pid of adopted()) {
        if (this.#own.has(pid)) continue;
        const status = reap(pid);
        if (status === null) {
          living.push(pid);
          continue;
        }
        found = true;
        this.#adopted.delete(pid);
        this.#onReaped(pid, decodeStatus(status));
      }
    }
    return living;
  }

  #note(living: number[]): void {
    const strange = living.filter((pid) => !this.#adopted.has(pid));
    if (this.#adoption === null || strange.length === 0) return;
    for (const pid of this.#adoption.outside(strange)) {
      const start_ticks = startTicks(pid);
      if (start_ticks === 0) continue;
      this.#adopted.add(pid);
      this.#adoption.noted({ pid, start_ticks });
    }
  }

  /** A thousand deaths at once are one sweep. */
  #soon(): void {
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      const living = this.sweep();
      if (this.#adoption?.eager) this.#note(living);
    }, 2);
  }
}

/**
 * What a door does with connections that it does not serve, so that a peer in a loop costs little: the first few
 * are answered at once, further ones are kept waiting for their answer (which slows a loop that reads it), and
 * above a bound they are closed unanswered. The refusals of one cause are reported once when they begin and once,
 * with their number, when they have stopped.
 */
import type { Clock } from '../clock.ts';

/** Answered at once before a cause counts as a flood. */
export const REFUSALS_ANSWERED_MAX = 8;
/** Refused connections of one door that are open at a time. */
export const REFUSED_OPEN_MAX = 32;
/** Of those, the ones that wait for their answer: the rest is for peers that are refused for the first time. */
const HELD_MAX = 16;
export const REFUSAL_DELAY_MS = 1_000;
/** A cause that is not seen for so long has stopped. */
export const FLOOD_OVER_MS = 10_000;
/** A flood that goes on is reported again this often. */
export const FLOOD_REPORT_MS = 60_000;
/** Causes that are told apart at a time; further ones share one entry. */
const CAUSES_MAX = 64;
const OTHERS = 'other peers are refused, too';

export interface RefusalReport {
  /** Which door. */
  door: string;
  why: string;
  /** A process that was refused for this; null where it is not known. */
  pid: number | null;
  /** Connections that were refused since the last report of this cause. */
  refused: number;
  /**
   * First: it was refused just now. Flood: it goes on. Over: it has stopped. Replaced: nothing was refused, another
   * process had put itself in the place of the door so many times.
   */
  phase: 'first' | 'flood' | 'over' | 'replaced';
}

export type Treatment = 'answer' | 'delay' | 'drop';

interface Cause {
  pid: number | null;
  /** Since it was first seen. */
  seen: number;
  /** Since the last report. */
  unreported: number;
  flood: boolean;
  last_ms: number;
  reported_ms: number;
}

export class Refusals {
  readonly #door: string;
  readonly #clock: Clock;
  readonly #report: (report: RefusalReport) => void;
  readonly #causes = new Map<string, Cause>();
  #open = 0;
  #held = 0;
  #cancel: (() => void) | null = null;

  constructor(door: string, clock: Clock, report: (report: RefusalReport) => void) {
    this.#door = door;
    this.#clock = clock;
    this.#report = report;
  }

  /** Notes one refused connection. Unless it is dropped, `done` must follow once it is closed. */
  note(why: string, pid: number | null): Treatment {
    const cause = this.#seen(why, pid);
    if (this.#open >= REFUSED_OPEN_MAX) return 'drop';
    const delay = cause.seen > REFUSALS_ANSWERED_MAX;
    if (delay && this.#held >= HELD_MAX) return 'drop';
    this.#open += 1;
    if (delay) this.#held += 1;
    return delay ? 'delay' : 'answer';
  }

  done(treatment: Treatment): void {
    if (treatment === 'drop') return;
    this.#open -= 1;
    if (treatment === 'delay') this.#held -= 1;
  }

  /** Reports what is not reported yet. */
  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    for (const [why, cause] of this.#causes) this.#tell(why, cause, 'over');
    this.#causes.clear();
  }

  #seen(why: string, pid: number | null): Cause {
    const now = this.#clock.elapsed();
    const key = this.#causes.has(why) || this.#causes.size < CAUSES_MAX ? why : OTHERS;
    let cause = this.#causes.get(key);
    if (cause === undefined) {
      cause = { pid, seen: 0, unreported: 0, flood: false, last_ms: now, reported_ms: now };
      this.#causes.set(key, cause);
    }
    cause.seen += 1;
    cause.unreported += 1;
    cause.last_ms = now;
    if (cause.seen === 1) this.#tell(key, cause, 'first');
    else if (cause.seen === REFUSALS_ANSWERED_MAX + 1) {
      cause.flood = true;
      this.#tell(key, cause, 'flood');
    } else if (cause.flood && now - cause.reported_ms >= FLOOD_REPORT_MS) this.#tell(key, cause, 'flood');
    this.#cancel ??= this.#clock.after(FLOOD_OVER_MS, () => this.#sweep());
    return cause;
  }

  #tell(why: string, cause: Cause, phase: RefusalReport['phase']): void {
    if (cause.unreported === 0) return;
    this.#report({ door: this.#door, why, pid: cause.pid, refused: cause.unreported, phase });
    cause.unreported = 0;
    cause.reported_ms = this.#clock.elapsed();
  }

  #sweep(): void {
    this.#cancel = null;
    const now = this.#clock.elapsed();
    for (const [why, cause] of this.#causes) {
      if (now - cause.last_ms < FLOOD_OVER_MS) continue;
      this.#tell(why, cause, 'over');
      this.#causes.delete(why);
    }
    if (this.#causes.size > 0) this.#cancel = this.#clock.after(FLOOD_OVER_MS, () => this.#sweep());
  }
}

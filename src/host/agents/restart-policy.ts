/** Whether, and when, an agent whose run ended is started again. Pure: tested on numbers, no clock needed. */
import type { RestartConfig } from '../config/types.ts';
import { limits } from '../limits.ts';

export interface EndedRun {
  /** Exit code 0 and no signal. */
  clean: boolean;
  /** It ended because it was asked for. */
  requested: boolean;
  lived_ms: number;
}

/** What its runs before have come to. */
export interface Series {
  /** Failed runs in a row. Exit 0 is no failure. */
  failures: number;
  /** Runs in a row that ended before they had lived for `stable_ms`, failed or not: the wait grows with them. */
  short: number;
}

export type Decision = Series &
  (
    | { action: 'leave' }
    | { action: 'restart'; delay_ms: number }
    /** A crash loop: a person has to look. */
    | { action: 'give-up' }
  );

/**
 * One that lived for `stable_ms` is started again at once; the others wait, each time longer.
 * @param random 0 ≤ random < 1, spreads the restarts of a fleet (full jitter on the upper half).
 */
export function decideRestart(
  policy: RestartConfig,
  ended: EndedRun,
  before: Series,
  random: number,
): Decision {
  if (ended.requested) return { action: 'leave', failures: 0, short: 0 };
  const stable = ended.lived_ms >= stableAfter(policy);
  const short = stable ? 0 : before.short + 1;
  if (ended.clean) {
    if (policy.policy !== 'always') return { action: 'leave', failures: 0, short: 0 };
    return { action: 'restart', delay_ms: backoff(short, random), failures: 0, short };
  }
  const failures = (stable ? 0 : before.failures) + 1;
  if (policy.policy === 'never' || failures > policy.attempts_max)
    return { action: 'give-up', failures, short };
  // After a new host the failures alone are known.
  const wait = stable ? 0 : Math.max(short, failures);
  return { action: 'restart', delay_ms: backoff(wait, random), failures, short };
}

/** How long a run has to live to count as one that works. */
export function stableAfter({ stable_ms }: RestartConfig): number {
  return stable_ms ?? limits.restart_stable_ms;
}

function backoff(short: number, random: number): number {
  if (short === 0) return 0;
  const full = Math.min(limits.restart_backoff_ms_max, limits.restart_backoff_ms_min * 2 ** (short - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

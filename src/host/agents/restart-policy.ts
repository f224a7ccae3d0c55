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

export type Decision =
  | { action: 'leave'; failures: number }
  | { action: 'restart'; delay_ms: number; failures: number }
  /** A crash loop: a person has to look. */
  | { action: 'give-up'; failures: number };

/**
 * @param failures failed runs in a row before this one.
 * @param random 0 ≤ random < 1, spreads the restarts of a fleet (full jitter on the upper half).
 */
export function decideRestart(
  policy: RestartConfig,
  ended: EndedRun,
  failures: number,
  random: number,
): Decision {
  if (ended.requested) return { action: 'leave', failures: 0 };
  if (ended.clean) {
    if (policy.policy !== 'always') return { action: 'leave', failures: 0 };
    // A program that ends well at once, over and over, is a loop as well.
    const quick = ended.lived_ms < limits.restart_forgive_ms ? failures + 1 : 0;
    if (quick > policy.attempts_max) return { action: 'give-up', failures: quick };
    return { action: 'restart', delay_ms: backoff(quick, random), failures: quick };
  }
  const failed = (ended.lived_ms >= limits.restart_forgive_ms ? 0 : failures) + 1;
  if (policy.policy === 'never') return { action: 'give-up', failures: failed };
  if (failed > policy.attempts_max) return { action: 'give-up', failures: failed };
  return { action: 'restart', delay_ms: backoff(failed, random), failures: failed };
}

function backoff(failures: number, random: number): number {
  const full = Math.min(
    limits.restart_backoff_ms_max,
    limits.restart_backoff_ms_min * 2 ** Math.max(0, failures - 1),
  );
  return Math.round(full / 2 + (full / 2) * random);
}

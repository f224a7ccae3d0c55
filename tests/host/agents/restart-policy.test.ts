import { describe, expect, test } from 'vitest';
import { decideRestart } from '../../../src/host/agents/restart-policy.ts';
import { limits } from '../../../src/host/limits.ts';

const onFailure = { policy: 'on-failure', attempts_max: 3 } as const;
const always = { policy: 'always', attempts_max: 3 } as const;
const never = { policy: 'never', attempts_max: 3 } as const;
const crashed = { clean: false, requested: false, lived_ms: 100 };
const finished = { clean: true, requested: false, lived_ms: 100 };
const NEW = { failures: 0, short: 0 };
const STABLE = limits.restart_stable_ms;
const { restart_backoff_ms_min: LEAST, restart_backoff_ms_max: MOST } = limits;

describe('restart policy', () => {
  test('what was stopped on request stays stopped under every policy', () => {
    for (const policy of [onFailure, always, never]) {
      const ended = { ...crashed, requested: true };
      expect(decideRestart(policy, ended, { failures: 2, short: 2 }, 0)).toEqual({ action: 'leave', ...NEW });
    }
  });

  test('a clean end is left alone unless the policy says always', () => {
    expect(decideRestart(onFailure, finished, NEW, 0).action).toBe('leave');
    expect(decideRestart(never, finished, NEW, 0).action).toBe('leave');
    expect(decideRestart(always, finished, NEW, 0).action).toBe('restart');
  });

  test('a crash under `never` is given up at once, so that somebody looks', () => {
    expect(decideRestart(never, crashed, NEW, 0)).toMatchObject({ action: 'give-up', failures: 1 });
  });

  test('one that was stable is started again without waiting, however it ended, again and again', () => {
    for (const [policy, ended] of [
      [onFailure, crashed],
      [always, crashed],
      [always, finished],
    ] as const) {
      let before = { failures: 3, short: 7 };
      for (let round = 0; round < 20; round += 1) {
        const decision = decideRestart(policy, { ...ended, lived_ms: STABLE }, before, 0.999);
        expect(decision).toMatchObject({ action: 'restart', delay_ms: 0, short: 0 });
        before = decision;
      }
    }
  });

  test('how long it has to live is the policy’s', () => {
    const patient = { ...onFailure, stable_ms: 2 * STABLE };
    const decide = (lived_ms: number) => decideRestart(patient, { ...crashed, lived_ms }, NEW, 0);
    expect(decide(2 * STABLE - 1)).toMatchObject({ action: 'restart', delay_ms: LEAST / 2 });
    expect(decide(2 * STABLE)).toMatchObject({ action: 'restart', delay_ms: 0 });
  });

  test('waits double from the least to the most, with jitter only in the upper half; a new host knows the failures alone', () => {
    const patient = { policy: 'on-failure', attempts_max: 50 } as const;
    for (const known of [
      (n: number) => ({ failures: n, short: n }),
      (n: number) => ({ failures: n, short: 0 }),
    ]) {
      const waits = Array.from({ length: 12 }, (_, before) => {
        const least = decideRestart(patient, crashed, known(before), 0);
        const most = decideRestart(patient, crashed, known(before), 0.999_999);
        if (least.action !== 'restart' || most.action !== 'restart') throw new Error('it should restart');
        expect(most.delay_ms).toBeCloseTo(least.delay_ms * 2, -1);
        return most.delay_ms;
      });
      expect(waits.slice(0, 2)).toEqual([LEAST, LEAST * 2]);
      expect(waits.at(-1)).toBe(MOST);
    }
  });

  test('a crash loop ends after attempts_max', () => {
    let before = NEW;
    for (let failures = 1; failures <= 4; failures += 1) {
      const decision = decideRestart(onFailure, crashed, before, 0.5);
      expect(decision).toMatchObject({ action: failures <= 3 ? 'restart' : 'give-up', failures });
      before = decision;
    }
  });

  test('exit 0 is no failure: it is never given up, it waits each time longer, and it ends a series of failures', () => {
    let before = { failures: 3, short: 3 };
    for (let short = 4; short <= 100; short += 1) {
      const decision = decideRestart(always, finished, before, 0.999_999);
      expect(decision).toMatchObject({ action: 'restart', failures: 0, short });
      if (decision.action === 'restart')
        expect(decision.delay_ms).toBe(Math.min(MOST, LEAST * 2 ** (short - 1)));
      before = decision;
    }
    // It fails now: this is the first failure, and the wait stays long.
    expect(decideRestart(always, crashed, before, 0)).toMatchObject({ failures: 1, delay_ms: MOST / 2 });
  });
});

import { describe, expect, test } from 'vitest';
import { decideRestart } from '../../../src/host/agents/restart-policy.ts';
import { limits } from '../../../src/host/limits.ts';

const onFailure = { policy: 'on-failure', attempts_max: 3 } as const;
const always = { policy: 'always', attempts_max: 3 } as const;
const never = { policy: 'never', attempts_max: 3 } as const;
const crashed = { clean: false, requested: false, lived_ms: 100 };
const finished = { clean: true, requested: false, lived_ms: 100 };

describe('restart policy', () => {
  test('what was stopped on request stays stopped under every policy', () => {
    for (const policy of [onFailure, always, never]) {
      expect(decideRestart(policy, { ...crashed, requested: true }, 2, 0)).toEqual({
        action: 'leave',
        failures: 0,
      });
    }
  });

  test('a clean end is left alone unless the policy says always', () => {
    expect(decideRestart(onFailure, finished, 0, 0).action).toBe('leave');
    expect(decideRestart(never, finished, 0, 0).action).toBe('leave');
    expect(decideRestart(always, finished, 0, 0).action).toBe('restart');
  });

  test('a crash under `never` is given up at once, so that somebody looks', () => {
    expect(decideRestart(never, crashed, 0, 0)).toEqual({ action: 'give-up', failures: 1 });
  });

  test('delays double from the least to the most, with jitter only in the upper half', () => {
    const patient = { policy: 'on-failure', attempts_max: 50 } as const;
    const delays = Array.from({ length: 12 }, (_, failures) => {
      const least = decideRestart(patient, crashed, failures, 0);
      const most = decideRestart(patient, crashed, failures, 0.999_999);
      if (least.action !== 'restart' || most.action !== 'restart') throw new Error('it should restart');
      expect(most.delay_ms).toBeCloseTo(least.delay_ms * 2, -1);
      return most.delay_ms;
    });
    expect(delays[0]).toBe(limits.restart_backoff_ms_min);
    expect(delays[1]).toBe(limits.restart_backoff_ms_min * 2);
    expect(delays.at(-1)).toBe(limits.restart_backoff_ms_max);
  });

  test('a crash loop ends after attempts_max, and a quick clean loop does too', () => {
    const run = (policy: typeof onFailure | typeof always, ended: typeof crashed) => {
      let failures = 0;
      for (let runs = 1; runs < 100; runs += 1) {
        const decision = decideRestart(policy, ended, failures, 0.5);
        failures = decision.failures;
        if (decision.action !== 'restart') return { runs, action: decision.action };
      }
      throw new Error('it never ended');
    };
    expect(run(onFailure, crashed)).toEqual({ runs: 4, action: 'give-up' });
    expect(run(always, finished)).toEqual({ runs: 4, action: 'give-up' });
  });

  test('a run that lived long enough forgives the failures before it', () => {
    const decision = decideRestart(onFailure, { ...crashed, lived_ms: limits.restart_forgive_ms }, 3, 0);
    expect(decision).toMatchObject({ action: 'restart', failures: 1 });
  });
});

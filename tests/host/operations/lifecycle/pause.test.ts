/** Waiting on a clock that stands still while the run does. */
import { expect, test } from 'vitest';
import { untilAwake } from '../../../../src/host/operations/lifecycle/pause.ts';
import type { Run } from '../../../../src/host/runs/run.ts';
import { newTree } from '../../../../src/host/store/runs.ts';

/** As much of a run as is waited for: time passes only where somebody waits. */
function standIn(now: { ms: number }) {
  const tree = newTree();
  const waits: number[] = [];
  const during: ((from_ms: number) => void)[] = [];
  const run = {
    record: { tree },
    ended: false,
    closed: false,
    until: async (condition: () => boolean, limit_ms: number) => {
      waits.push(limit_ms);
      during.shift()?.(now.ms);
      now.ms += limit_ms;
      return condition();
    },
  };
  const clock = { now: () => now.ms, elapsed: () => now.ms, after: () => () => undefined };
  return { tree, waits, during, run: run as unknown as Run, clock };
}

const pause = (since_ms: number) => ({
  opId: 'p',
  by: 'operator',
  means: 'descent' as const,
  processes: 1,
  ticks: 0,
  sample_ms: 100,
  took_ms: 1,
  since_ms,
});

test('a limit is a limit when nobody is paused', async () => {
  const { run, clock, waits } = standIn({ ms: 0 });
  expect(await untilAwake({ clock }, run, () => false, 1_000)).toBe(false);
  expect(waits).toEqual([1_000]);
});

test('the time paused is given back, however often', async () => {
  const now = { ms: 0 };
  const { run, clock, tree, waits, during } = standIn(now);
  // Paused 400 ms before the limit, still paused at the next look, resumed 100 ms into the third.
  during.push(
    () => {
      tree.pause = pause(600);
    },
    () => undefined,
    (from_ms) => {
      tree.paused_ms += from_ms + 100 - 600;
      tree.pause = null;
    },
  );
  expect(await untilAwake({ clock }, run, () => false, 1_000)).toBe(false);
  // 1000, then what it stood still of each wait, never shorter than a look.
  expect(waits).toEqual([1_000, 400, 400, 250]);
  expect(now.ms - tree.paused_ms).toBeGreaterThanOrEqual(1_000);
});

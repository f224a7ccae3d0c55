/** Starts that take much of the machine wait for each other, and never without end. */
import { expect, test } from 'vitest';
import { HeavyStarts } from '../../../../src/host/operations/launch/heavy-starts.ts';
import type { Run } from '../../../../src/host/runs/run.ts';

/** A run that leaves its start, or waits it out, when the test says so. */
function starting() {
  const over = Promise.withResolvers<boolean>();
  const run = { until: () => over.promise } as unknown as Run;
  return { run, over };
}

/** All that can happen by itself has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('what an earlier host has begun is waited for, together', async () => {
  const starts = new HeavyStarts();
  const [first, second] = [starting(), starting()];
  starts.adopted(first.run);
  starts.adopted(second.run);
  let begun = false;
  void starts.turn('late', 5).then(() => {
    begun = true;
  });
  second.over.resolve(true);
  await settled();
  expect(begun).toBe(false);
  first.over.resolve(true);
  await settled();
  expect(begun).toBe(true);
});

test('the next begins when the one before it has started, has failed to, or took too long', async () => {
  const starts = new HeavyStarts();
  const begun: number[] = [];
  const [first, second] = [starting(), starting()];
  const told: ((run: Run | null) => void)[] = [];
  for (const number of [1, 2, 3, 4])
    void starts.turn(`agent-${number}`, 5).then((started) => {
      begun.push(number);
      told[number] = started;
    });
  await settled();
  expect(begun).toEqual([1]);
  told[1]!(first.run);
  await settled();
  expect(begun).toEqual([1]);
  first.over.resolve(true);
  await settled();
  expect(begun).toEqual([1, 2]);
  told[2]!(null);
  await settled();
  expect(begun).toEqual([1, 2, 3]);
  told[3]!(second.run);
  second.over.resolve(false);
  await settled();
  expect(begun).toEqual([1, 2, 3, 4]);
});

test('one that is to be stopped gives its place up at once, and those behind it do not wait for it', async () => {
  const starts = new HeavyStarts();
  const first = starting();
  const started = await starts.turn('first', 5);
  const second = starts.turn('second', 7);
  const third = starts.turn('third', 9);
  expect(['first', 'second', 'third'].map((name) => starts.waits(name))).toEqual([null, 7, 9]);
  starts.giveUp('second');
  starts.giveUp('first');
  await expect(second).rejects.toMatchObject({ code: 'agent.stopped-meanwhile', who: 'user' });
  expect(starts.waits('second')).toBe(null);
  started(first.run);
  await settled();
  expect(starts.waits('third')).toBe(9);
  first.over.resolve(true);
  await third;
  expect(starts.waits('third')).toBe(null);
});

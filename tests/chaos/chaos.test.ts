/** A short schedule for every run of the suite; `npm run chaos -- --minutes 30` is the long one. */
import { expect, test } from 'vitest';
import { explain, runChaos } from './chaos.ts';

const SEED = 'short-1';

test('killed hosts, bridges, engines and shims: nothing is lost, doubled or left', async () => {
  const report = await runChaos({ seed: SEED, agents: 5, talkers: 1, kills: 8, minutes: 0.7 });
  expect(report.violations, explain(report)).toEqual([]);
  expect(report.figures.hostKills).toBeGreaterThan(3);
  expect(report.figures.callsAcked).toBeGreaterThan(10);
  expect(report.figures.lines).toBeGreaterThan(100);
}, 240_000);

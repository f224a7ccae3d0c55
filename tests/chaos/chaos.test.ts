/** A short schedule for every run of the suite; `npm run chaos -- --minutes 30` is the long one. */
import { expect, test } from 'vitest';
import { explain, runChaos } from './chaos.ts';

const SEED = 'short-21344';

test('hosts, an engine and a bridge die in the midst of a takeover, edits and restarts: nothing is lost, doubled or left', async () => {
  const report = await runChaos({ seed: SEED, agents: 6, talkers: 2, kills: 9, minutes: 0.8 });
  expect(report.violations, explain(report)).toEqual([]);
  expect(report.figures.hostKills).toBeGreaterThan(5);
  expect(report.figures.callsAcked).toBeGreaterThan(10);
  expect(report.figures.lines).toBeGreaterThan(100);
}, 240_000);

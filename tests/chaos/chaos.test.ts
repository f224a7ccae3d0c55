/** A short schedule for every run of the suite; `npm run chaos -- --minutes 30` is the long one. */
import { expect, test } from 'vitest';
import { LONG, USUAL_CONTAINMENTS } from '../support/run-tree.ts';
import { castOf } from './cast.ts';
import { explain, runChaos } from './chaos.ts';
import { drawPlan } from './schedule.ts';

/** Of many, those whose few steps have most kinds of blow in them. */
const SCHEDULE = LONG ? { seed: 'short-12271', kills: 9 } : { seed: 'brief-180430', kills: 5 };

test.each(USUAL_CONTAINMENTS)(
  'hosts, an engine and a shim die in the midst of a takeover, edits, restarts and a full disk: nothing is lost, doubled or left, $name',
  async ({ env }) => {
    const report = await runChaos({ ...SCHEDULE, agents: 6, talkers: 2, minutes: 2, env });
    expect(report.violations, explain(report)).toEqual([]);
    expect(report.figures.hostKills).toBe(SCHEDULE.kills);
    expect(report.figures.callsAcked).toBeGreaterThan(10);
    expect(report.figures.lines).toBeGreaterThan(100);
    expect(report.figures.errorLines).toBeGreaterThan(0);
  },
  240_000,
);

test('a long schedule has every blow in it, upon every act, and the same seed draws it again', () => {
  const plan = drawPlan('any', castOf(20, 4), 200);
  expect(plan).toEqual(drawPlan('any', castOf(20, 4), 200));
  const seen = new Set<string>();
  for (const { act, hostDies_ms, successorDies_ms } of plan.steps) {
    const what = 'what' in act ? ` ${act.what}` : '';
    seen.add(`${act.do}${what}`);
    if (hostDies_ms !== null) seen.add(`host dies upon ${act.do}`);
    if (successorDies_ms !== null) seen.add('host dies in its start');
  }
  for (const what of ['kill shim', 'kill engine', 'kill bridge', 'freeze', 'fill', 'clock', 'stall viewer'])
    expect(seen).toContain(what);
  for (const what of ['stall shim', 'stall bridge', 'edit broken', 'edit guest', 'hold', 'pause', 'answer'])
    expect(seen).toContain(what);
  for (const act of ['inject', 'takeover', 'handback', 'restart', 'edit', 'stand', 'kill', 'fill', 'freeze'])
    expect(seen).toContain(`host dies upon ${act}`);
  expect(seen).toContain('host dies in its start');
});

test('agents of OpenClaw change nothing of a schedule without them, and bring the deaths of their gateways', () => {
  const acts = (claws: number) => drawPlan('any', castOf(20, 4, claws), 200).steps.map(({ act }) => act);
  expect(acts(0)).toEqual(drawPlan('any', castOf(20, 4), 200).steps.map(({ act }) => act));
  const killed = acts(3).flatMap((act) => (act.do === 'gateway' ? [act.agent] : []));
  // The first is touched by nothing but deaths of the host.
  expect(new Set(killed)).toEqual(new Set(['claw-1', 'claw-2']));
  expect(acts(1).some((act) => act.do === 'gateway')).toBe(false);
});

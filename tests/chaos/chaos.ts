/** One run of chaos from a seed: a fleet, a plan, what became of it. */
import { writeFileSync } from 'node:fs';
import { type Figures, judge, leftovers } from './invariants.ts';
import { castOf, drawPlan } from './schedule.ts';
import { World } from './world.ts';

export interface ChaosOptions {
  seed: string;
  /** How many agents, talkers included. */
  agents: number;
  talkers: number;
  /** Deaths of hosts that the plan holds. */
  kills: number;
  /** No step is begun after this. */
  minutes: number;
  linesPerBurst?: number;
  pause_ms?: number;
  /** The command, program and first arguments; default: that of the test suite. */
  program?: readonly string[];
  env?: Record<string, string>;
  say?(line: string): void;
}

export interface ChaosReport {
  seed: string;
  figures: Figures & { startMedian_ms: number; startMax_ms: number; seconds: number };
  counts: World['counts'];
  violations: string[];
  /** What was done, in order. */
  story: string[];
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const begun = Date.now();
  const world = await World.make({
    plan: drawPlan(options.seed, castOf(options.agents, options.talkers), options.kills),
    linesPerBurst: options.linesPerBurst ?? 10,
    pause_ms: options.pause_ms ?? 100,
    deadline_ms: options.minutes * 60_000,
    say: options.say ?? (() => undefined),
    ...(options.program === undefined ? {} : { program: options.program }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  let figures: Figures | null = null;
  const violations: string[] = [];
  try {
    await world.run();
    await world.settle();
    const verdict = await judge(world);
    figures = verdict.figures;
    violations.push(...verdict.violations);
    await world.fleet.ok('down');
    violations.push(...leftovers(world));
  } catch (error) {
    violations.push(
      `it did not come to rest: ${error instanceof Error ? error.message : String(error)}`,
      ...world.complaints,
      ...world.streams.violations,
    );
  } finally {
    world.stopFollowing();
    world.streams.close();
    const dump = process.env.CHAOS_DUMP;
    if (dump !== undefined && violations.length > 0)
      writeFileSync(dump, `${await world.fleet.history()}\n${world.fleet.hostLog()}\n`);
    // It tells of what a proper end left behind; after a violation that is no news.
    await world.fleet.close().catch((error: Error) => violations.push(error.message));
  }
  const starts = world.starts.toSorted((a, b) => a - b);
  return {
    seed: options.seed,
    figures: {
      ...(figures ?? EMPTY),
      violations: violations.length,
      hostKills: world.counts.hosts,
      startMedian_ms: starts[Math.floor(starts.length / 2)] ?? 0,
      startMax_ms: starts.at(-1) ?? 0,
      seconds: Math.round((Date.now() - begun) / 1_000),
    },
    counts: world.counts,
    violations,
    story: world.story,
  };
}

const EMPTY: Figures = {
  hostKills: 0,
  hostKillsInStart: 0,
  agents: 0,
  runs: 0,
  runsLost: 0,
  lines: 0,
  outputBytes: 0,
  callsAsked: 0,
  callsAcked: 0,
  callsRefused: 0,
  notes: 0,
  events: 0,
  violations: 0,
};

/** Seed, schedule and what was seen: enough to do it again. */
export function explain(report: ChaosReport): string {
  return [
    `seed ${report.seed}: ${report.violations.length} violation(s)`,
    ...report.violations.slice(0, 50).map((line) => `  ✗ ${line.slice(0, 2_000)}`),
    'what was done:',
    ...report.story.slice(-400).map((line) => `  ${line}`),
    JSON.stringify({ ...report.figures, ...report.counts }),
  ].join('\n');
}

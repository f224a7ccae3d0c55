/** One run of chaos from a seed: a fleet, a plan, what became of it. */
import fs from 'node:fs';
import { join } from 'node:path';
import { groupsLeft } from '../support/run-tree.ts';
import { castOf } from './cast.ts';
import { dumpState } from './dump.ts';
import { type Evidence, gather, processesOf } from './evidence.ts';
import { judge, leftovers, lostRuns } from './invariants.ts';
import { drawPlan } from './schedule.ts';
import { type Confinement, World } from './world.ts';

export interface ChaosOptions {
  seed: string;
  /** How many agents, talkers included. */
  agents: number;
  talkers: number;
  /** How many of them are OpenClaw, besides the talkers. Default: none. */
  claws?: number;
  /** Deaths of hosts that the plan holds. */
  kills: number;
  /** No step is begun after this. */
  minutes: number;
  /** Default: none. */
  sandbox?: Confinement;
  linesPerBurst?: number;
  pause_ms?: number;
  /** The command, program and first arguments; default: that of the test suite. */
  program?: readonly string[];
  env?: Record<string, string>;
  say?(line: string): void;
}

export interface ChaosReport {
  seed: string;
  /** Those of the end are missing where it did not come to one. */
  figures: Partial<AtRest> & {
    violations: number;
    hostKills: number;
    hostKillsInStart: number;
    startMedian_ms: number;
    startMax_ms: number;
    seconds: number;
  };
  counts: World['counts'];
  /** Deaths of hosts by the act they came upon. */
  deathsIn: Record<string, number>;
  violations: string[];
  /** What was done, in order. */
  story: string[];
}

interface AtRest {
  agents: number;
  runs: number;
  runsLost: number;
  lines: number;
  errorLines: number;
  outputBytes: number;
  callsAsked: number;
  callsAcked: number;
  /** On a full disk, or it is a violation. */
  callsRefused: number;
  questions: number;
  notes: number;
  notesUnknown: number;
  events: number;
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const begun = Date.now();
  const world = await World.make({
    sandbox: options.sandbox ?? 'none',
    plan: drawPlan(options.seed, castOf(options.agents, options.talkers, options.claws), options.kills),
    linesPerBurst: options.linesPerBurst ?? 10,
    pause_ms: options.pause_ms ?? 100,
    deadline_ms: options.minutes * 60_000,
    say: options.say ?? (() => undefined),
    ...(options.program === undefined ? {} : { program: options.program }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const { fleet, host } = world;
  let figures: Partial<AtRest> = {};
  const violations: string[] = [];
  try {
    await world.run();
    await world.settle();
    const evidence = await gather(world);
    figures = figuresOf(evidence);
    violations.push(...world.complaints, ...world.streams.violations, ...judge(evidence));
    await fleet.ok('down');
    const sockets = fs.readFileSync(join(fleet.stateDir, 'sockets'), 'utf8').trim();
    violations.push(
      ...leftovers({
        processes: processesOf(new Set(evidence.runs.map(({ id }) => id))),
        groups: groupsLeft(fleet.stateDir),
        sockets: fs.readdirSync(sockets),
      }),
    );
  } catch (error) {
    violations.push(
      `it did not come to rest: ${error instanceof Error ? error.message : String(error)}`,
      ...world.complaints,
      ...world.streams.violations,
    );
  } finally {
    world.stopFollowing();
    world.streams.close();
    dumpState(fleet, violations);
    // It tells of what a proper end left behind; after a violation that is no news.
    await fleet.close().catch((error: Error) => violations.push(error.message));
  }
  const starts = host.starts.toSorted((a, b) => a - b);
  return {
    seed: options.seed,
    figures: {
      ...figures,
      violations: violations.length,
      hostKills: host.deaths,
      hostKillsInStart: host.early,
      startMedian_ms: starts[Math.floor(starts.length / 2)] ?? 0,
      startMax_ms: starts.at(-1) ?? 0,
      seconds: Math.round((Date.now() - begun) / 1_000),
    },
    counts: world.counts,
    deathsIn: world.deathsIn,
    violations,
    story: world.story,
  };
}

function figuresOf(evidence: Evidence): AtRest {
  const { ledgers, streams } = evidence;
  const sum = <T>(of: readonly T[], count: (one: T) => number) =>
    of.reduce((total, one) => total + count(one), 0);
  return {
    agents: evidence.views.length,
    runs: evidence.runs.length,
    runsLost: lostRuns(evidence).length,
    lines: sum(streams, ({ lines }) => lines),
    errorLines: sum(streams, ({ errorLines }) => errorLines),
    outputBytes: sum(streams, ({ bytes }) => bytes),
    callsAsked: sum(ledgers, ({ asked }) => asked.size),
    callsAcked: sum(ledgers, ({ acked }) => acked.size),
    callsRefused: sum(ledgers, ({ refused }) => refused.length),
    questions: evidence.questions.length,
    notes: evidence.notes.length,
    notesUnknown: evidence.receipts.filter(({ state }) => state === 'unknown').length,
    events: evidence.events.length,
  };
}

/** Seed, schedule and what was seen: enough to do it again. */
export function explain(report: ChaosReport): string {
  return [
    `seed ${report.seed}: ${report.violations.length} violation(s)`,
    ...report.violations.slice(0, 50).map((line) => `  ✗ ${line.slice(0, 2_000)}`),
    'what was done:',
    ...report.story.slice(-400).map((line) => `  ${line}`),
    JSON.stringify({ ...report.figures, ...report.counts, deathsIn: report.deathsIn }),
  ].join('\n');
}

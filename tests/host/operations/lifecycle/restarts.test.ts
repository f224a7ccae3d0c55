/**
 * What becomes of an agent whose run ended, on a clock that moves when the test says so: the real lifecycle, store
 * and event log; only what would start processes is a stand-in.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Agents } from '../../../../src/host/agents/agents.ts';
import { Approvals } from '../../../../src/host/approvals/approvals.ts';
import type { AgentConfig, RestartConfig } from '../../../../src/host/config/types.ts';
import { Events } from '../../../../src/host/events/events.ts';
import { randomIds } from '../../../../src/host/ids.ts';
import { limits } from '../../../../src/host/limits.ts';
import { openLog } from '../../../../src/host/log.ts';
import type { Launcher } from '../../../../src/host/operations/launch/launch.ts';
import { Lifecycle } from '../../../../src/host/operations/lifecycle/lifecycle.ts';
import { stopAll } from '../../../../src/host/operations/lifecycle/stop-all.ts';
import type { InjectionDelivery } from '../../../../src/host/operations/messages/inject.ts';
import type { Wiring } from '../../../../src/host/operations/wiring.ts';
import { spawned } from '../../../../src/host/runs/floor.ts';
import type { Run } from '../../../../src/host/runs/run.ts';
import { Runs } from '../../../../src/host/runs/runs.ts';
import { over, standsFree, standsHeld } from '../../../../src/host/runs/tree.ts';
import { AgentTable } from '../../../../src/host/store/agents.ts';
import { InjectionTable } from '../../../../src/host/store/injections.ts';
import {
  type GateRecord,
  newFloor,
  newGate,
  newTurn,
  type RunProcess,
  type TurnRecord,
} from '../../../../src/host/store/run-parts.ts';
import { unconfined } from '../../../../src/host/store/run-sandbox.ts';
import { newTree, type RunRecord, RunTable } from '../../../../src/host/store/runs.ts';
import { Store } from '../../../../src/host/store/store.ts';
import type { Frame } from '../../../../src/runtimes/runtime.ts';
import { VirtualClock } from '../../../support/clock.ts';

const {
  restart_backoff_ms_max: MOST,
  restart_backoff_ms_min: LEAST,
  restart_stable_ms: STABLE,
  restart_stuck_forgive_ms: FORGIVE,
} = limits;

let dir: string;
let store: Store;
let clock: VirtualClock;
let agents: Agents;
let runs: Runs;
let events: Events;
let lifecycle: Lifecycle;
/** What a launch waits for before its run exists. */
let beforeLaunch: () => Promise<void>;
/** What each start was told: null without a conversation to go on with. */
let starts: ({ note: string; untold?: string } | null)[];

/** One engine, which has the floor. */
function startedFloor() {
  const floor = newFloor([]);
  const started = { index: 0, role: 'engine', pid: 1, start_ticks: 0, io: 'pipes', running: true } as const;
  spawned(floor, started, 0);
  return floor;
}

function newRecord(agent: string): RunRecord {
  const now = clock.now();
  return {
    id: randomIds.short('r'),
    agent,
    state: 'running',
    state_ms: now,
    stateEvidence: { source: 'shim', grade: 'observed', what: '', at_ms: now },
    activity: 'starting',
    activityEvidence: null,
    requested: null,
    asked: null,
    shim: null,
    boot_id: null,
    journal_offset: 0,
    engine: { session: 's' },
    floor: startedFloor(),
    turn: newTurn(),
    gate: newGate(),
    tree: newTree(),
    sandbox: unconfined('r_1'),
    last: null,
    input_tokens: 0,
    output_tokens: 0,
    cost_usd: null,
    started_ms: now,
    exited_ms: null,
    exit: null,
  };
}

/** As much of a launcher as a lifecycle asks for: the run is noted down, and nothing is started. */
function standIn(wiring: Wiring) {
  return {
    giveUp: () => () => undefined,
    launch: async (
      config: AgentConfig,
      _state: unknown,
      resume: { note: string; untold?: string } | null,
    ) => {
      await beforeLaunch();
      const record = newRecord(config.name);
      if (resume?.untold !== undefined) record.turn.untold = resume.untold;
      starts.push(resume);
      wiring.runTable.put(record);
      const run = {
        id: record.id,
        record,
        runtime: { capabilities: { receipts: 'acted' } },
        get ended() {
          return record.exited_ms !== null;
        },
        close: () => undefined,
        connected: true,
        save: (change: (record: RunRecord) => void) => change(record),
        until: async () => record.exited_ms !== null,
        client: { stop: async () => end(0, { cause: 'stopped' }) },
      } as unknown as Run;
      runs.add(run);
      return run;
    },
    release: async () => undefined,
  } as unknown as Launcher;
}

beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'aether-restarts-'));
  store = new Store(join(dir, 'aether.db'));
  clock = new VirtualClock();
  starts = [];
  beforeLaunch = async () => undefined;
  const log = openLog(undefined);
  const parts = { store, clock, ids: randomIds, log };
  const runTable = new RunTable(store);
  runs = new Runs(runTable);
  agents = new Agents({ store, table: new AgentTable(store), clock });
  events = new Events(parts);
  const wiring = {
    ...parts,
    events,
    agents,
    runs,
    runTable,
    injections: new InjectionTable(store),
    approvals: new Approvals({ ...parts, events }),
    runtime: () => ({ capabilities: { resume: true } }),
    touched: () => undefined,
  } as unknown as Wiring;
  lifecycle = new Lifecycle({
    wiring,
    launcher: standIn(wiring),
    delivery: { kick: async () => undefined } as unknown as InjectionDelivery,
    takeoverEnded: () => undefined,
    beforeStart: () => undefined,
  });
});
afterEach(() => {
  lifecycle.close();
  store.close();
  fs.rmSync(dir, { recursive: true });
});

async function begin(
  restart: RestartConfig,
  engine: { session: string } | null = null,
  open = true,
): Promise<void> {
  if (open) lifecycle.open();
  agents.configure(
    {
      name: 'a',
      runtime: 'builtin',
      goal: 'Work.',
      autostart: true,
      restart,
      workspace: dir,
    } as unknown as AgentConfig,
    'hash',
  );
  if (engine !== null)
    agents.change('a', (agent) => {
      agent.engine = { ...engine, goal: 'Work.' };
    });
  await lifecycle.start('a', 'operator');
}

interface End {
  code?: number;
  cause?: 'exited' | 'stopped';
  turn?: Partial<TurnRecord>;
  gate?: Partial<GateRecord>;
  process?: Partial<RunProcess>;
  opening?: Frame[];
  printed?: string;
}

/** The run that lives ends by itself, after `lived_ms`. */
function end(lived_ms: number, { code = 1, cause = 'exited', ...told }: End = {}): void {
  clock.advance(lived_ms);
  const run = runs.of('a')!;
  const { floor, turn, gate } = run.record;
  Object.assign(floor.processes[0]!, told.process);
  Object.assign(turn, told.turn);
  Object.assign(gate, told.gate);
  if (told.opening !== undefined) floor.opening = told.opening;
  over(run.record.tree, clock.now());
  Object.assign(run.record, {
    state: 'exited',
    activity: null,
    exited_ms: clock.now(),
    exit: { code, signal: null, cause, killed: 0, survivors: 0 },
  });
  lifecycle.exited(run);
}

/** How long it waits for its restart; null when it is not started again. */
async function waits(): Promise<number | null> {
  const due = lifecycle.restarts.due('a');
  if (due === null) return null;
  const wait_ms = due.at_ms - clock.now();
  if (wait_ms > 0) {
    clock.advance(wait_ms - 1);
    await settled();
    expect(runs.of('a'), 'it is started too early').toBeNull();
  }
  clock.advance(Math.min(1, wait_ms));
  await settled();
  expect(runs.of('a'), 'it is not started in time').not.toBeNull();
  return wait_ms;
}

/** What was begun without a clock is over: it waits for promises alone. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('policy on the clock', () => {
  test('a crash loop: each wait longer, with jitter, up to the limit; then an end that shows the last output', async () => {
    await begin({ policy: 'on-failure', attempts_max: 10 });
    const waited: number[] = [];
    for (let crashes = 1; crashes <= 10; crashes += 1) {
      end(10);
      waited.push((await waits())!);
    }
    waited.forEach((wait_ms, index) => {
      const full = Math.min(MOST, LEAST * 2 ** index);
      expect(wait_ms).toBeGreaterThanOrEqual(full / 2);
      expect(wait_ms).toBeLessThanOrEqual(full);
    });
    // Twice the same wait at its longest would be no jitter.
    expect(new Set(waited.slice(-4)).size).toBeGreaterThan(1);

    end(10, { process: { printed: 'reading the table\nno such table: parrots\n' } });
    expect(lifecycle.restarts.due('a')).toBeNull();
    clock.advance(24 * 3_600_000);
    await settled();
    expect(starts).toHaveLength(11);
    const { problem, wanted } = agents.get('a');
    expect(wanted).toBe('running');
    expect(problem).toMatchObject({ code: 'agent.crashed', next: expect.stringContaining('aether start a') });
    expect(problem!.message).toMatch(/exited with code 1.*failed 11 times in a row.*no such table: parrots/);
    expect(events.list({ topics: ['agent.failed'], limit: 10 })).toHaveLength(1);

    // A person looked: it begins again, and has all its attempts again.
    await lifecycle.start('a', 'operator');
    expect(agents.get('a')).toMatchObject({ problem: null, failures: 0 });
    end(10);
    expect(await waits()).toBeLessThanOrEqual(LEAST);
  });

  test('never: a crash is the end, and so is a success', async () => {
    await begin({ policy: 'never', attempts_max: 5 });
    end(10, { process: { printed: 'out of paper\n' } });
    expect(await waits()).toBeNull();
    expect(agents.get('a').problem?.message).toContain('out of paper');
    await lifecycle.start('a', 'operator');
    end(10, { code: 0 });
    expect(await waits()).toBeNull();
    expect(agents.get('a').problem).toBeNull();
  });

  test('on-failure leaves a success alone; always does not, and never counts it as a failure', async () => {
    await begin({ policy: 'on-failure', attempts_max: 2 });
    end(10, { code: 0 });
    expect(await waits()).toBeNull();
    await begin({ policy: 'always', attempts_max: 2 });
    for (let round = 0; round < 5; round += 1) {
      end(STABLE, { code: 0 });
      expect(await waits()).toBe(0);
    }
    for (let round = 0; round < 12; round += 1) {
      end(10, { code: 0 });
      expect(lifecycle.restarts.due('a')!.automatic).toEqual({
        after: { failed: false, lived_ms: 10, failures: 0, short: round + 1 },
      });
      expect(await waits()).toBeGreaterThanOrEqual(Math.min(MOST, LEAST * 2 ** round) / 2);
    }
    expect(agents.get('a')).toMatchObject({ problem: null, failures: 0 });
    expect(events.list({ topics: ['agent.failed'], limit: 10 })).toEqual([]);
    // An operator's start is a pardon for the wait, too.
    await lifecycle.restart('a', 'operator');
    end(10, { code: 0 });
    expect(await waits()).toBeLessThanOrEqual(LEAST);
    // And from the third failure on it is given up.
    for (const due of [true, true, false]) {
      end(10);
      expect((await waits()) !== null).toBe(due);
    }
    expect(agents.get('a').problem?.message).toMatch(/failed 3 times in a row/);
  });

  test('one that was stable is back at once, however often it dies; the wait is for those that keep failing', async () => {
    await begin({ policy: 'on-failure', attempts_max: 2, stable_ms: 3_000 });
    for (let deaths = 0; deaths < 10; deaths += 1) {
      end(3_000);
      expect(await waits()).toBe(0);
    }
    end(2_999);
    expect(await waits()).toBeGreaterThan(0);
    end(3_000);
    expect(await waits()).toBe(0);
    expect(agents.get('a')).toMatchObject({ failures: 1, problem: null });
  });

  test('a stop while it waits for its restart ends the waiting', async () => {
    await begin({ policy: 'always', attempts_max: 5 });
    end(10);
    expect(lifecycle.restarts.due('a')).not.toBeNull();
    await lifecycle.stop('a', 'operator');
    expect(await waits()).toBeNull();
    clock.advance(24 * 3_600_000);
    await settled();
    expect(starts).toHaveLength(1);
  });

  test('time paused or held is not time lived: a crash loop cannot hide behind it', async () => {
    await begin({ policy: 'on-failure', attempts_max: 3 });
    for (let crashes = 1; crashes <= 4; crashes += 1) {
      const { tree } = runs.of('a')!.record;
      const now = clock.now();
      // Held, paused for half of that, and resumed; then it works for a moment.
      standsHeld(tree, now + 1_000);
      tree.pause = {
        opId: 'p',
        by: 'operator',
        means: 'descent',
        processes: 1,
        ticks: 0,
        sample_ms: 100,
        took_ms: 1,
        since_ms: now + STABLE,
      };
      clock.advance(2 * STABLE);
      tree.paused_ms += clock.now() - tree.pause.since_ms;
      tree.pause = null;
      if (crashes % 2 === 0) standsFree(tree, clock.now());
      end(crashes % 2 === 0 ? 500 : 0);
      expect((await waits()) !== null).toBe(crashes < 4);
    }
    expect(agents.get('a')).toMatchObject({ failures: 4, problem: { code: 'agent.crashed' } });
    // The same time, lived, is forgiven.
    await lifecycle.start('a', 'operator');
    for (let crashes = 1; crashes <= 4; crashes += 1) {
      end(2 * STABLE);
      expect(await waits()).not.toBeNull();
    }
  });
});

test('nothing is launched before what is left of ended runs is gone: it would be taken for one of them', async () => {
  const launched = begin({ policy: 'never', attempts_max: 5 }, null, false);
  await settled();
  expect(starts).toHaveLength(0);
  lifecycle.open();
  await launched;
  expect(starts).toHaveLength(1);
});

describe('an end that the last host had asked for when it died', () => {
  test.each<[string, 'running' | 'stopped', boolean, number]>([
    ['restart', 'running', false, 2],
    ['stop', 'stopped', false, 1],
    // Its wish outlives an `aether down`.
    ['down', 'running', false, 2],
    ['kill', 'stopped', true, 1],
  ])(
    '%s: the run ends, whether its shim had heard of it or not, and what was to follow follows',
    async (requested, wanted, killed, launched) => {
      await begin({ policy: 'never', attempts_max: 5 });
      agents.change('a', (agent) => {
        agent.wanted = wanted;
      });
      const run = runs.of('a')!;
      const asked: { term_ms: number; reason: string }[] = [];
      const stop = async (_opId: string, { term_ms }: { term_ms: number }, reason: string) => {
        asked.push({ term_ms, reason });
        Object.assign(run.record, {
          state: 'exited',
          exited_ms: clock.now(),
          exit: { code: 0, signal: null, cause: 'stopped', killed: 0, survivors: 0 },
        });
        lifecycle.exited(run);
      };
      Object.assign(run.record, { state: 'stopping', requested });
      Object.assign(run, {
        connected: true,
        client: { stop },
        save: (change: (record: RunRecord) => void) => change(run.record),
        until: async () => run.ended,
      });
      await lifecycle.reconcile(['a']);
      await settled();
      expect(asked).toEqual([{ term_ms: killed ? 0 : expect.any(Number), reason: requested }]);
      if (!killed) expect(asked[0]!.term_ms).toBeGreaterThan(0);
      expect(starts).toHaveLength(launched);
      expect(agents.get('a')).toMatchObject({ wanted, problem: null });
    },
  );
});

describe('a turn that does not move', () => {
  const QUIET_MS = 10 * FORGIVE;
  const stuck = async () => {
    clock.advance(QUIET_MS);
    return lifecycle.restartStuck('a', 'there was no progress for 10 min', QUIET_MS);
  };

  test('is started again, each time later, and given up in the end; also the next host leaves it so', async () => {
    await begin({ policy: 'never', attempts_max: 3 });
    for (let restarts = 1; restarts <= 3; restarts += 1) {
      expect(await stuck()).toBe(true);
      const wait_ms = (await waits())!;
      expect(wait_ms).toBeGreaterThanOrEqual((LEAST * 2 ** (restarts - 1)) / 2);
      expect(wait_ms).toBeLessThanOrEqual(LEAST * 2 ** (restarts - 1));
    }
    expect(await stuck()).toBe(false);
    expect(lifecycle.restarts.due('a')).toBeNull();
    expect(agents.get('a').problem).toMatchObject({
      code: 'agent.stuck',
      message: expect.stringMatching(/there was no progress for 10 min\. It was started again 3 times/),
    });
    await lifecycle.reconcile(['a']);
    expect(runs.of('a')).toBeNull();
    await lifecycle.start('a', 'operator');
    expect(agents.get('a')).toMatchObject({ problem: null, failures: 0 });
    expect(await stuck()).toBe(true);
  });

  test('of an agent that worked in between is no series', async () => {
    await begin({ policy: 'on-failure', attempts_max: 2 });
    for (let times = 0; times < 5; times += 1) {
      clock.advance(FORGIVE);
      expect(await stuck()).toBe(true);
      await waits();
    }
  });
});

describe('what a conversation that goes on is told', () => {
  const says = (activity: 'idle' | 'thinking' | 'starting') => ({ activity, what: '', at_ms: 0 });
  const atRest: Partial<TurnRecord> = { says: says('idle'), ended: 'done' };

  test.each<[string, End]>([
    ['in mid-turn', { turn: { says: says('thinking'), ended: 'done' } }],
    ['before its first turn', { turn: { says: says('idle') } }],
    ['after a turn that failed', { turn: { says: says('idle'), ended: 'failed' } }],
    ['after a turn that was cut short', { turn: { says: says('idle'), ended: 'interrupted' } }],
    [
      'while a subagent of it worked',
      { turn: atRest, gate: { running: [{ toolUseId: 't', tool: 'Bash', subagent: 's' }] } },
    ],
    ['in a terminal', { turn: atRest, process: { role: 'terminal' } }],
    ['before it was told what it is for', { turn: atRest, opening: [{ id: 'goal', data: '' }] }],
  ])('at once, when it ended %s', async (_when, told) => {
    await begin({ policy: 'on-failure', attempts_max: 5 }, { session: 's' });
    end(1_000, told);
    await waits();
    expect(starts[1]!.note).toMatch(/^\[aether\] .* You were away for \d+ s\. Go on with your work\.$/);
    expect(starts[1]!.untold).toBeUndefined();
  });

  test('with its next message, when nothing was cut off; also when the process that never heard of it ends too', async () => {
    await begin({ policy: 'on-failure', attempts_max: 5 }, { session: 's' });
    end(1_000, { turn: atRest });
    await waits();
    for (const turn of [{}, { says: says('starting') }, { says: says('idle') }]) {
      const told = starts.at(-1)!;
      expect(told.note).toBe('');
      expect(told.untold).toMatch(/^\[aether\] Your process ended unexpectedly .* away for .* background/);
      end(10, { turn });
      await waits();
    }
    // It had work again, and that was cut off.
    end(10, { turn: { says: says('thinking') } });
    await waits();
    expect(starts.at(-1)).toEqual({ note: expect.stringContaining('did not finish') });
  });

  test('at once, when it has another goal', async () => {
    await begin({ policy: 'on-failure', attempts_max: 5 }, { session: 's' });
    await end(1_000, { turn: atRest });
    await lifecycle.start('a', 'operator', { goal: 'Rest.' });
    expect(starts.at(-1)!.note).toContain('Your goal is now: Rest.');
  });

  test('a fresh start leaves the conversation for good, also where the engine has not named another yet', async () => {
    await begin({ policy: 'on-failure', attempts_max: 5 }, { session: 's' });
    await lifecycle.restart('a', 'operator', { fresh: true });
    expect(starts.at(-1)).toBeNull();
    expect(agents.get('a').engine?.session ?? null).toBeNull();
    await lifecycle.restart('a', 'operator');
    expect(starts.at(-1)).toBeNull();
  });
});

describe('the host goes', () => {
  const POLICY = { policy: 'on-failure', attempts_max: 3 } as const;

  test('a start that still waited begins nothing', async () => {
    const start = begin(POLICY, null, false);
    const refused = expect(start).rejects.toMatchObject({ code: 'host.stopping' });
    await settled();
    lifecycle.close();
    lifecycle.open();
    await refused;
    expect(starts).toEqual([]);
    expect(agents.get('a')).toMatchObject({ wanted: 'running', problem: null });
  });

  test('a start that has begun is waited for and stopped', async () => {
    await begin(POLICY);
    end(0, { cause: 'stopped' });
    const launched = Promise.withResolvers<void>();
    beforeLaunch = () => launched.promise;
    const start = lifecycle.start('a', 'operator');
    await settled();
    lifecycle.close();
    const stopped = stopAll({ agents, runs, log: openLog(undefined) }, lifecycle, 'operator');
    await settled();
    expect(runs.live()).toEqual([]);
    launched.resolve();
    await Promise.all([start, stopped]);
    expect(starts).toHaveLength(2);
    expect(runs.live()).toEqual([]);
    expect(agents.get('a').wanted).toBe('running');
  });
});

/** SQL of `runs` (the observed state) and `hosts` (one row per host process that ever owned this directory). */
import type { Activity, EngineState } from '../../runtimes/runtime.ts';
import type { Evidence, RunState } from '../api.ts';
import type { AdoptedRecord, ContainmentRecord, PauseRecord, RunExit } from '../shim/shim-protocol.ts';
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import type { Floor, GateRecord, TurnRecord } from './run-parts.ts';
import { type RunSandbox, unconfined } from './run-sandbox.ts';
import { sumUpOldRuns } from './run-sums.ts';
import { DAY_MS, defineTable } from './table.ts';

export const hosts = defineTable({ name: 'hosts', leaves: 'never' });

export const runs = defineTable({
  name: 'runs',
  leaves: { kept_ms: ({ events_days }) => events_days * DAY_MS, over: sumUpOldRuns },
});

/** What is known of the run's processes as a whole. */
export interface RunTree {
  /** What holds them together; null until the shim has said. */
  containment: ContainmentRecord | null;
  /** Started by the shim, or orphans that came to it, and not known to be dead: oldest first. */
  known: (AdoptedRecord & { process?: number })[];
  /** Set while all of them stand still. */
  pause: (PauseRecord & { since_ms: number }) | null;
  /** Who adopts what it leaves behind when its shim dies; not noted by older versions. */
  adopters?: AdoptedRecord[];
  /** A pause that is over and that the agent was not told of. */
  away: { opId: string; from_ms: number; to_ms: number } | null;
  /** Sum of all pauses that are over: counts against no limit. */
  paused_ms: number;
  /** Set while it stands still at the gate or between turns, because it is held. */
  held?: { since_ms: number; paused_ms: number };
  /** Sum of the times it stood held and was not paused as well: counts against no limit either. */
  held_ms?: number;
}

export function newTree(adopters: readonly AdoptedRecord[] = []): RunTree {
  return { adopters: [...adopters], containment: null, known: [], pause: null, away: null, paused_ms: 0 };
}

export interface RunRecord {
  id: string;
  agent: string;
  state: RunState;
  state_ms: number;
  stateEvidence: Evidence;
  activity: Activity | null;
  activityEvidence: Evidence | null;
  requested: string | null;
  /** Who asked for what `requested` names, or for the start; null in older rows. */
  asked: { by: string; at_ms: number } | null;
  shim: { pid: number; start_ticks: number } | null;
  boot_id: string | null;
  journal_offset: number;
  engine: EngineState;
  floor: Floor;
  turn: TurnRecord;
  gate: GateRecord;
  tree: RunTree;
  sandbox: RunSandbox;
  last: string | null;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  started_ms: number;
  exited_ms: number | null;
  exit: (Omit<RunExit, 'cause'> & { cause: RunExit['cause'] | 'lost'; exact?: boolean }) | null;
}

export interface EndedRun {
  id: string;
  agent: string;
  exited_ms: number;
  /** No later run of this agent exists. */
  newest: boolean;
}

interface Row {
  id: string;
  agent: string;
  state: string;
  state_ms: number;
  state_evidence: string;
  activity: string | null;
  activity_evidence: string | null;
  requested: string | null;
  shim_pid: number | null;
  shim_start_ticks: number | null;
  boot_id: string | null;
  journal_offset: number;
  engine: string;
  floor: string;
  last: string | null;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  started_ms: number;
  exited_ms: number | null;
  exit: string | null;
  tree: string | null;
  turn: string;
  gate: string;
  asked: string | null;
  sandbox: string | null;
}

export class RunTable {
  readonly #put;
  readonly #get;
  readonly #ended;
  readonly #newest;
  readonly #newestStarted;
  readonly #live;
  readonly #lost;
  readonly #totals;
  readonly #host;

  constructor(store: Readable) {
    this.#put = store.db.prepare(
      // Not REPLACE: the row keeps its ordinal.
      `INSERT INTO runs (id, agent, state, state_ms, state_evidence, activity, activity_evidence, requested, shim_pid,
         shim_start_ticks, boot_id, journal_offset, engine, floor, last, input_tokens, output_tokens, cost_usd, started_ms, exited_ms, exit, tree, turn, gate, asked, sandbox, ordinal)
       VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?, (SELECT coalesce(max(ordinal), 0) + 1 FROM runs WHERE agent = ?))
       ON CONFLICT (id) DO UPDATE SET agent = excluded.agent, state = excluded.state, state_ms = excluded.state_ms,
         state_evidence = excluded.state_evidence, activity = excluded.activity, activity_evidence = excluded.activity_evidence,
         requested = excluded.requested, shim_pid = excluded.shim_pid, shim_start_ticks = excluded.shim_start_ticks,
         boot_id = excluded.boot_id, journal_offset = excluded.journal_offset, engine = excluded.engine, floor = excluded.floor,
         last = excluded.last, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
         cost_usd = excluded.cost_usd, started_ms = excluded.started_ms, exited_ms = excluded.exited_ms, exit = excluded.exit,
         tree = excluded.tree, turn = excluded.turn, gate = excluded.gate, asked = excluded.asked,
         sandbox = excluded.sandbox`,
    );
    this.#get = store.db.prepare<[string], Row>('SELECT * FROM runs WHERE id = ?');
    this.#ended = store.db.prepare<
      [string],
      { id: string; agent: string; exited_ms: number | null; newest: number }
    >(
      `SELECT id, agent, exited_ms, ordinal = (SELECT max(ordinal) FROM runs AS other WHERE other.agent = runs.agent) AS newest
       FROM runs WHERE id = ?`,
    );
    this.#newest = store.db.prepare<[string], Row>(
      'SELECT * FROM runs WHERE agent = ? ORDER BY ordinal DESC LIMIT 1',
    );
    this.#newestStarted = store.db.prepare<[string], Row>(
      "SELECT * FROM runs WHERE agent = ? AND json_extract(floor, '$.process') IS NOT NULL ORDER BY ordinal DESC LIMIT 1",
    );
    this.#live = store.db.prepare<[], Row>('SELECT * FROM runs WHERE exited_ms IS NULL ORDER BY started_ms');
    this.#lost = store.db.prepare<[string, number], Row>(
      `SELECT * FROM runs WHERE boot_id = ? AND json_extract(exit, '$.cause') = 'lost' ORDER BY exited_ms DESC LIMIT ?`,
    );
    this.#totals = store.db.prepare<
      [string, string],
      { input: number | null; output: number | null; cost: number | null; runs: number | null }
    >(
      `SELECT sum(input_tokens) AS input, sum(output_tokens) AS output, sum(cost_usd) AS cost, sum(runs) AS runs FROM (
         SELECT input_tokens, output_tokens, cost_usd, 1 AS runs FROM runs WHERE agent = ?
         UNION ALL SELECT input_tokens, output_tokens, cost_usd, runs FROM run_sums WHERE agent = ?)`,
    );
    this.#host = store.db.prepare<[number, string, number]>(
      'INSERT INTO hosts (pid, version, started_ms) VALUES (?,?,?)',
    );
  }

  put(run: RunRecord): void {
    this.#put.run(
      run.id,
      run.agent,
      run.state,
      run.state_ms,
      toJson(run.stateEvidence),
      run.activity,
      json(run.activityEvidence),
      run.requested,
      run.shim?.pid ?? null,
      run.shim?.start_ticks ?? null,
      run.boot_id,
      run.journal_offset,
      toJson(run.engine),
      toJson(run.floor),
      run.last,
      run.input_tokens,
      run.output_tokens,
      run.cost_usd,
      run.started_ms,
      run.exited_ms,
      json(run.exit),
      toJson(run.tree),
      toJson(run.turn),
      toJson(run.gate),
      json(run.asked),
      toJson(run.sandbox),
      run.agent,
    );
  }

  get(id: string): RunRecord | null {
    const row = this.#get.get(id);
    return row === undefined ? null : toRecord(row);
  }

  /** 'live', or the ended run, or null when no run of this id is known. */
  ended(id: string): EndedRun | 'live' | null {
    const row = this.#ended.get(id);
    if (row === undefined) return null;
    const { exited_ms, newest, ...run } = row;
    return exited_ms === null ? 'live' : { ...run, exited_ms, newest: newest === 1 };
  }

  newest(agent: string): RunRecord | null {
    const row = this.#newest.get(agent);
    return row === undefined ? null : toRecord(row);
  }

  /** The newest that was given a process. */
  newestStarted(agent: string): RunRecord | null {
    const row = this.#newestStarted.get(agent);
    return row === undefined ? null : toRecord(row);
  }

  /** Every run that is not known to have exited, oldest first. */
  live(): RunRecord[] {
    return this.#live.all().map(toRecord);
  }

  /** Runs whose shim died since the machine was started, the newest first. */
  lost(boot_id: string, count_max: number): RunRecord[] {
    return this.#lost.all(boot_id, count_max).map(toRecord);
  }

  /** Sums over all runs of an agent, the forgotten ones included. */
  totals(agent: string): { input: number; output: number; cost_usd: number | null; runs: number } {
    const row = this.#totals.get(agent, agent);
    return {
      input: row?.input ?? 0,
      output: row?.output ?? 0,
      cost_usd: row?.cost ?? null,
      runs: row?.runs ?? 0,
    };
  }

  /** Registers this host process. @returns its generation: greater than that of every host before it. */
  newHost(pid: number, version: string, started_ms: number): number {
    return Number(this.#host.run(pid, version, started_ms).lastInsertRowid);
  }
}

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : toJson(value);
}

function toRecord(row: Row): RunRecord {
  return {
    id: row.id,
    agent: row.agent,
    state: row.state as RunState,
    state_ms: row.state_ms,
    stateEvidence: JSON.parse(row.state_evidence) as Evidence,
    activity: row.activity as Activity | null,
    activityEvidence: row.activity_evidence === null ? null : (JSON.parse(row.activity_evidence) as Evidence),
    requested: row.requested,
    asked: row.asked === null ? null : (JSON.parse(row.asked) as RunRecord['asked']),
    shim: row.shim_pid === null ? null : { pid: row.shim_pid, start_ticks: row.shim_start_ticks ?? 0 },
    boot_id: row.boot_id,
    journal_offset: row.journal_offset,
    engine: JSON.parse(row.engine) as EngineState,
    floor: JSON.parse(row.floor) as Floor,
    turn: JSON.parse(row.turn) as TurnRecord,
    gate: JSON.parse(row.gate) as GateRecord,
    last: row.last,
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    cost_usd: row.cost_usd,
    started_ms: row.started_ms,
    exited_ms: row.exited_ms,
    exit: row.exit === null ? null : (JSON.parse(row.exit) as RunRecord['exit']),
    tree: row.tree === null ? newTree() : (JSON.parse(row.tree) as RunTree),
    sandbox: row.sandbox === null ? unconfined(row.id) : (JSON.parse(row.sandbox) as RunSandbox),
  };
}

/** SQL of `runs` (the observed state) and `hosts` (one row per host process that ever owned this directory). */
import type { Activity, EngineState, Frame } from '../../runtimes/runtime.ts';
import type { Evidence, Principal, RunState } from '../api.ts';
import type { AdoptedRecord, ContainmentRecord, PauseRecord, RunExit } from '../shim/wire.ts';
import type { Store } from './store.ts';

/** The process that has the floor, and how far its output was understood. */
export interface Floor {
  process: number | null;
  role: 'engine' | 'terminal';
  pid: number | null;
  io: 'pipes' | 'pty';
  cols: number;
  rows: number;
  /** Bytes of an unfinished line, kept so that a restarted host continues in the middle of it. */
  partialOut: string;
  partialErr: string;
  /** The end of what it printed for people, on its terminal or to stderr: its last words, should it crash. */
  printed?: string;
  /** Journal offset at which the present PTY began; null without one. */
  terminalFrom: number | null;
  /** Record boundaries inside the terminal stream, oldest first: where a replay may begin. */
  marks: number[];
  /** How far the engine's transcript was read while a human holds the terminal. */
  tail: { path: string; offset: number } | null;
  /** First frames of the present engine process that the shim has not confirmed. */
  opening: Frame[];
  /** When it last printed anything. */
  heard_ms?: number;
  /** Tool calls that stand at the gate, oldest first. */
  gates?: GateCall[];
  /** Tool calls that passed the gate and have not answered. */
  running?: PassedCall[];
  /** The newest tool use ids that passed: a result of another shows that the gate was not asked. */
  passed?: string[];
  /** What the engine itself said last, while `activity` tells that it is held. */
  says?: { activity: Activity; what: string; at_ms: number };
  /** Whose words the present turn goes by, beside the operator's. */
  senders?: Principal[];
  /** The turn is only broken off to be gone on with: the next one goes by the same words. */
  goesOn?: boolean;
  /** A tool that ran without having asked the gate: what is held now is seen, not enforced. */
  ungated?: string;
  /** Who asked for what `requested` names, and when. */
  asked?: { by: string; at_ms: number };
  /** How the newest turn ended: tells a conversation that rests from one that was cut off. */
  turnEnded?: 'done' | 'failed' | 'interrupted';
  /** How many lines, facts and records of this run could not be taken and were left out. */
  leftOut?: number;
  /** Why the conversation goes on in a new process: worth no turn of its own, so the next message begins with it. */
  untold?: string;
}

export interface GateCall {
  requestId: string;
  tool: string;
  toolUseId: string;
  subagent?: string;
  at_ms: number;
  /** The question to the operator on which it waits. */
  approval?: string;
  /** What it is answered, once nothing holds it. */
  verdict: 'ask' | 'pass' | 'allow' | 'deny' | 'stop';
  message?: string;
}

export interface PassedCall {
  toolUseId: string;
  tool: string;
  subagent?: string;
}

/** What is known of the run's processes as a whole. */
export interface RunTree {
  /** What holds them together; null until the shim has said. */
  containment: ContainmentRecord | null;
  /** Started by the shim, or orphans that came to it, and not known to be dead: oldest first. */
  known: (AdoptedRecord & { process?: number })[];
  /** Set while all of them stand still. */
  pause: (PauseRecord & { since_ms: number }) | null;
  /** A pause that is over and that the agent was not told of. */
  away: { opId: string; from_ms: number; to_ms: number } | null;
  /** Sum of all pauses that are over: counts against no limit. */
  paused_ms: number;
  /** Set while it stands still at the gate or between turns, because it is held. */
  held?: { since_ms: number; paused_ms: number };
  /** Sum of the times it stood held and was not paused as well: counts against no limit either. */
  held_ms?: number;
}

export function newTree(): RunTree {
  return { containment: null, known: [], pause: null, away: null, paused_ms: 0 };
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
  shim: { pid: number; start_ticks: number } | null;
  boot_id: string | null;
  journal_offset: number;
  engine: EngineState;
  floor: Floor;
  tree: RunTree;
  last: string | null;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  started_ms: number;
  exited_ms: number | null;
  exit: (Omit<RunExit, 'cause'> & { cause: RunExit['cause'] | 'lost' }) | null;
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
}

export class RunTable {
  readonly #put;
  readonly #get;
  readonly #newest;
  readonly #newestStarted;
  readonly #live;
  readonly #totals;
  readonly #host;

  constructor(store: Store) {
    this.#put = store.db.prepare(
      // Not REPLACE: the row keeps its ordinal.
      `INSERT INTO runs (id, agent, state, state_ms, state_evidence, activity, activity_evidence, requested, shim_pid,
         shim_start_ticks, boot_id, journal_offset, engine, floor, last, input_tokens, output_tokens, cost_usd, started_ms, exited_ms, exit, tree, ordinal)
       VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?, (SELECT coalesce(max(ordinal), 0) + 1 FROM runs WHERE agent = ?))
       ON CONFLICT (id) DO UPDATE SET agent = excluded.agent, state = excluded.state, state_ms = excluded.state_ms,
         state_evidence = excluded.state_evidence, activity = excluded.activity, activity_evidence = excluded.activity_evidence,
         requested = excluded.requested, shim_pid = excluded.shim_pid, shim_start_ticks = excluded.shim_start_ticks,
         boot_id = excluded.boot_id, journal_offset = excluded.journal_offset, engine = excluded.engine, floor = excluded.floor,
         last = excluded.last, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
         cost_usd = excluded.cost_usd, started_ms = excluded.started_ms, exited_ms = excluded.exited_ms, exit = excluded.exit,
         tree = excluded.tree`,
    );
    this.#get = store.db.prepare<[string], Row>('SELECT * FROM runs WHERE id = ?');
    this.#newest = store.db.prepare<[string], Row>(
      'SELECT * FROM runs WHERE agent = ? ORDER BY ordinal DESC LIMIT 1',
    );
    this.#newestStarted = store.db.prepare<[string], Row>(
      "SELECT * FROM runs WHERE agent = ? AND json_extract(floor, '$.process') IS NOT NULL ORDER BY ordinal DESC LIMIT 1",
    );
    this.#live = store.db.prepare<[], Row>('SELECT * FROM runs WHERE exited_ms IS NULL ORDER BY started_ms');
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
      JSON.stringify(run.stateEvidence),
      run.activity,
      json(run.activityEvidence),
      run.requested,
      run.shim?.pid ?? null,
      run.shim?.start_ticks ?? null,
      run.boot_id,
      run.journal_offset,
      JSON.stringify(run.engine),
      JSON.stringify(run.floor),
      run.last,
      run.input_tokens,
      run.output_tokens,
      run.cost_usd,
      run.started_ms,
      run.exited_ms,
      json(run.exit),
      JSON.stringify(run.tree),
      run.agent,
    );
  }

  get(id: string): RunRecord | null {
    const row = this.#get.get(id);
    return row === undefined ? null : toRecord(row);
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
  return value === null || value === undefined ? null : JSON.stringify(value);
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
    shim: row.shim_pid === null ? null : { pid: row.shim_pid, start_ticks: row.shim_start_ticks ?? 0 },
    boot_id: row.boot_id,
    journal_offset: row.journal_offset,
    engine: JSON.parse(row.engine) as EngineState,
    floor: JSON.parse(row.floor) as Floor,
    last: row.last,
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    cost_usd: row.cost_usd,
    started_ms: row.started_ms,
    exited_ms: row.exited_ms,
    exit: row.exit === null ? null : (JSON.parse(row.exit) as RunRecord['exit']),
    tree: row.tree === null ? newTree() : (JSON.parse(row.tree) as RunTree),
  };
}

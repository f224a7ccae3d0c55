/** SQL of `agents`: the desired state. `config` is the applied entry of aether.yaml and holds no secret. */
import type { EngineState } from '../../runtimes/runtime.ts';
import type { AgentConfig } from '../config/types.ts';
import type { WireError } from '../errors.ts';
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

export const agents = defineTable({ name: 'agents', leaves: 'never' });

/** An operator wants it to stand still at the next tool boundary or turn end. Outlives runs and hosts. */
export interface HoldRecord {
  by: string;
  since_ms: number;
  /** When it came to stand still; null: not yet. */
  held_ms: number | null;
  /** Tools that were refused because the hold outlasted the gate's own time-out. */
  blocked: string[];
}

export interface AgentRecord {
  name: string;
  config: AgentConfig;
  config_hash: string;
  wanted: 'running' | 'stopped';
  wanted_by: string;
  /** Carried from run to run: the engine's own conversation. */
  engine: EngineState | null;
  problem: WireError | null;
  /** Failed runs in a row. */
  failures: number;
  hold: HoldRecord | null;
  created_ms: number;
  updated_ms: number;
}

interface Row {
  name: string;
  runtime: string;
  config: string;
  config_hash: string;
  wanted: string;
  wanted_by: string;
  engine: string | null;
  problem: string | null;
  failures: number;
  hold: string | null;
  created_ms: number;
  updated_ms: number;
}

export class AgentTable {
  readonly #all;
  readonly #put;
  readonly #remove;

  constructor(store: Readable) {
    this.#all = store.db.prepare<[], Row>('SELECT * FROM agents ORDER BY created_ms, name');
    this.#put = store.db.prepare(
      `INSERT OR REPLACE INTO agents (name, runtime, config, config_hash, wanted, wanted_by, engine, problem, failures, hold, created_ms, updated_ms)
       VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
    );
    this.#remove = store.db.prepare<[string]>('DELETE FROM agents WHERE name = ?');
  }

  all(): AgentRecord[] {
    return this.#all.all().map((row) => ({
      name: row.name,
      config: JSON.parse(row.config) as AgentConfig,
      config_hash: row.config_hash,
      wanted: row.wanted as AgentRecord['wanted'],
      wanted_by: row.wanted_by,
      engine: row.engine === null ? null : (JSON.parse(row.engine) as EngineState),
      problem: row.problem === null ? null : (JSON.parse(row.problem) as WireError),
      failures: row.failures,
      hold: row.hold === null ? null : (JSON.parse(row.hold) as HoldRecord),
      created_ms: row.created_ms,
      updated_ms: row.updated_ms,
    }));
  }

  put(agent: AgentRecord): void {
    this.#put.run(
      agent.name,
      agent.config.runtime,
      toJson(agent.config),
      agent.config_hash,
      agent.wanted,
      agent.wanted_by,
      agent.engine === null ? null : toJson(agent.engine),
      agent.problem === null ? null : toJson(agent.problem),
      agent.failures,
      agent.hold === null ? null : toJson(agent.hold),
      agent.created_ms,
      agent.updated_ms,
    );
  }

  remove(name: string): void {
    this.#remove.run(name);
  }
}

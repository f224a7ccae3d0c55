/** Desired state: the agent records of this host, in memory and in the database, changed together. */

import type { Clock } from '../clock.ts';
import type { AgentConfig } from '../config/types.ts';
import { AetherError } from '../errors.ts';
import type { AgentRecord, AgentTable } from '../store/agents.ts';
import type { Store } from '../store/store.ts';

export class Agents {
  readonly #store: Store;
  readonly #table: AgentTable;
  readonly #clock: Clock;
  readonly #records = new Map<string, AgentRecord>();

  constructor(options: { store: Store; table: AgentTable; clock: Clock }) {
    this.#store = options.store;
    this.#table = options.table;
    this.#clock = options.clock;
    for (const record of options.table.all()) this.#records.set(record.name, record);
  }

  all(): AgentRecord[] {
    return [...this.#records.values()];
  }

  find(name: string): AgentRecord | undefined {
    return this.#records.get(name);
  }

  get(name: string): AgentRecord {
    const record = this.#records.get(name);
    if (record !== undefined) return record;
    const known = [...this.#records.keys()].join(', ');
    throw new AetherError({
      code: 'agent.unknown',
      who: 'user',
      message: `There is no agent named ${JSON.stringify(name.slice(0, 80))}.`,
      next: known === '' ? 'Declare agents in aether.yaml and run `aether up`.' : `Known agents: ${known}.`,
    });
  }

  /** Adds, or replaces the configuration of, one agent; its wish to run and its conversation stay. */
  configure(config: AgentConfig, hash: string): AgentRecord {
    const now = this.#clock.now();
    const old = this.#records.get(config.name);
    const record: AgentRecord = {
      name: config.name,
      config,
      config_hash: hash,
      wanted: old?.wanted ?? (config.autostart ? 'running' : 'stopped'),
      wanted_by: old?.wanted_by ?? 'config',
      // Another engine cannot continue this one's conversation.
      engine:
        old !== undefined &&
        old.config.runtime === config.runtime &&
        old.config.workspace === config.workspace
          ? old.engine
          : null,
      problem: null,
      failures: 0,
      hold: old?.hold ?? null,
      created_ms: old?.created_ms ?? now,
      updated_ms: now,
    };
    this.#put(record);
    return record;
  }

  change(name: string, change: (record: AgentRecord) => void): AgentRecord {
    const record = this.get(name);
    const before = structuredClone(record);
    return this.#store.transaction(() => {
      this.#store.onRollback(() => Object.assign(record, before));
      change(record);
      record.updated_ms = this.#clock.now();
      this.#put(record);
      return record;
    });
  }

  remove(name: string): void {
    this.#table.remove(name);
    this.#records.delete(name);
  }

  #put(record: AgentRecord): void {
    this.#store.transaction(() => {
      const before = this.#records.get(record.name);
      this.#store.onRollback(() => {
        if (before === undefined) this.#records.delete(record.name);
        else this.#records.set(record.name, before);
      });
      this.#table.put(record);
      this.#records.set(record.name, record);
    });
  }
}

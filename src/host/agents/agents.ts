/** Desired state: the agent records of this host, in memory and in the database, changed together. */

import type { Clock } from '../clock.ts';
import type { AgentConfig } from '../config/types.ts';
import { AetherError, nearest } from '../errors.ts';
import type { AgentRecord, AgentTable } from '../store/agents.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';

/** Of the known names, in a refusal. */
const SHOWN_MAX = 20;

export class Agents {
  readonly #store: Store;
  readonly #table: AgentTable;
  readonly #clock: Clock;
  readonly #records = new Map<string, AgentRecord>();
  /** Place of each name in the configuration. */
  #places = new Map<string, number>();

  constructor(options: { store: Store; table: AgentTable; clock: Clock }) {
    this.#store = options.store;
    this.#table = options.table;
    this.#clock = options.clock;
    for (const record of options.table.all()) this.#records.set(record.name, record);
  }

  /** In the order of the configuration; those that are not in it any more come last. */
  all(): AgentRecord[] {
    const place = ({ name }: AgentRecord) => this.#places.get(name) ?? Number.MAX_SAFE_INTEGER;
    return [...this.#records.values()].sort((one, other) => place(one) - place(other));
  }

  /** @param names every agent of the configuration, in its order */
  arrange(names: readonly string[]): void {
    this.#places = new Map(names.map((name, place) => [name, place]));
  }

  find(name: string): AgentRecord | undefined {
    return this.#records.get(name);
  }

  get(name: string): AgentRecord {
    const record = this.#records.get(name);
    if (record !== undefined) return record;
    const known = [...this.#records.keys()];
    const near = nearest(name, known);
    const few = `${known.slice(0, SHOWN_MAX).join(', ')}${known.length > SHOWN_MAX ? ', …' : ''}`;
    throw new AetherError({
      code: 'agent.unknown',
      who: 'user',
      message: `There is no agent named ${JSON.stringify(cutText(name, { chars_max: 80 }))}.`,
      next:
        known.length === 0
          ? 'Declare agents in aether.yaml and run `aether up`.'
          : `${near.length > 0 ? `Did you mean ${near.join(' or ')}? ` : ''}Known agents: ${few}.`,
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
      // Those added in one go keep their order, also for a host whose configuration is broken.
      created_ms: old?.created_ms ?? Math.max(now, this.#newest() + 1),
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

  #newest(): number {
    return [...this.#records.values()].reduce((newest, { created_ms }) => Math.max(newest, created_ms), 0);
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

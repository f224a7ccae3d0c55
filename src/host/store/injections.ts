/** SQL of `injections`: messages for an agent with their receipts, in the order they were accepted. */
import type { InjectionView, Principal } from '../api.ts';
import { toJson } from './json.ts';

import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

/** A delivered one is over with its run, which can tell no more of it. */
export const injections = defineTable({
  name: 'injections',
  leaves: {
    kept_ms: ({ events_days }) => events_days * DAY_MS,
    over: `created_ms < @before_ms AND (state IN ('acted', 'unknown', 'cancelled')
      OR state IN ('delivered', 'seen') AND run NOT IN (SELECT id FROM runs WHERE exited_ms IS NULL))`,
  },
});

export type InjectionRecord = InjectionView & { run: string | null; created_ms: number };

interface Row {
  id: string;
  ordinal: number;
  agent: string;
  run: string | null;
  text: string;
  priority: string;
  principal: string;
  state: string;
  steps: string;
  created_ms: number;
}

export class InjectionTable {
  readonly #insert;
  readonly #update;
  readonly #get;
  readonly #list;
  readonly #queued;
  readonly #unsettled;

  constructor(store: Readable) {
    this.#insert = store.db.prepare(
      `INSERT INTO injections (id, ordinal, agent, run, text, priority, principal, state, steps, created_ms)
       VALUES (?, (SELECT coalesce(max(ordinal), 0) + 1 FROM injections), ?,?,?,?,?,?,?,?)`,
    );
    this.#update = store.db.prepare<[string | null, string, string, string]>(
      'UPDATE injections SET run = ?, state = ?, steps = ? WHERE id = ?',
    );
    this.#get = store.db.prepare<[string], Row>('SELECT * FROM injections WHERE id = ?');
    this.#list = store.db.prepare<[string, number], Row>(
      'SELECT * FROM (SELECT * FROM injections WHERE agent = ? ORDER BY ordinal DESC LIMIT ?) ORDER BY ordinal',
    );
    this.#queued = store.db.prepare<[string, number], Row>(
      "SELECT * FROM injections WHERE agent = ? AND state = 'queued' ORDER BY ordinal LIMIT ?",
    );
    this.#unsettled = store.db.prepare<[string], Row>(
      "SELECT * FROM injections WHERE run = ? AND state IN ('delivered') ORDER BY ordinal",
    );
  }

  insert(injection: InjectionRecord): void {
    this.#insert.run(
      injection.id,
      injection.agent,
      injection.run,
      injection.text,
      injection.priority,
      injection.principal,
      injection.state,
      toJson(injection.steps),
      injection.created_ms,
    );
  }

  update(injection: InjectionRecord): void {
    this.#update.run(injection.run, injection.state, toJson(injection.steps), injection.id);
  }

  get(id: string): InjectionRecord | null {
    const row = this.#get.get(id);
    return row === undefined ? null : toRecord(row);
  }

  /** The newest `limit`, oldest first. */
  list(agent: string, limit: number): InjectionRecord[] {
    return this.#list.all(agent, limit).map(toRecord);
  }

  queued(agent: string, limit: number): InjectionRecord[] {
    return this.#queued.all(agent, limit).map(toRecord);
  }

  /** Delivered to this run, and not known to have been seen. */
  unsettled(run: string): InjectionRecord[] {
    return this.#unsettled.all(run).map(toRecord);
  }
}

function toRecord(row: Row): InjectionRecord {
  return {
    id: row.id,
    agent: row.agent,
    run: row.run,
    text: row.text,
    priority: row.priority as InjectionRecord['priority'],
    principal: row.principal as Principal,
    state: row.state as InjectionRecord['state'],
    steps: JSON.parse(row.steps) as InjectionRecord['steps'],
    created_ms: row.created_ms,
  };
}

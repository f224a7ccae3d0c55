/** Memory of a real store, with the verbs over it, for doubles of a host. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agents } from '../../src/host/agents/agents.ts';
import type { EventsFilter, EventView } from '../../src/host/api.ts';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { Events } from '../../src/host/events/events.ts';
import { randomIds } from '../../src/host/ids.ts';
import { openLog } from '../../src/host/log.ts';
import { Curation } from '../../src/host/memory/curation.ts';
import { Memory } from '../../src/host/memory/memory.ts';
import { giveFeedback } from '../../src/host/operations/recall/feedback.ts';
import type { Wiring } from '../../src/host/operations/wiring.ts';
import { Runs } from '../../src/host/runs/runs.ts';
import { AgentTable } from '../../src/host/store/agents.ts';
import { RunTable } from '../../src/host/store/runs.ts';
import { Store } from '../../src/host/store/store.ts';
import type { Rooms } from '../../src/host/verbs/rooms.ts';

/** What people say of what agents did is about events and agents of this; default: those of the desk itself. */
export interface Deeds {
  at(seq: number): EventView | null;
  list(filter: EventsFilter): EventView[];
  requireAgent(name: string): void;
}

export class MemoryDesk {
  /** Added to the time of the clock: what is stored meanwhile is as old. */
  shift_ms = 0;
  readonly dir = fs.mkdtempSync(join(tmpdir(), 'ae-memory-'));
  readonly store = new Store(join(this.dir, 'aether.db'));
  readonly memory: Memory;
  readonly events: Events;
  readonly agents: Agents;
  readonly curation: Curation;
  readonly rooms: Rooms['memories'];

  constructor(clock: Clock = systemClock, deeds?: Deeds) {
    const shifted: Clock = {
      now: () => clock.now() + this.shift_ms,
      elapsed: () => clock.elapsed(),
      after: (ms, callback) => clock.after(ms, callback),
    };
    const parts = { store: this.store, clock: shifted, ids: randomIds };
    this.events = new Events({ ...parts, log: openLog(undefined) });
    this.agents = new Agents({ store: this.store, table: new AgentTable(this.store), clock });
    this.memory = new Memory({ ...parts, events: this.events });
    const runs = new Runs(new RunTable(this.store));
    this.curation = new Curation({
      ...{ ...parts, memory: this.memory, events: this.events },
      // Runs of tests are called after their agent.
      agentOf: (run) => runs.byId(run)?.record.agent ?? /^r_(\w+)$/.exec(run)?.[1] ?? null,
    });
    const { curation } = this;
    const own = { ...this, runs, events: this.events, agents: this.agents };
    const wiring = deeds === undefined ? own : { ...own, ...this.#about(deeds) };
    this.rooms = {
      list: (by, filter) => curation.list(by, filter),
      show: (by, id) => curation.show(by, id),
      edit: (by, id, change) => curation.edit(by, id, change),
      pin: (by, id, pinned) => curation.pin(by, id, pinned),
      forget: (by, id) => curation.forget(by, id),
      redact: (id) => curation.redact(id),
      import: (by, asked) => curation.import(by, asked),
      quota: (scope) => curation.quota(scope),
      feedback: (by, given) => giveFeedback(wiring, curation, by, given),
    };
  }

  /** What giving feedback uses of the host, with the deeds of another. */
  #about({ at, list, requireAgent }: Deeds): Pick<Wiring, 'events' | 'agents'> {
    const events = { append: this.events.append.bind(this.events), at, list } as Wiring['events'];
    const get = (name: string) => {
      requireAgent(name);
      return { name };
    };
    return { events, agents: { get } as Wiring['agents'] };
  }

  close(): void {
    this.store.close();
    fs.rmSync(this.dir, { recursive: true });
  }
}

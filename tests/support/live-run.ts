/**
 * One run over a real shim, whose engine prints what the test says: the real reading, store, gate and delivery, on a
 * clock of the test's own. A host can die and be followed by another one over the same database and shim.
 */
import { join } from 'node:path';
import { Agents } from '../../src/host/agents/agents.ts';
import { Approvals } from '../../src/host/approvals/approvals.ts';
import type { AgentConfig } from '../../src/host/config/types.ts';
import { Events } from '../../src/host/events/events.ts';
import { randomIds } from '../../src/host/ids.ts';
import { openLog } from '../../src/host/log.ts';
import { Gates } from '../../src/host/operations/gate/gates.ts';
import { policiesOf } from '../../src/host/operations/gate/policies.ts';
import type { Policy } from '../../src/host/operations/gate/policy.ts';
import { acceptInjection, InjectionDelivery } from '../../src/host/operations/messages/inject.ts';
import { Recalls } from '../../src/host/operations/recall/recall.ts';
import { showActivity } from '../../src/host/operations/turn/activity.ts';
import type { Wiring } from '../../src/host/operations/wiring.ts';
import { Run } from '../../src/host/runs/run.ts';
import { Runs } from '../../src/host/runs/runs.ts';
import { localSandbox } from '../../src/host/sandboxes/local.ts';
import type { Principal } from '../../src/host/shapes.ts';
import { RecordType } from '../../src/host/shim/shim-protocol.ts';
import { AgentTable } from '../../src/host/store/agents.ts';
import { InjectionTable } from '../../src/host/store/injections.ts';
import { LeaseTable } from '../../src/host/store/leases.ts';
import { newFloor, newGate, newTurn } from '../../src/host/store/run-parts.ts';
import { unconfined } from '../../src/host/store/run-sandbox.ts';
import { newTree, type RunRecord, RunTable } from '../../src/host/store/runs.ts';
import { Store } from '../../src/host/store/store.ts';
import { Leases } from '../../src/host/terminals/leases.ts';
import type { ObservedEvent, Runtime } from '../../src/runtimes/runtime.ts';
import type { FixtureRequest } from '../fixtures/engine/wire.ts';
import { VirtualClock } from './clock.ts';
import { factsSink } from './facts-sink.ts';
import { fixtureRuntime } from './fixture-runtime.ts';
import { PUPPET, ShimLab, shell, type TestShim, until } from './shim.ts';

export interface LiveRunOptions {
  runtime?: Runtime;
  policies?: (agents: Agents) => Policy[];
  config?: Partial<AgentConfig>;
}

interface LiveHost {
  store: Store;
  wiring: Wiring;
  run: Run;
  delivery: InjectionDelivery;
}

export class LiveRun {
  readonly clock = new VirtualClock();
  readonly #lab: ShimLab;
  readonly #shim: TestShim;
  readonly #options: LiveRunOptions;
  #generation = 1;
  #host!: LiveHost;
  #said = 0;

  private constructor(lab: ShimLab, shim: TestShim, options: LiveRunOptions) {
    this.#lab = lab;
    this.#shim = shim;
    this.#options = options;
    // The shim notes down when things happened.
    this.clock.jump(Date.now() - this.clock.now());
  }

  static async begin(options: LiveRunOptions = {}): Promise<LiveRun> {
    const lab = new ShimLab();
    const live = new LiveRun(lab, await lab.launch(), options);
    await live.#open();
    live.wiring.runTable.put(live.run.record);
    await live.#shim.client.start('engine-1', shell(PUPPET));
    await until('the host to have read that the process has started', async () => {
      await live.run.pump();
      return live.run.record.floor.process !== null;
    });
    await live.say({ kind: 'ready' });
    return live;
  }

  get file(): string {
    return join(this.#shim.start.dir, '..', 'aether.db');
  }

  get wiring(): Wiring {
    return this.#host.wiring;
  }

  get run(): Run {
    return this.#host.run;
  }

  get gate() {
    return this.wiring.gates.of(this.run);
  }

  async #open(): Promise<void> {
    const { start } = this.#shim;
    const client =
      this.#generation === 1 ? this.#shim.client : await this.#lab.connect(start.socket, this.#generation);
    const { runtime = fixtureRuntime, policies = policiesOf, config } = this.#options;
    const { clock } = this;
    const store = new Store(this.file);
    const parts = { store, clock, ids: randomIds, log: openLog(undefined) };
    const table = new RunTable(store);
    const events = new Events(parts);
    const approvals = new Approvals({ ...parts, events });
    const agents = new Agents({ store, table: new AgentTable(store), clock });
    if (this.#generation === 1)
      agents.configure(
        { name: 'a', runtime: runtime.name, autostart: true, ...config } as unknown as AgentConfig,
        'hash',
      );
    const runs = new Runs(table);
    const wiring = {
      ...{ ...parts, events, approvals, agents, runs, runTable: table, generation: this.#generation },
      injections: new InjectionTable(store),
      leases: new Leases({ store, table: new LeaseTable(store), clock }),
      touched: () => undefined,
      deliver: () => undefined,
      closing: () => false,
    } as unknown as Wiring;
    wiring.gates = new Gates({
      ...{ ...parts, events, approvals, agents },
      policies: policies(agents),
      show: (run, at_ms) => showActivity(wiring, run, at_ms),
    });
    wiring.recalls = new Recalls(wiring);
    const sink = factsSink(wiring);
    const record = this.#generation === 1 ? newRecord(start.run, clock.now()) : table.get(start.run)!;
    const run = new Run({
      record,
      runtime,
      sandbox: localSandbox,
      ...{ store, table, clock, log: parts.log },
      paths: { journal: start.dir, shimSocket: '', doorSocket: '', mcpCommand: '', runDir: start.dir },
      sink: { ...sink, exited: () => undefined },
    });
    runs.add(run);
    run.attach(client);
    this.#host = { store, wiring, run, delivery: new InjectionDelivery(wiring) };
    await run.pump();
  }

  /** The host dies, wherever it stands. */
  async die(): Promise<void> {
    // Those who wait for an answer are told by the next microtask.
    await Promise.resolve();
    this.run.close();
    this.#host.store.close();
  }

  /** Another host takes the run over. `before` may look at the database first. */
  async next(): Promise<void> {
    this.#generation += 1;
    await this.#open();
    this.gate.adopt();
  }

  /** The engine prints these, and the host has read them. */
  async say(...events: ObservedEvent[]): Promise<void> {
    await this.print(...events.map((event) => JSON.stringify(event)));
  }

  async print(...lines: string[]): Promise<void> {
    this.#said += 1;
    const mark = `said ${this.#said}`;
    const note = JSON.stringify({ kind: 'note', level: 'info', text: mark });
    const data = [...lines, note].map((line) => `> ${line}\n`).join('');
    await this.run.write({ id: `puppet-${this.#generation}-${this.#said}`, data });
    await this.#shim.printed(0, mark);
    await until('the host to have read it', async () => {
      await this.run.pump();
      return this.events('engine.note').some(({ text }) => text === mark);
    });
  }

  /** What the shim was told to write to the engine and has journalled, oldest first. */
  async frames(): Promise<{ id: string; request: FixtureRequest }[]> {
    await this.settled();
    return this.#shim.journal
      .read()
      .records.filter(({ type }) => type === RecordType.in)
      .map(({ payload }) => {
        const end = payload.indexOf(10);
        const { frame } = JSON.parse(payload.toString('utf8', 0, end)) as { frame: string };
        return { id: frame, data: payload.toString('utf8', end + 1) };
      })
      .filter(({ id }) => !id.startsWith('puppet-'))
      .map(({ id, data }) => ({ id, request: JSON.parse(data) as FixtureRequest }));
  }

  /** What was begun is over: requests to the shim are answered in order, and the host has read all of its journal. */
  async settled(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      await this.run.client.currentStatus();
      await this.run.pump();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** As the shim has it from a host that did not live to read that it was written. */
  async writeAsBefore(id: string, data: string): Promise<void> {
    const client = await this.#lab.connect(this.#shim.start.socket, this.#generation);
    await client.write(0, id, data);
    client.close();
  }

  hold(): void {
    this.wiring.agents.change('a', (agent) => {
      agent.hold = { by: 'operator', since_ms: this.clock.now(), held_ms: null, blocked: [] };
    });
    this.run.save(() => showActivity(this.wiring, this.run, this.clock.now()));
  }

  letGo(): void {
    this.wiring.agents.change('a', (agent) => {
      agent.hold = null;
    });
    this.gate.pass();
  }

  async message(text: string, by: Principal): Promise<void> {
    acceptInjection(this.wiring, 'a', { text, priority: 'next' }, by);
    await this.#host.delivery.kick('a');
    await this.settled();
  }

  events(topic: string): Record<string, unknown>[] {
    const { db } = this.#host.store;
    const rows = db.prepare<[string], string>('SELECT data FROM events WHERE topic = ? ORDER BY seq').pluck();
    return rows.all(topic).map((data) => JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.run.close();
    this.#host.store.close();
    this.#lab.clean();
  }
}

function newRecord(id: string, now: number): RunRecord {
  const evidence = { source: 'shim', grade: 'observed' as const, what: '', at_ms: now };
  return {
    ...{ id, agent: 'a', state: 'starting', state_ms: now, stateEvidence: evidence, requested: null },
    ...{ activity: 'starting', activityEvidence: null, asked: null, shim: null, boot_id: null },
    ...{
      journal_offset: 0,
      engine: { session: null },
      floor: newFloor([]),
      turn: newTurn(),
      gate: newGate(),
    },
    ...{
      sandbox: unconfined(id),
      tree: newTree(),
      last: null,
      input_tokens: 0,
      output_tokens: 0,
      cost_usd: null,
      started_ms: now,
    },
    ...{ exited_ms: null, exit: null },
  };
}

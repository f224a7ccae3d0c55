/**
 * The operations of a host over a real store, real shims and a clock that moves when the test says so. The engine is
 * a puppet: it prints what the test says and nothing else, so a test stands exactly where it wants to. A host can die
 * and be followed by another over the same directory, or live on beside it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Agents } from '../../src/host/agents/agents.ts';
import { Approvals } from '../../src/host/approvals/approvals.ts';
import { MEMORY } from '../../src/host/config/memory-schema.ts';
import type { AgentConfig } from '../../src/host/config/types.ts';
import { Events } from '../../src/host/events/events.ts';
import { randomIds } from '../../src/host/ids.ts';
import { limits } from '../../src/host/limits.ts';
import { openLog } from '../../src/host/log.ts';
import { Memory } from '../../src/host/memory/memory.ts';
import { runSink } from '../../src/host/operations/boot/fact-routes.ts';
import { recoverRuns, returnExpired } from '../../src/host/operations/boot/recover.ts';
import { Gates } from '../../src/host/operations/gate/gates.ts';
import { policiesOf } from '../../src/host/operations/gate/policies.ts';
import { Launcher } from '../../src/host/operations/launch/launch.ts';
import { Holds } from '../../src/host/operations/lifecycle/hold.ts';
import { Lifecycle } from '../../src/host/operations/lifecycle/lifecycle.ts';
import { Pauses } from '../../src/host/operations/lifecycle/pause.ts';
import { InjectionDelivery } from '../../src/host/operations/messages/inject.ts';
import { Messages } from '../../src/host/operations/messages/messages.ts';
import { Recalls } from '../../src/host/operations/recall/recall.ts';
import { RunScreens } from '../../src/host/operations/takeover/screens.ts';
import { Takeover } from '../../src/host/operations/takeover/takeover.ts';
import { showActivity } from '../../src/host/operations/turn/activity.ts';
import { TranscriptReader } from '../../src/host/operations/turn/transcript.ts';
import type { Wiring } from '../../src/host/operations/wiring.ts';
import { Outsiders } from '../../src/host/process/outsiders.ts';
import type { Run } from '../../src/host/runs/run.ts';
import { Runs } from '../../src/host/runs/runs.ts';
import { localSandbox } from '../../src/host/sandboxes/local.ts';
import { ProgramCopies } from '../../src/host/sandboxes/program-copies.ts';
import { RecordType } from '../../src/host/shim/shim-protocol.ts';
import { AgentTable } from '../../src/host/store/agents.ts';
import { InjectionTable } from '../../src/host/store/injections.ts';
import { LeaseTable } from '../../src/host/store/leases.ts';
import { RunTable } from '../../src/host/store/runs.ts';
import { Store } from '../../src/host/store/store.ts';
import { Leases } from '../../src/host/terminals/leases.ts';
import type { AgentSpec, ObservedEvent, Runtime } from '../../src/runtimes/runtime.ts';
import type { FixtureRequest } from '../fixtures/engine/wire.ts';
import { VirtualClock } from './clock.ts';
import { fixtureRuntime } from './fixture-runtime.ts';
import { Journal, PUPPET, type ShimLab, until } from './shim.ts';

/** The fixture runtime, whose engine is a puppet and whose terminal is this shell script. */
export function puppetRuntime(terminal = 'cat', more: Partial<Runtime> = {}): Runtime {
  const sh = (script: string) => ['/bin/sh', '-c', script];
  return {
    ...fixtureRuntime,
    async prepare(...place) {
      const spec = await fixtureRuntime.prepare(...place);
      return { ...spec, process: { ...spec.process, argv: sh(PUPPET) } };
    },
    async terminal(...place) {
      const spec = await fixtureRuntime.terminal!(...place);
      return { ...spec, process: { ...spec.process, argv: sh(terminal) } };
    },
    ...more,
  };
}

export interface SeamOptions {
  runtime?: Runtime;
  config?: Partial<AgentConfig>;
}

/** Of one agent, named "a". */
export class SeamHost {
  readonly clock = new VirtualClock();
  readonly generation: number;
  readonly dir: string;
  readonly store: Store;
  readonly wiring: Wiring;
  readonly launcher: Launcher;
  readonly delivery: InjectionDelivery;
  readonly takeover: Takeover;
  readonly holds: Holds;
  readonly screens: RunScreens;
  readonly pauses: Pauses;
  readonly lifecycle: Lifecycle;
  readonly messages: Messages;
  readonly #lab: ShimLab;
  readonly #options: SeamOptions;
  #said = 0;

  private constructor(lab: ShimLab, dir: string, options: SeamOptions, now: number) {
    this.#lab = lab;
    this.#options = options;
    this.dir = dir;
    const { clock } = this;
    clock.jump(now - clock.now());
    this.store = new Store(join(dir, 'aether.db'));
    this.wiring = this.#wire(options.runtime ?? puppetRuntime());
    this.generation = this.wiring.generation;
    const { wiring } = this;
    this.delivery = new InjectionDelivery(wiring);
    this.launcher = new Launcher(
      wiring,
      runSink(wiring, () => this),
    );
    this.screens = new RunScreens(wiring);
    this.holds = new Holds({ wiring, launcher: this.launcher, delivery: this.delivery, unread: () => 0 });
    this.takeover = new Takeover({
      wiring,
      launcher: this.launcher,
      delivery: this.delivery,
      transcript: new TranscriptReader(wiring, (agent, run) => this.launcher.place(agent, run)),
      hold: (agent, by) => this.holds.begin(agent, by),
    });
    this.lifecycle = new Lifecycle({
      wiring,
      launcher: this.launcher,
      delivery: this.delivery,
      takeoverEnded: (run) => this.takeover.ended(run),
      beforeStart: () => undefined,
    });
    this.pauses = new Pauses({ wiring, delivery: this.delivery, unread: () => 0 });
    this.messages = new Messages(wiring, this.delivery);
  }

  /** A host whose agent runs and is idle. */
  static async begin(lab: ShimLab, options: SeamOptions = {}): Promise<SeamHost> {
    // The shim notes down when things happened.
    const host = new SeamHost(lab, lab.directory(), options, Date.now());
    const workspace = join(host.dir, 'workspace');
    mkdirSync(workspace);
    host.lifecycle.open();
    host.wiring.agents.configure(
      {
        ...{ name: 'a', runtime: 'command', goal: null, template: null, role: null, model: null, workspace },
        ...{ shared: false, env: {}, auth: null, tools: null, limits: { steps_max: null }, options: {} },
        inherit: { instructions: false, settings: false, mcpServers: false, skills: false },
        permissions: { mode: 'ask', allow: [], deny: [] },
        restart: { policy: 'never', attempts_max: 1 },
        ...{ autostart: true, wake: true, watchdog: null },
        ...options.config,
      },
      'hash',
    );
    await host.lifecycle.start('a', 'operator');
    await host.say({ kind: 'ready' }, { kind: 'activity', activity: 'idle', evidence: 'started' });
    return host;
  }

  /** Dies wherever it stands. */
  die(): void {
    this.lifecycle.close();
    for (const run of this.wiring.runs.live()) run.close();
    void this.screens.close();
    this.store.close();
  }

  /** Another host over the same directory, before it has looked at what is there. This one may be dead or not. */
  successor(): SeamHost {
    return new SeamHost(this.#lab, this.dir, this.#options, this.clock.now());
  }

  /** Takes back the runs that outlived the host before. */
  async recover(): Promise<void> {
    const unfinished = this.wiring.runs.unfinished();
    await recoverRuns(unfinished, this);
    this.lifecycle.open();
  }

  get run(): Run {
    const run = this.wiring.runs.require('a');
    if (run.record.shim !== null) this.#lab.adopt(run.record.shim);
    return run;
  }

  get lease() {
    return this.wiring.leases.find('a');
  }

  /** As a client of the console asks. */
  take(when: 'boundary' | 'now' = 'boundary', holder = 'tab 1') {
    const verbs = { takeover: null };
    const view = { name: 'a', verbs, state: 'running' } as unknown as Parameters<Takeover['take']>[0];
    return this.takeover.take(view, this.run, { holder, when, cols: 100, rows: 30 }, 'operator');
  }

  handback(generation = this.lease!.generation, note = ''): Promise<void> {
    return this.takeover.handback('a', this.run, { generation, note }, 'operator');
  }

  /** What is done every few seconds. */
  sweep(): void {
    returnExpired(this.wiring, this.takeover);
    this.holds.sweep();
  }

  /** The engine prints these, and the host has read them. */
  async say(...events: ObservedEvent[]): Promise<void> {
    this.#said += 1;
    const mark = `said ${this.generation}.${this.#said}`;
    const note: ObservedEvent = { kind: 'note', level: 'info', text: mark };
    const data = [...events, note].map((event) => `> ${JSON.stringify(event)}\n`).join('');
    const { run } = this;
    await run.write({ id: `puppet-${mark}`, data });
    await until(`"${mark}" to be read`, async () => {
      await run.pump();
      return this.events('engine.note').some(({ text }) => text === mark);
    });
  }

  /** What the engine was told, oldest first. */
  async frames(): Promise<{ id: string; request: FixtureRequest }[]> {
    await this.settled();
    const journal = new Journal(this.run.paths.journal);
    const written = journal.read().records.filter(({ type }) => type === RecordType.in);
    journal.close();
    return written.flatMap(({ payload }) => {
      const end = payload.indexOf(10);
      const { frame } = JSON.parse(payload.toString('utf8', 0, end)) as { frame: string };
      if (frame.startsWith('puppet-')) return [];
      return [{ id: frame, request: JSON.parse(payload.toString('utf8', end + 1)) as FixtureRequest }];
    });
  }

  /** What was begun is over: the shim answers requests in order, and the host has read all of its journal. */
  async settled(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      await this.run.client.currentStatus();
      await this.run.pump();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Polls; `step_ms` of the host's time pass between two looks. */
  until<T>(what: string, check: () => T | null | undefined | false, step_ms = 0): Promise<T> {
    return until(what, () => {
      this.clock.advance(step_ms);
      return check();
    });
  }

  events(topic: string): Record<string, unknown>[] {
    const { db } = this.store;
    const rows = db.prepare<[string], string>('SELECT data FROM events WHERE topic = ? ORDER BY seq').pluck();
    return rows.all(topic).map((data) => JSON.parse(data) as Record<string, unknown>);
  }

  #wire(runtime: Runtime): Wiring {
    const { clock, store, dir } = this;
    const log = openLog(undefined);
    const parts = { store, clock, ids: randomIds, log };
    const runTable = new RunTable(store);
    const events = new Events(parts);
    const agents = new Agents({ store, table: new AgentTable(store), clock });
    const approvals = new Approvals({ ...parts, events });
    const wiring: Wiring = {
      ...parts,
      ...{ events, agents, approvals, runTable, runs: new Runs(runTable) },
      injections: new InjectionTable(store),
      leases: new Leases({ store, table: new LeaseTable(store), clock }),
      gates: new Gates({
        ...{ ...parts, events, agents, approvals },
        policies: policiesOf(agents),
        show: (run, at_ms) => showActivity(wiring, run, at_ms),
      }),
      memory: new Memory({ ...parts, events }),
      memorySettings: () => MEMORY,
      get recalls() {
        return recalls;
      },
      generation: runTable.newHost(process.pid, '0', clock.now()),
      stateDir: dir,
      socketDir: join(dir, 's'),
      outsiders: new Outsiders([]),
      version: '0',
      terminalSettings: () => ({ scrollback_lines: limits.terminal_scrollback_lines }),
      groupKinds: [],
      consolePort: () => null,
      report: () => undefined,
      userHome: dir,
      path: '/usr/bin:/bin',
      runtime: () => runtime,
      sandbox: () => localSandbox,
      chooseSandbox: async () => ({ kind: 'none', why: 'a test says so', missing: [] }),
      configFile: null,
      programCopies: new ProgramCopies(join(this.dir, 'programs'), clock),
      resolve: (config) => ({ ...config, auth: {} }) as unknown as AgentSpec,
      bridge: () => ({ command: '/bin/false', args: [] }),
      openDoor: async () => ({ close: async () => undefined, toolsChanged: () => undefined }),
      deliver: (agent) => void this.delivery.kick(agent),
      closing: () => false,
      touched: () => undefined,
    };
    const recalls = new Recalls(wiring);
    return wiring;
  }
}

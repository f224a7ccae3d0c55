/** The engine under test and the few things every test of it does. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AgentSpec, LaunchSpec, Runtime } from '../../src/runtimes/runtime.ts';
import { BoxedEngine, Boxes, boxedPty } from '../support/boxed-drive.ts';
import {
  Desk,
  type DrivenEngine,
  Engine,
  type EventOf,
  Observed,
  TerminalProcess,
} from '../support/drive.ts';
import { eventually } from '../support/eventually.ts';
import { sandboxOf } from '../support/live-fleet.ts';

/** What is asked of every runtime. */
export interface AnySubject {
  runtime: Runtime;
  /** What an agent needs besides the defaults: a log-in, a model, the model's address. */
  agent: Partial<AgentSpec>;
  /** The log-in's secret values: they may appear nowhere but in the environment and in secret files. */
  secrets: string[];
  /** Environments for detect(): one that can log in, one that cannot (null: it needs no log-in). */
  canLogIn: Record<string, string>;
  cannotLogIn: Record<string, string> | null;
  /** What its engines write besides the places of an agent. */
  write?: string[];
  close(): Promise<void>;
}

/** An engine that speaks. Messages are scripts of the model server (tests/support/model-server/directives.ts). */
export interface Subject extends AnySubject {
  /** Name of the aether tool `aether_echo` as this engine's model calls it. */
  echoTool: string;
  /** A directive that runs a shell command and needs permission. */
  shell(command: string): string;
  shellTool: string;
  /** Resolves once the model was given a request that contains this text. */
  modelSaw(text: string, deadline_ms?: number): Promise<void>;
  /** Everything the model was told in its last request. */
  lastRequest(): string;
  /** What the terminal shows when it can be typed into. */
  terminalReady: string;
}

/** A program that is its terminal: it is told what to do by how it is started. */
export interface TerminalSubject extends AnySubject {
  /** Keys of an agent in aether.yaml whose program does what this sh script says. */
  script(text: string): Record<string, unknown>;
}

/** Where its processes run. */
export type Place = 'none' | 'bubblewrap';

/** A message that is always taken back. */
export const NEVER_READ = 'NEVER-READ';

type Permissions = AgentSpec['permissions'];
export const ASK: Permissions = { mode: 'ask', allow: [], deny: [] };
export const ALLOW: Permissions = { mode: 'allow', allow: [], deny: [] };

/** How long an engine whose test has ended may take to be idle. After that it is ended. */
const IDLE_WAIT_MS = 3_000;

/** An engine that works for one test after the other, with a directory of its own. */
interface Worker {
  engine: DrivenEngine;
  desk: Desk;
  taken: boolean;
}

export class Bench<S extends AnySubject = Subject> {
  readonly place: Place;
  /**
   * All tests share one engine, which a fleet has started, because a start of it is dear: it asks for what is not harmless,
   * and a test that wants everything allowed allows it. The host of the fleet is away, and so are the aether tools.
   */
  readonly employed: boolean;
  readonly #setup: () => Promise<S>;
  readonly #workspace = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-bench-')));
  /** By their permissions. */
  readonly #workers = new Map<string, Worker>();
  readonly #desks: Desk[] = [];
  readonly #boxes = new Map<Desk, Boxes>();
  #subject: S | null = null;
  #desk: Desk | null = null;
  #ends: (() => Promise<unknown>)[] = [];

  constructor(setup: () => Promise<S>, place: Place = 'none', employed = false) {
    this.#setup = setup;
    this.place = place;
    this.employed = employed;
  }

  get subject(): S {
    if (this.#subject === null) throw new Error('not open');
    return this.#subject;
  }

  get runtime(): Runtime {
    return this.subject.runtime;
  }

  get desk(): Desk {
    if (this.#desk === null) throw new Error('no test runs');
    return this.#desk;
  }

  async open(): Promise<void> {
    this.#subject = await this.#setup();
  }

  async close(): Promise<void> {
    for (const key of this.#workers.keys()) await this.#dismiss(key);
    this.#closeBoxes();
    await this.#subject?.close();
    for (const desk of this.#desks) desk.remove();
    fs.rmSync(this.#workspace, { recursive: true, force: true });
  }

  begin(): void {
    const [worker] = this.employed ? this.#workers.values() : [];
    this.sitAt(worker?.desk ?? this.#newDesk());
  }

  /** The test goes on where another one was. */
  sitAt(desk: Desk): void {
    this.#desk = desk;
  }

  /** The workspace is empty again; a worker that is not idle by then does not work for another test. */
  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
    for (const [key, worker] of this.#workers) if (worker.taken) await this.#giveBack(key, worker);
    this.#closeBoxes();
    for (const name of fs.readdirSync(this.#workspace))
      fs.rmSync(join(this.#workspace, name), { recursive: true, force: true });
  }

  #newDesk(): Desk {
    const desk = new Desk(`r_${crypto.randomUUID().slice(0, 8)}`, this.#workspace);
    this.#desks.push(desk);
    const { runtime, write = [] } = this.subject;
    if (this.place !== 'none') this.#boxes.set(desk, new Boxes(desk, runtime, write));
    return desk;
  }

  /** But those that somebody works in. */
  #closeBoxes(): void {
    for (const [desk, boxes] of this.#boxes) {
      if (this.#workerAt(desk) !== undefined) continue;
      boxes.close();
      this.#boxes.delete(desk);
    }
  }

  #workerAt(desk: Desk): Worker | undefined {
    return [...this.#workers.values()].find((worker) => worker.desk === desk);
  }

  async #giveBack(key: string, worker: Worker): Promise<void> {
    const { engine } = worker;
    engine.gateOpen = true;
    engine.permits = false;
    worker.taken = false;
    const idle = () => {
      const last = engine.observed.events.findLast((event) => event.kind === 'activity');
      return last?.kind === 'activity' && last.activity === 'idle';
    };
    const settled = eventually('it is idle', () => !engine.running || idle(), IDLE_WAIT_MS);
    if (!(await settled.catch(() => false)) || !engine.running) await this.#dismiss(key);
  }

  async #dismiss(key: string): Promise<void> {
    const { engine } = this.#workers.get(key)!;
    this.#workers.delete(key);
    await engine.kill();
  }

  /** After the test, whatever became of it. */
  onEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  agent(overrides: Partial<AgentSpec> = {}): AgentSpec {
    return this.desk.agent(this.runtime, { ...this.subject.agent, ...overrides });
  }

  /** Until the end of the test; at the desk of a worker that is dead it works in that one's place. */
  run(spec: LaunchSpec, observed = new Observed(this.runtime)): DrivenEngine {
    const engine = this.#engine(spec, observed);
    const worker = this.#workerAt(this.desk);
    if (worker?.engine.running === false) worker.engine = engine;
    else this.onEnd(() => engine.kill());
    return engine;
  }

  /** Beside the one that works here, which it does not take the place of. */
  second(spec: LaunchSpec, observed: Observed): DrivenEngine {
    const engine = this.#engine(spec, observed);
    this.onEnd(() => engine.kill());
    return engine;
  }

  #engine(spec: LaunchSpec, observed = new Observed(this.runtime)): DrivenEngine {
    return this.place === 'none' ? new Engine(spec, observed) : this.#boxed(spec, observed);
  }

  /** A new conversation. */
  async start(overrides: Partial<AgentSpec> = {}): Promise<DrivenEngine> {
    const spec = await this.runtime.prepare(this.agent(overrides), this.desk.place, null, null);
    return this.run(spec);
  }

  /**
   * An engine with these permissions is told this. It may have worked for other tests before, in the same
   * conversation; what is observed of it is of this test alone. The test sits at its desk from now on. For all that is
   * not about how an engine starts.
   */
  async work(goal: string | null, permissions: Permissions = ASK): Promise<DrivenEngine> {
    const key = JSON.stringify(this.employed ? ASK : permissions);
    const worker = this.#workers.get(key) ?? (await this.#hire(key, this.employed ? ASK : permissions));
    worker.engine.permits = this.employed && permissions.mode === 'allow';
    worker.taken = true;
    this.sitAt(worker.desk);
    worker.engine.observeAnew();
    if (goal !== null) worker.engine.say(goal);
    return worker.engine;
  }

  /** It works for all tests, in its own workspace. */
  employ(engine: DrivenEngine, workspace: string): void {
    const desk = new Desk('r_employed', workspace);
    this.#desks.push(desk);
    this.#workers.set(JSON.stringify(ASK), { engine, desk, taken: false });
  }

  async #hire(key: string, permissions: Permissions): Promise<Worker> {
    const desk = this.#newDesk();
    this.sitAt(desk);
    const spec = await this.runtime.prepare(this.agent({ permissions }), desk.place, null, null);
    const worker = { engine: this.#engine(spec), desk, taken: true };
    this.#workers.set(key, worker);
    await worker.engine.observed.waitFor('ready');
    return worker;
  }

  /** The same in a box, whatever the place. */
  async startBoxed(overrides: Partial<AgentSpec> = {}): Promise<BoxedEngine> {
    const spec = await this.runtime.prepare(this.agent(overrides), this.desk.place, null, null);
    const engine = this.#boxed(spec, new Observed(this.runtime));
    this.onEnd(() => engine.kill());
    return engine;
  }

  #boxed(spec: LaunchSpec, observed: Observed): BoxedEngine {
    const boxes = this.#boxes.get(this.desk);
    if (boxes === undefined) throw new Error('there are no boxes here');
    return new BoxedEngine(boxes, spec, observed);
  }

  /** The terminal over the conversation that was observed so far. */
  async terminal(observed: Observed, size: { cols: number; rows: number }): Promise<TerminalProcess> {
    const [agent, { place }, boxes] = [this.agent(), this.desk, this.#boxes.get(this.desk)];
    const spec = await this.runtime.terminal!(agent, place, observed.state, size);
    expect(spec.process).toMatchObject({ role: 'terminal', io: { kind: 'pty', ...size } });
    const tail = this.runtime.tail!(agent, place, observed.state);
    const terminal =
      boxes === undefined
        ? new TerminalProcess(spec, observed, tail)
        : new TerminalProcess(spec, observed, tail, (launch) => boxedPty(boxes, launch));
    this.onEnd(() => terminal.stop());
    return terminal;
  }

  /** The same beside an engine, without a box. */
  async terminalBeside(engine: DrivenEngine, size: { cols: number; rows: number }): Promise<TerminalProcess> {
    const spec = await this.runtime.terminal!(this.agent(), this.desk.place, engine.observed.state, size);
    expect(spec.process).toMatchObject({ role: 'terminal', io: { kind: 'pty', ...size } });
    if (spec.admitted !== undefined) engine.write(spec.admitted);
    const terminal = new TerminalProcess(spec, engine.observed, null);
    this.onEnd(() => terminal.stop());
    return terminal;
  }

  /** `sandbox:` of agents of a fleet. */
  get sandbox(): unknown {
    return sandboxOf(this.place);
  }

  ended(engine: DrivenEngine, from = 0): Promise<EventOf<'turn-ended'>> {
    return engine.observed.waitFor('turn-ended', () => true, { from });
  }

  /**
   * The engine, while it waits at its gate, reads a message and gives it back: what it was asked before that and
   * does without an answer, it has had every chance to do.
   */
  async readsOn(engine: DrivenEngine): Promise<void> {
    const id = engine.say(NEVER_READ, 'later');
    await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'delivered');
    engine.write(this.runtime.cancel!(id));
    await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'cancelled');
  }

  /** A directive that makes a file, so that the test sees whether the command ran. */
  shellWriting(this: Bench<Subject>, file: string): string {
    return this.subject.shell(`echo written > ${join(this.desk.workspace, file)}`);
  }

  written(file: string): boolean {
    return fs.existsSync(join(this.desk.workspace, file));
  }
}

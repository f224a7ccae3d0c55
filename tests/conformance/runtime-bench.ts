/** The engine under test and the few things every test of it does. */
import fs from 'node:fs';
import { join } from 'node:path';
import type { AgentSpec, LaunchSpec, Runtime } from '../../src/runtimes/runtime.ts';
import { Desk, Engine, type EventOf, Observed } from '../support/drive.ts';

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

/** A message that is always taken back. */
export const NEVER_READ = 'NEVER-READ';

export class Bench<S extends AnySubject = Subject> {
  readonly #setup: () => Promise<S>;
  #subject: S | null = null;
  #desk: Desk | null = null;
  #ends: (() => Promise<unknown>)[] = [];

  constructor(setup: () => Promise<S>) {
    this.#setup = setup;
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
    await this.#subject?.close();
  }

  begin(): void {
    this.#desk = new Desk(`r_${crypto.randomUUID().slice(0, 8)}`);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
    this.#desk?.remove();
  }

  /** After the test, whatever became of it. */
  onEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  agent(overrides: Partial<AgentSpec> = {}): AgentSpec {
    return this.desk.agent(this.runtime, { ...this.subject.agent, ...overrides });
  }

  run(spec: LaunchSpec, observed = new Observed(this.runtime)): Engine {
    const engine = new Engine(spec, observed);
    this.onEnd(() => engine.kill());
    return engine;
  }

  /** A new conversation. */
  async start(overrides: Partial<AgentSpec> = {}): Promise<Engine> {
    return this.run(await this.runtime.prepare(this.agent(overrides), this.desk.place, null, null));
  }

  ended(engine: Engine, from = 0): Promise<EventOf<'turn-ended'>> {
    return engine.observed.waitFor('turn-ended', () => true, { from });
  }

  /**
   * The engine, while it waits at its gate, reads a message and gives it back: what it was asked before that and
   * does without an answer, it has had every chance to do.
   */
  async readsOn(engine: Engine): Promise<void> {
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

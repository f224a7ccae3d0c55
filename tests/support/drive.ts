/**
 * Runs what a Runtime prepares, as real processes, and reads it back through the runtime's own observer and
 * transcript tail: what a host would see, without a host.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { StopLadder } from '../../src/host/shim/shim-protocol.ts';
import type {
  AgentSpec,
  EngineState,
  Frame,
  GateAnswer,
  LaunchSpec,
  ObservedEvent,
  RunPlace,
  Runtime,
  TranscriptTail,
} from '../../src/runtimes/runtime.ts';
import { eventually } from './eventually.ts';

/** The package is an alias, its types are declared under its real name: the part used here, said again. */
export interface Pty {
  write(data: string): void;
  kill(signal: string): void;
  onData(listener: (data: string) => void): void;
  onExit(listener: (exit: { exitCode: number; signal?: number }) => void): void;
}
const { spawn: spawnPty } = createRequire(import.meta.url)('node-pty') as {
  spawn(
    file: string,
    args: string[],
    options: { name: string; cols: number; rows: number; cwd: string; env: Record<string, string> },
  ): Pty;
};

const MCP_FIXTURE = fileURLToPath(new URL('../fixtures/mcp-echo.ts', import.meta.url));

/** Generous: it is only waited out by a test that fails, and several engines may be starting at once. */
export const WAIT = { ms: 30_000 };

export type EventOf<KIND extends ObservedEvent['kind']> = Extract<ObservedEvent, { kind: KIND }>;

/** A fresh directory for one agent. */
export class Desk {
  readonly root: string;
  readonly workspace: string;
  readonly place: RunPlace;

  /** @param workspace one that others work in, too; otherwise one of its own */
  constructor(run = 'r_test', workspace: string | null = null) {
    this.root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-desk-')));
    this.workspace = workspace ?? join(this.root, 'workspace');
    fs.mkdirSync(this.workspace, { recursive: true });
    fs.mkdirSync(join(this.root, 'user'));
    this.place = {
      run,
      agentDir: join(this.root, 'agent'),
      runDir: join(this.root, 'run'),
      mcp: { command: process.execPath, args: [MCP_FIXTURE] },
      mcpCommand: join(this.root, 'run', 'mcp'),
      userHome: join(this.root, 'user'),
      path: process.env.PATH ?? '/usr/bin:/bin',
    };
  }

  agent(runtime: Runtime, overrides: Partial<AgentSpec> = {}): AgentSpec {
    return {
      name: 'tester',
      runtime: runtime.name,
      role: null,
      goal: null,
      model: null,
      workspace: this.workspace,
      env: {},
      auth: {},
      inherit: { instructions: false, settings: false, mcpServers: false, skills: false },
      trust: false,
      permissions: { mode: 'ask', allow: [], deny: [] },
      tools: null,
      limits: { steps_max: null },
      options: {},
      ...overrides,
    };
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

/** Everything observed of one run, whichever process or file it came from. */
export class Observed {
  readonly runtime: Runtime;
  readonly events: ObservedEvent[] = [];
  /** Every line an engine printed. */
  readonly lines: string[] = [];
  state: EngineState;

  constructor(runtime: Runtime, state: EngineState | null = null) {
    this.runtime = runtime;
    this.state = state ?? runtime.observer.initial(null);
  }

  take(result: { state: EngineState; events: ObservedEvent[] }): void {
    // As the host stores it: what does not survive JSON is lost.
    this.state = JSON.parse(JSON.stringify(result.state)) as EngineState;
    this.events.push(...result.events);
  }

  find<KIND extends ObservedEvent['kind']>(
    kind: KIND,
    fits: (event: EventOf<KIND>) => boolean = () => true,
    from = 0,
  ): EventOf<KIND> | undefined {
    return this.events
      .slice(from)
      .find((event): event is EventOf<KIND> => event.kind === kind && fits(event as EventOf<KIND>));
  }

  /** The first event from `from` on that fits. */
  async waitFor<KIND extends ObservedEvent['kind']>(
    kind: KIND,
    fits: (event: EventOf<KIND>) => boolean = () => true,
    { from = 0, deadline_ms = WAIT.ms } = {},
  ): Promise<EventOf<KIND>> {
    try {
      return await eventually(kind, () => this.find(kind, fits, from), deadline_ms);
    } catch {
      const seen = this.events.slice(from).map((event) => `  ${JSON.stringify(event).slice(0, 300)}`);
      throw new Error(`no such ${kind} within ${deadline_ms} ms (${fits}); seen:\n${seen.join('\n')}`);
    }
  }

  /** Index of an event, to compare orders. */
  indexOf<KIND extends ObservedEvent['kind']>(
    kind: KIND,
    fits: (event: EventOf<KIND>) => boolean = () => true,
  ): number {
    const found = this.find(kind, fits);
    return found === undefined ? -1 : this.events.indexOf(found);
  }
}

/** As the host writes them: owned by us, parents private, nothing followed. */
export function writeFiles(spec: LaunchSpec): void {
  for (const path of spec.cleared ?? []) fs.rmSync(path, { recursive: true, force: true });
  for (const file of spec.files) {
    fs.mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 });
    fs.rmSync(file.path, { force: true });
    fs.writeFileSync(file.path, Buffer.from(file.content, file.encoding ?? 'utf8'), { mode: file.mode });
  }
}

export interface Exit {
  code: number | null;
  signal: string | null;
}

/** A structured engine, wherever it runs: what it is told, and what it says. */
export abstract class DrivenEngine {
  readonly spec: LaunchSpec;
  /** What is observed now; what was before `observeAnew`. */
  observed: Observed;
  readonly before: Observed[] = [];
  /** False: tool calls stand at the gate until the test answers them. */
  gateOpen = true;
  /** True: what it asks a person about is allowed at once. */
  permits = false;

  constructor(spec: LaunchSpec, observed: Observed) {
    this.spec = spec;
    this.observed = observed;
  }

  abstract readonly exited: Promise<Exit>;
  abstract readonly running: boolean;
  abstract write(frame: Frame): void;
  /** By its own ladder, as the shim does it. @returns how it ended, and on which step */
  abstract stop(): Promise<Exit & { step: string }>;
  abstract kill(): Promise<void>;
  /** Nobody reads what it says any more, or tells it anything. */
  abstract abandon(): void;

  protected heard(source: 'out' | 'err', line: string): void {
    const { observed } = this;
    if (source === 'out') observed.lines.push(line);
    const from = observed.events.length;
    observed.take(observed.runtime.observer.line(observed.state, source, line));
    this.answerRecalls(from);
    if (this.gateOpen) this.passGates(from);
    if (this.permits) this.permitAll(from);
  }

  /** What this engine is told when it asks for what is remembered. */
  remembered: string | null = null;
  /** False: it is told nothing, as by a host that is dead. */
  remembers = true;

  private answerRecalls(from: number): void {
    for (const event of this.observed.events.slice(from))
      if (event.kind === 'recall-asked' && this.remembers)
        this.write(
          this.observed.runtime.recall!({ ...event, text: event.at === 'later' ? null : this.remembered }),
        );
  }

  /** What it says from now on is kept apart from what it said before: a test looks at its own events only. */
  observeAnew(): void {
    this.before.push(this.observed);
    this.observed = new Observed(this.observed.runtime, this.observed.state);
  }

  /** As a host that holds nothing back. */
  passGates(from = 0): void {
    for (const event of this.observed.events.slice(from))
      if (event.kind === 'gate-asked') this.answerGate(event.requestId, 'pass');
  }

  /** As a person who allows everything. */
  permitAll(from = 0): void {
    for (const event of this.observed.events.slice(from))
      if (event.kind === 'permission-asked') {
        const { requestId, input } = event;
        this.write(this.observed.runtime.permission!({ requestId, allow: true, message: null, input }));
      }
  }

  answerGate(requestId: string, verdict: GateAnswer['verdict'], message: string | null = null): void {
    this.write(this.observed.runtime.gate!({ requestId, verdict, message }));
  }

  say(text: string, priority: 'now' | 'next' | 'later' = 'next', id: string = crypto.randomUUID()): string {
    this.write(this.observed.runtime.message({ id, text, priority }));
    return id;
  }
}

/** One on pipes of this process. */
export class Engine extends DrivenEngine {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;

  constructor(spec: LaunchSpec, observed: Observed) {
    super(spec, observed);
    writeFiles(spec);
    const [program = '', ...args] = spec.process.argv;
    this.child = spawn(program, args, { cwd: spec.process.cwd, env: spec.process.env, stdio: 'pipe' });
    this.exited = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }));
    // Writing to an engine that was just killed fails: the test looks at its exit.
    this.child.stdin!.on('error', () => undefined);
    const listen = (input: Readable, source: 'out' | 'err') =>
      createInterface({ input }).on('line', (line) => this.heard(source, line));
    listen(this.child.stdout!, 'out');
    listen(this.child.stderr!, 'err');
    for (const frame of spec.opening) this.write(frame);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  write(frame: Frame): void {
    this.child.stdin!.write(frame.data);
  }

  async stop(ladder: StopLadder = this.spec.stop): Promise<Exit & { step: string }> {
    const within = (wait_ms: number) =>
      Promise.race([this.exited, new Promise<null>((resolve) => setTimeout(resolve, wait_ms, null))]);
    const steps: [string, () => void, number][] = [
      ['stdin', () => this.child.stdin!.end(), ladder.close_stdin_ms ?? 0],
      ['SIGTERM', () => this.child.kill('SIGTERM'), ladder.term_ms],
      ['SIGKILL', () => this.child.kill('SIGKILL'), ladder.kill_ms],
    ];
    for (const [step, act, wait_ms] of steps) {
      if (this.running) act();
      const exit = await within(wait_ms);
      if (exit !== null) return { ...exit, step };
    }
    throw new Error('still running after the whole ladder');
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  abandon(): void {
    this.child.stdin!.destroy();
    this.child.stdout!.destroy();
  }
}

function openPty(spec: LaunchSpec): Pty {
  writeFiles(spec);
  const { argv, env, cwd, io } = spec.process;
  if (io.kind !== 'pty') throw new Error('a terminal runs in a PTY');
  const { cols, rows } = io;
  return spawnPty(argv[0]!, argv.slice(1), { name: 'xterm-256color', cols, rows, cwd, env });
}

/** The terminal of an engine in a PTY, with the transcript read beside it. */
export class TerminalProcess {
  readonly observed: Observed;
  readonly exited: Promise<Exit>;
  readonly #pty: Pty;
  readonly #spec: LaunchSpec;
  readonly #tail: TranscriptTail | null;
  readonly #timer: NodeJS.Timeout;
  #offset: number;
  #output = '';

  constructor(spec: LaunchSpec, observed: Observed, tail: TranscriptTail | null, open = openPty) {
    this.#spec = spec;
    this.observed = observed;
    this.#tail = tail;
    this.#offset = tail === null ? 0 : sizeOf(tail.path);
    this.#pty = open(spec);
    this.#pty.onData((data) => {
      this.#output += data;
    });
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) =>
        resolve({ code: exitCode, signal: signal ? String(signal) : null }),
      );
    });
    this.#timer = setInterval(() => this.#read(), 50);
  }

  /** What was printed since the last typing, byte for byte. */
  get raw(): string {
    return this.#output;
  }

  /** What was printed so far without escape sequences and white space, which a screen moves about. */
  get text(): string {
    return this.#output
      .replace(/\u001b\[[0-9;?<>=]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)|\u001b./g, '')
      .replace(/\s+/g, '');
  }

  async shows(text: string, deadline_ms = WAIT.ms): Promise<void> {
    const wanted = text.replace(/\s+/g, '');
    await eventually(`the terminal shows "${text}"`, () => this.text.includes(wanted), deadline_ms).catch(
      (error: Error) => {
        throw new Error(`${error.message}; it shows ${this.text.slice(-800)}`);
      },
    );
  }

  /** Types like a person: the text, and when it is on the screen, Enter. */
  async type(text: string): Promise<void> {
    this.#output = '';
    this.#pty.write(text);
    await this.shows(text);
    this.#pty.write('\r');
  }

  press(keys: string): void {
    this.#pty.write(keys);
  }

  /** Answers a dialog. One that has just opened ignores keys for a moment, so that nobody answers it by accident. */
  async pressUntil(keys: string, done: () => boolean, deadline_ms = WAIT.ms): Promise<void> {
    let pressed = Number.NEGATIVE_INFINITY;
    await eventually(
      `${JSON.stringify(keys)} is taken`,
      () => {
        if (done()) return true;
        if (Date.now() - pressed > 500) {
          this.#pty.write(keys);
          pressed = Date.now();
        }
        return false;
      },
      deadline_ms,
    );
  }

  async stop(): Promise<Exit> {
    this.#pty.kill('SIGTERM');
    const timer = setTimeout(() => this.#pty.kill('SIGKILL'), this.#spec.stop.term_ms + 5_000);
    const exit = await this.exited;
    clearTimeout(timer);
    clearInterval(this.#timer);
    this.#read();
    return exit;
  }

  #read(): void {
    if (this.#tail === null) return;
    const size = sizeOf(this.#tail.path);
    if (size <= this.#offset) return;
    const handle = fs.openSync(this.#tail.path, 'r');
    const buffer = Buffer.alloc(size - this.#offset);
    fs.readSync(handle, buffer, 0, buffer.length, this.#offset);
    fs.closeSync(handle);
    const end = buffer.lastIndexOf(10);
    if (end < 0) return;
    this.#offset += end + 1;
    for (const line of buffer.toString('utf8', 0, end).split('\n')) {
      if (line.trim() !== '') this.observed.take(this.#tail.line(this.observed.state, line));
    }
  }
}

function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

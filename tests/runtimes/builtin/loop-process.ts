/**
 * The builtin engine as a real process, started from what its runtime prepares and read through its observer:
 * what a host would see, without a host.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { builtinRuntime } from '../../../src/runtimes/builtin/runtime.ts';
import type {
  AgentSpec,
  EngineState,
  Frame,
  LaunchSpec,
  ObservedEvent,
  RunPlace,
} from '../../../src/runtimes/runtime.ts';

export const runtime = builtinRuntime('0.0.0-test');
const MCP_FIXTURE = fileURLToPath(new URL('../../fixtures/mcp-echo.ts', import.meta.url));

export interface Desk {
  root: string;
  workspace: string;
  place: RunPlace;
  /** Anything may be overridden. */
  agent(overrides?: Partial<AgentSpec>): AgentSpec;
  file(name: string, content: string): string;
  remove(): void;
}

/** A fresh directory with a workspace, and agents and places in it. */
export function makeDesk(): Desk {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'aether-loop-')));
  const workspace = join(root, 'workspace');
  const agentDir = join(root, 'agent');
  const runDir = join(root, 'run');
  for (const directory of [workspace, agentDir, runDir]) mkdirSync(directory, { mode: 0o700 });
  return {
    root,
    workspace,
    place: {
      run: 'r_test',
      agentDir,
      runDir,
      mcp: { command: process.execPath, args: [MCP_FIXTURE] },
      mcpCommand: join(runDir, 'mcp'),
      userHome: '/nonexistent',
      path: process.env.PATH ?? '/usr/bin:/bin',
    },
    agent: (overrides = {}) => ({
      name: 'tester',
      runtime: 'builtin',
      role: null,
      goal: null,
      model: 'anthropic:scripted',
      workspace,
      env: {},
      auth: {},
      inherit: { instructions: false, settings: false, mcpServers: false, skills: false },
      permissions: { mode: 'allow', allow: [], deny: [] },
      tools: null,
      command: null,
      limits: { steps_max: null },
      replay: null,
      ...overrides,
    }),
    file(name, content) {
      const path = join(root, name);
      writeFileSync(path, content);
      return path;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export class LoopProcess {
  readonly child: ChildProcess;
  readonly events: ObservedEvent[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  state: EngineState = runtime.observer.initial(null);
  readonly #watchers = new Set<() => void>();

  constructor(spec: LaunchSpec) {
    for (const file of spec.files) {
      mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 });
      writeFileSync(file.path, file.content, { mode: file.mode });
    }
    const [program = '', ...args] = spec.process.argv;
    this.child = spawn(program, args, { cwd: spec.process.cwd, env: spec.process.env, stdio: 'pipe' });
    this.exited = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }));
    for (const [stream, source] of [
      [this.child.stdout!, 'out'],
      [this.child.stderr!, 'err'],
    ] as const) {
      createInterface({ input: stream }).on('line', (line) => {
        const { state, events } = runtime.observer.line(this.state, source, line);
        this.state = state;
        this.events.push(...events);
        for (const watcher of [...this.#watchers]) watcher();
      });
    }
    for (const frame of spec.opening) this.write(frame);
  }

  static async start(
    desk: Desk,
    agent: AgentSpec,
    resume: { note: string } | null = null,
    session = 'r_test',
  ) {
    const state = resume ? { session } : null;
    return new LoopProcess(await runtime.prepare(agent, desk.place, state, resume));
  }

  write(frame: Frame): void {
    this.child.stdin!.write(frame.data);
  }

  say(
    text: string,
    priority: 'now' | 'next' | 'later' = 'next',
    id = `m-${this.events.length}-${text.length}`,
  ): string {
    this.write(runtime.message({ id, text, priority }));
    return id;
  }

  /** The first event from `from` on that fits; an Error that tells what was seen instead after the deadline. */
  waitFor<KIND extends ObservedEvent['kind']>(
    kind: KIND,
    fits: (event: Extract<ObservedEvent, { kind: KIND }>) => boolean = () => true,
    { from = 0, deadline_ms = 15_000 } = {},
  ): Promise<Extract<ObservedEvent, { kind: KIND }>> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#watchers.delete(look);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`no ${kind} within ${deadline_ms} ms; seen:\n${this.#seen()}`));
      }, deadline_ms);
      const look = () => {
        const found = this.events
          .slice(from)
          .find((event): event is Extract<ObservedEvent, { kind: KIND }> => {
            return event.kind === kind && fits(event as Extract<ObservedEvent, { kind: KIND }>);
          });
        if (!found) return;
        stop();
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  of<KIND extends ObservedEvent['kind']>(kind: KIND): Extract<ObservedEvent, { kind: KIND }>[] {
    return this.events.filter(
      (event): event is Extract<ObservedEvent, { kind: KIND }> => event.kind === kind,
    );
  }

  /** The end of the turn that is running or about to run. */
  turnEnd(from = this.events.length) {
    return this.waitFor('turn-ended', () => true, { from });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.stdin!.end();
    const killer = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    await this.exited;
    clearTimeout(killer);
  }

  #seen(): string {
    return this.events.map((event) => `  ${JSON.stringify(event).slice(0, 300)}`).join('\n') || '  (nothing)';
  }
}

/** The entries of the conversation file. */
export function entriesOf(desk: Desk, session = 'r_test'): Record<string, unknown>[] {
  return readFileSync(join(desk.place.agentDir, 'conversations', `${session}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Waits for a condition outside the process. */
export async function until(condition: () => boolean, what: string, deadline_ms = 10_000): Promise<void> {
  const deadline = Date.now() + deadline_ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${deadline_ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

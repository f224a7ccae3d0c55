/**
 * The whole product for one test: a project with an aether.yaml in a directory of its own, driven through its control socket and the
 * real command, with a scripted model behind it. Everything it started ends with it, whatever the test did to
 * the host, and what outlives a proper `aether down` is an error of its own.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { AgentView, EventView, InjectionView } from '../../src/host/api.ts';
import { ControlClient } from '../../src/host/control/client.ts';
import type { EventOf, Topic, TopicsLike } from '../../src/host/events/topics.ts';
import { LAUNCHERS } from './box.ts';
import { CLI, type CliOptions, type CliResult, type RunningCli, startCli } from './cli.ts';
import { CLAUDE_BRIEF, claudeBinary } from './engines.ts';
import { ofTopic, told } from './events.ts';
import { eventually } from './eventually.ts';
import { bringUp } from './live-host.ts';
import { type ModelServer, startModelServer } from './model-server/server.ts';
import { isRoot, programCacheOf } from './ordinary-user.ts';
import { everywhereWithout, groupsLeft, NO_CGROUP, removeGroups } from './run-tree.ts';
import { SmallDisk } from './small-disk.ts';

/** Of a real key's form; opens nothing. */
export const KEY = 'sk-ant-dummy-e2e-0123456789abcdefghijklmnopqrstuv';

/** `sandbox:` of agents that use the programs of the tests. Where it cannot be had, they do not start. */
export const sandboxOf = (
  kind: string,
  { read = [], write = [] }: { read?: string[]; write?: string[] } = {},
) =>
  kind === 'none'
    ? kind
    : { kind, required: true, read: [fileURLToPath(new URL('..', import.meta.url)), ...read], write };

/** What agents run in unless a test says so: the whole suite has another form with AETHER_TEST_SANDBOX=bubblewrap. */
const kind = process.env.AETHER_TEST_SANDBOX ?? 'none';
export const SANDBOX = sandboxOf(kind);
/** The same, which shows a file of the test as well. */
export const sandboxShowing = (...read: string[]) => sandboxOf(kind, { read });
/** Then a box adds processes of its own to the tree of a run, and ends with its shim. */
export const BOXED = kind !== 'none';
export const BOX_PROCESSES = BOXED ? LAUNCHERS : 0;

/** How well it is known what only a sandbox can enforce. */
export const HELD_GRADE = kind === 'none' ? 'observed' : 'enforced';

/** Between two questions to the host: seldom enough that asking costs nothing beside what is waited for. */
const POLL_MS = 100;
const DOWN_MS = 60_000;

const BUILT = fileURLToPath(new URL('../../src/host/cli/aether.cjs', import.meta.url));

/** The command under test: what is published when it was built for this run of the suite, otherwise the source. */
export const AETHER = [process.execPath, process.env.AETHER_TEST_DIST === '1' ? BUILT : CLI];

export type ActOnAgent = 'start' | 'stop' | 'kill' | 'restart' | 'interrupt' | 'pause' | 'hold' | 'resume';

export interface FleetConfig {
  agents: Record<string, Record<string, unknown>>;
  defaults?: Record<string, unknown>;
  memory?: Record<string, unknown>;
}

export interface FleetOptions {
  /** Directory of aether.yaml below the fleet's own; default `project`. */
  project?: string;
  /** More of the environment that commands and hosts are started with. */
  env?: Record<string, string>;
  /** The command, program and first arguments; default: AETHER. */
  program?: readonly string[];
  /** The command is of a version that had no sandboxes. */
  older?: true;
  /** The state directory is a disk of its own, of this size; only root can have that. */
  disk_mb?: number;
}

export class LiveFleet {
  readonly root: string;
  readonly project: string;
  readonly home: string;
  readonly stateDir: string;
  readonly configFile: string;
  readonly model: ModelServer;
  readonly env: Record<string, string>;
  readonly program: readonly string[];
  readonly disk: SmallDisk | null;
  readonly #started = new Set<RunningCli>();
  readonly #older: boolean;

  private constructor(root: string, model: ModelServer, options: FleetOptions) {
    this.root = root;
    this.model = model;
    this.#older = options.older ?? false;
    this.project = join(root, options.project ?? 'project');
    this.home = join(root, 'home');
    this.stateDir = join(this.project, '.aether');
    this.configFile = join(this.project, 'aether.yaml');
    this.program = options.program ?? AETHER;
    this.env = {
      HOME: this.home,
      TMPDIR: join(root, 'tmp'),
      XDG_RUNTIME_DIR: join(root, 'x'),
      XDG_CACHE_HOME: programCacheOf(process.getuid!()),
      AETHER_CLAUDE_BINARY: claudeBinary(),
      ANTHROPIC_API_KEY: KEY,
      ...(everywhereWithout ? NO_CGROUP : {}),
      ...options.env,
    };
    for (const dir of [this.project, this.home, this.env.TMPDIR!, this.env.XDG_RUNTIME_DIR!]) {
      fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    }
    this.disk = options.disk_mb === undefined ? null : new SmallDisk(this.stateDir, options.disk_mb);
  }

  /** The directories, the model and the file; nothing runs yet. */
  static async make(config: FleetConfig, options: FleetOptions = {}): Promise<LiveFleet> {
    const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-')));
    const fleet = new LiveFleet(root, await startModelServer(), options);
    fleet.configure(config);
    return fleet;
  }

  /** Writes aether.yaml; claude agents are pointed at the scripted model. */
  configure(config: FleetConfig): void {
    const agents = Object.fromEntries(
      Object.entries(config.agents).map(([name, agent]) => [
        name,
        agent.runtime === 'claude-code'
          ? {
              auth: 'ANTHROPIC_API_KEY',
              ...agent,
              env: {
                ...CLAUDE_BRIEF,
                ANTHROPIC_BASE_URL: this.model.url,
                ...(agent.env as object | undefined),
              },
            }
          : agent,
      ]),
    );
    const defaults = { ...(this.#older ? {} : { sandbox: SANDBOX }), ...config.defaults };
    // The agents last: tests append one.
    const { agents: _agents, ...rest } = config;
    this.write(stringify({ console: { port: 0 }, ...rest, defaults, agents }));
  }

  /** aether.yaml, replaced as an editor does it. */
  write(text: string): void {
    fs.writeFileSync(`${this.configFile}.new`, text);
    fs.renameSync(`${this.configFile}.new`, this.configFile);
  }

  /* ---------- the command ---------- */

  /** Starts `aether ARGS` in the project. */
  begin(args: string[], options: CliOptions = {}): RunningCli {
    const running = startCli(args, {
      program: [...this.program],
      cwd: this.project,
      deadline_ms: 60_000,
      ...options,
      env: { ...this.env, ...options.env },
    });
    this.#started.add(running);
    void running.ended.finally(() => this.#started.delete(running)).catch(() => undefined);
    return running;
  }

  cli(args: string[], options: CliOptions = {}): Promise<CliResult> {
    return this.begin(args, options).ended;
  }

  /** @returns what it printed; throws what it said when it failed. */
  async ok(...args: string[]): Promise<string> {
    const result = await this.cli(args);
    if (result.code === 0) return result.stdout;
    throw new Error(
      `aether ${args.join(' ')}: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}${this.hostLog()}`,
    );
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.ok(...args, '--json')) as T;
  }

  /** What `aether up --detach` does. */
  async up(): Promise<void> {
    if (this.program === AETHER) await bringUp(this);
    else await this.ok('up', '--detach');
  }

  /* ---------- the host ---------- */

  get hostPid(): number {
    return Number(fs.readFileSync(join(this.stateDir, 'host.pid'), 'utf8'));
  }

  /** SIGKILL, and returns once the process is gone. */
  async killHost(): Promise<void> {
    const pid = this.hostPid;
    const born = birth(pid);
    process.kill(pid, 'SIGKILL');
    await eventually('the host is gone', () => birth(pid) !== born, 5_000);
  }

  /** A connection to the host's control socket; the caller closes it. */
  connect(): Promise<ControlClient> {
    const dir = fs.readFileSync(join(this.stateDir, 'sockets'), 'utf8').trim();
    return ControlClient.connect(join(dir, 'control.sock'), this.stateDir);
  }

  async withHost<T>(body: (client: ControlClient) => Promise<T>): Promise<T> {
    const client = await this.connect();
    try {
      return await body(client);
    } finally {
      client.close();
    }
  }

  /** What `aether VERB AGENT` asks for: the process of a command costs more than most of what it asks. */
  act(verb: ActOnAgent, agent: string): Promise<AgentView> {
    return this.withHost((client) => client.call(verb, { agent }));
  }

  inject(agent: string, text: string): Promise<InjectionView> {
    return this.withHost((client) => client.call('inject', { agent, text }));
  }

  agent(name: string): Promise<AgentView> {
    return this.withHost((client) => client.call('agent', { agent: name }));
  }

  /** Waits until the agent's view fits; says what it was instead. */
  async until(
    name: string,
    what: string,
    fits: (view: AgentView) => boolean,
    deadline_ms = 20_000,
  ): Promise<AgentView> {
    let last: AgentView | null = null;
    const client = await this.connect();
    try {
      return await eventually(
        what,
        async () => {
          last = await client.call('agent', { agent: name });
          return fits(last) ? last : null;
        },
        deadline_ms,
        POLL_MS,
      );
    } catch (error) {
      throw new Error(
        `${name}: ${String(error)}; it is ${JSON.stringify(last, null, 1)}\n${await this.history(name)}${this.hostLog()}`,
      );
    } finally {
      client.close();
    }
  }

  idle(name: string, deadline_ms?: number): Promise<AgentView> {
    return this.until(
      name,
      'idle',
      (view) => view.state === 'running' && view.activity === 'idle',
      deadline_ms,
    );
  }

  /** Waits until so many turns of the agent have ended, and none is under way. */
  async turns(name: string, count: number, deadline_ms = 30_000): Promise<AgentView> {
    let ended = 0;
    const what = `${name} has ended ${count} turn(s)`;
    const filter = { agent: name, topics: ['turn.ended'] };
    const fits = () => ++ended >= count;
    await told(this, { what, filter, fits, deadline_ms, again: () => (ended = 0) }).catch(
      async (error: Error) => {
        throw new Error(`${error.message}, but ${ended}\n${await this.history(name)}${this.hostLog()}`);
      },
    );
    return this.idle(name);
  }

  /** Every event of the host, oldest first, read through the command's own socket. */
  events<P extends string = ''>(
    filter: { agent?: string; topics?: P[] } = {},
  ): Promise<EventOf<TopicsLike<P>>[]> {
    return this.withHost(async (client) => {
      const stream = client.stream('logs', { last: 1_000, follow: false, ...filter });
      const events: EventView[] = [];
      for await (const event of stream) events.push(event);
      return events as EventOf<TopicsLike<P>>[];
    });
  }

  /** The first event that fits, past or future. */
  async event<T extends Topic>(
    topic: T,
    fits: (event: EventOf<T>) => boolean = () => true,
    deadline_ms = 20_000,
  ): Promise<EventOf<T>> {
    try {
      const ofThis = (event: EventView) => ofTopic([event], topic).some(fits);
      const event = await told(this, { what: topic, filter: { topics: [topic] }, fits: ofThis, deadline_ms });
      return event as EventView & EventOf<T>;
    } catch (error) {
      throw new Error(`${String(error)} (${fits})\n${await this.history()}${this.hostLog()}`);
    }
  }

  /** For the message of a failed test. */
  async history(agent?: string): Promise<string> {
    const events = await this.events(agent === undefined ? {} : { agent }).catch(() => []);
    return events
      .slice(-40)
      .map((event) => `  ${event.seq} ${event.agent ?? '-'} ${event.topic} ${JSON.stringify(event.data)}`)
      .map((line) => line.slice(0, 260))
      .join('\n');
  }

  hostLog(): string {
    const file = join(this.stateDir, 'host.log');
    if (!fs.existsSync(file)) return '';
    return `\nhost.log:\n${fs.readFileSync(file, 'utf8').trim().split('\n').slice(-15).join('\n')}`;
  }

  /* ---------- the end ---------- */

  /** Processes that belong to a run of this fleet: by the marker they inherited, so also those that fled. */
  survivors(): { pid: number; what: string }[] {
    const dir = join(this.stateDir, 'runs');
    const runs = new Set(fs.existsSync(dir) ? fs.readdirSync(dir) : []);
    if (runs.size === 0) return [];
    return processes(({ environment }) => isOf(runs, environment)).map(({ pid, command }) => ({
      pid,
      what: command,
    }));
  }

  /** Those that stay, after the agents were stopped: a shim that has said goodbye to its host takes a moment to end. */
  async leftovers(): Promise<{ pid: number; what: string }[]> {
    for (const end = Date.now() + 2_000; ; ) {
      const left = this.survivors();
      if (left.length === 0 || Date.now() > end) return left;
      await sleep(20);
    }
  }

  /** Those, and whatever names a path of this fleet: a host that was only just being started, too. */
  #remaining(): number[] {
    const dir = join(this.stateDir, 'runs');
    const runs = new Set(fs.existsSync(dir) ? fs.readdirSync(dir) : []);
    return processes(
      (seen) =>
        isOf(runs, seen.environment) || (seen.pid !== process.pid && seen.command.includes(this.root)),
    ).map(({ pid }) => pid);
  }

  /** What `aether down` does. @returns why it failed */
  async #down(host: number, born: string): Promise<string | null> {
    try {
      // The host of another user's command is not ours to ask.
      if (this.program === AETHER) await this.withHost((client) => client.call('down'));
      else await this.ok('down');
      await eventually('the host has ended', () => birth(host) !== born, DOWN_MS);
      return null;
    } catch (error) {
      return String(error);
    }
  }

  /** @throws Error when a proper `down` failed or left something behind. */
  async close(): Promise<void> {
    const complaints: string[] = [];
    for (const command of this.#started) command.child.kill('SIGKILL');
    const host = fs.existsSync(join(this.stateDir, 'host.pid')) ? this.hostPid : null;
    const born = host === null ? null : birth(host);
    if (host !== null && born !== null) {
      const failed = await this.#down(host, born);
      // A host that ends by itself at this moment is no complaint.
      if (failed !== null && birth(host) === born) {
        process.kill(host, 'SIGKILL');
        complaints.push(`aether down: ${failed}${this.hostLog()}`);
      }
      const left = await this.leftovers();
      for (const { pid, what } of left) complaints.push(`aether down left process ${pid} behind: ${what}`);
      for (const group of groupsLeft(this.stateDir))
        complaints.push(`aether down left the control group ${group} behind`);
    }
    await eventually(
      'nothing of the fleet runs',
      () => {
        const remaining = this.#remaining();
        for (const pid of remaining) kill(pid);
        return remaining.length === 0;
      },
      10_000,
    );
    await eventually('nothing of it is in a control group', () => removeGroups(this.stateDir), 10_000);
    await this.model.close();
    this.disk?.close();
    // Some tests leave directories that only root can look into.
    if (!isRoot) execFileSync('chmod', ['-R', 'u+rwx', this.root]);
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended by itself meanwhile
  }
}

/**
 * When the process of this pid began, in clock ticks: pids come round again, and quickly beside tests that
 * start thousands. Null when there is none. A zombie is none, as pid 1 of a container may take its time to
 * reap; but the first thread of a killed process is one while the others still hold its locks and sockets.
 */
function birth(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const dead = /[ZX]/.test(fields[0]!) && fs.readdirSync(`/proc/${pid}/task`).length <= 1;
    return dead ? null : fields[19]!;
  } catch {
    return null;
  }
}

export function running(pid: number): boolean {
  return birth(pid) !== null;
}

export interface ProcessSeen {
  pid: number;
  command: string;
  environment: string[];
}

function isOf(runs: ReadonlySet<string>, environment: readonly string[]): boolean {
  const marker = environment.find((entry) => entry.startsWith('AETHER_RUN='));
  return marker !== undefined && runs.has(marker.slice('AETHER_RUN='.length));
}

/**
 * Its variables. An engine in the box of an ordinary user lets that user see none: then those of what it descends from, which
 * carries the mark of the run.
 */
function environmentOf(pid: string): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]!;
    if (code !== 'EACCES' || Number(parent) <= 1) throw error;
    return environmentOf(parent);
  }
}

/** Every living process whose run or environment we may see and that fits. What does not is looked at no further. */
export function processes(fits: (seen: ProcessSeen) => boolean = () => true): ProcessSeen[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = environmentOf(name);
        const seen = {
          pid: Number(name),
          environment,
          get command() {
            return fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
          },
        };
        return fits(seen) ? [{ pid: seen.pid, environment, command: seen.command }] : [];
      } catch {
        return []; // gone, or not ours to see
      }
    })
    .filter(({ pid }) => running(pid));
}

/** A directive of the scripted model. */
export const call = (tool: string, input: unknown): string => `[[call ${tool} ${JSON.stringify(input)}]]`;
/** The same of an aether tool, under the name that Claude Code gives it. */
export const aether = (tool: string, input: unknown): string => call(`mcp__aether__aether_${tool}`, input);

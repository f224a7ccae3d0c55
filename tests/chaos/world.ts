/**
 * One fleet under chaos: it follows a plan, and keeps a record of what it did to whom, which is what the
 * invariants are held against. Whatever it asks of a host may be cut off by that host's death: it asks again
 * under the same id where an id makes that safe, and otherwise leaves it at that.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AgentView } from '../../src/host/api.ts';
import type { ControlClient } from '../../src/host/control/client.ts';
import { AetherError } from '../../src/host/errors.ts';
import { eventually } from '../support/eventually.ts';
import { aether, type FleetConfig, LiveFleet, processes, running } from '../support/live-fleet.ts';
import { type Act, type Cast, describe, type Plan, type Step } from './schedule.ts';
import { Streams } from './streams.ts';

const TELLER = fileURLToPath(new URL('programs/teller.mjs', import.meta.url));
/** Kills of one agent that come faster than its policy forgives are a crash loop, and rightly end in one. */
const ATTEMPTS = 1_000;
const UP_MS = 90_000;
const FOLLOW_MS = 500;

export interface Note {
  id: string;
  agent: string;
  number: number;
  text: string;
}

export interface WorldOptions {
  plan: Plan;
  linesPerBurst: number;
  pause_ms: number;
  program?: readonly string[];
  env?: Record<string, string>;
  /** No further step is begun after this. */
  deadline_ms: number;
  say(line: string): void;
}

export class World {
  readonly fleet: LiveFleet;
  readonly streams: Streams;
  readonly ledgerDir: string;
  readonly plan: Plan;
  /** Steps that were begun, as they were carried out. */
  readonly story: string[] = [];
  readonly notes: Note[] = [];
  /** Runs whose engine or shim we killed ourselves. */
  readonly killedRuns = new Map<string, 'engine' | 'shim'>();
  /** Agents of these. */
  readonly killedAgents = new Set<string>();
  readonly complaints: string[] = [];
  readonly counts = {
    hosts: 0,
    early: 0,
    bridge: 0,
    engine: 0,
    shim: 0,
    freeze: 0,
    takeover: 0,
    restart: 0,
    pause: 0,
    hold: 0,
  };
  /** Milliseconds from starting a host to its first answer. */
  readonly starts: number[] = [];
  edition = 0;
  readonly #options: WorldOptions;
  readonly #guests = new Set<string>();
  readonly #stalled = new Set<Socket>();
  readonly #begun = new Set<Promise<void>>();
  readonly #posting = new Map<string, Promise<void>>();
  #patience = 3;
  #following: NodeJS.Timeout | null = null;

  private constructor(fleet: LiveFleet, options: WorldOptions) {
    this.fleet = fleet;
    this.plan = options.plan;
    this.#options = options;
    this.streams = new Streams(fleet.stateDir);
    this.ledgerDir = join(fleet.root, 'ledgers');
    fs.mkdirSync(this.ledgerDir);
    fleet.configure(this.config());
  }

  static async make(options: WorldOptions): Promise<World> {
    const { program, env } = options;
    const fleet = await LiveFleet.make(
      { agents: {} },
      { ...(program === undefined ? {} : { program }), ...(env === undefined ? {} : { env }) },
    );
    return new World(fleet, options);
  }

  get cast(): Cast {
    return this.plan.cast;
  }

  /** Every agent that the file names now. */
  names(): string[] {
    return Object.keys(this.config().agents);
  }

  config(): FleetConfig {
    const { steady, fragile, volatile, talkers } = this.cast;
    const teller = (more: Record<string, unknown> = {}) => ({
      runtime: 'command',
      command: [
        process.execPath,
        TELLER,
        this.ledgerDir,
        String(this.#options.linesPerBurst),
        String(this.#options.pause_ms),
      ],
      restart: { policy: 'always', attempts: ATTEMPTS - this.#patience },
      ...more,
    });
    const edited = { env: { CHAOS_EDITION: String(this.edition) } };
    return {
      agents: {
        ...Object.fromEntries([...steady, ...fragile, ...this.#guests].map((name) => [name, teller()])),
        ...Object.fromEntries(volatile.map((name) => [name, teller(edited)])),
        ...Object.fromEntries(
          talkers.map((name) => [
            name,
            {
              runtime: 'claude-code',
              permissions: { allow: ['Bash'] },
              restart: { policy: 'always', attempts: ATTEMPTS },
            },
          ]),
        ),
      },
    };
  }

  /* ---------- the host ---------- */

  /** Starts a host and returns once it answers. */
  async up(): Promise<void> {
    const begun = Date.now();
    const end = begun + UP_MS;
    for (;;) {
      const result = await this.fleet.cli(['up', '--detach'], { deadline_ms: UP_MS });
      if (result.code === 0 || (await this.#answers())) break;
      // What a host that was killed in its start leaves may hold the lock for a moment longer.
      if (Date.now() > end)
        throw new Error(
          `no host comes up: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}${this.fleet.hostLog()}`,
        );
      this.story.push(`  up: exit ${result.code ?? result.signal}: ${result.stderr.trim().slice(0, 200)}`);
      await sleep(100);
    }
    this.starts.push(Date.now() - begun);
  }

  /** `up` also fails when an agent is down for a moment: that is judged at the end. */
  async #answers(): Promise<boolean> {
    try {
      await this.fleet.withHost((client) => client.call('info'));
      return true;
    } catch (error) {
      if (cutOff(error)) return false;
      throw error;
    }
  }

  /** Starts a host that does not get old: SIGKILL so long after it took the state directory. */
  async #upAndDie(after_ms: number): Promise<void> {
    const before = this.#hostPid();
    const starting = this.fleet.begin(['up', '--detach'], { deadline_ms: UP_MS });
    const pid = await eventually(
      'a host takes the state directory',
      () => {
        const now = this.#hostPid();
        return now !== null && now !== before && running(now) ? now : null;
      },
      UP_MS,
    );
    await sleep(after_ms);
    await this.#killHost(pid);
    this.counts.early += 1;
    await starting.ended;
  }

  #hostPid(): number | null {
    try {
      return this.fleet.hostPid || null;
    } catch {
      return null; // not written yet, or a host that ended properly
    }
  }

  async #killHost(pid: number): Promise<void> {
    if (!running(pid))
      this.complaints.push(`host ${pid} was dead before it was killed${this.fleet.hostLog()}`);
    else process.kill(pid, 'SIGKILL');
    await eventually('the host is gone', () => !running(pid), 10_000);
    this.counts.hosts += 1;
    this.#dropStalled();
  }

  /* ---------- following the plan ---------- */

  async run(): Promise<void> {
    this.#following = setInterval(() => this.streams.read(), FOLLOW_MS);
    await this.up();
    const end = Date.now() + this.#options.deadline_ms;
    for (const [index, step] of this.plan.steps.entries()) {
      if (Date.now() > end) {
        this.#options.say(`out of time after ${index} of ${this.plan.steps.length} steps`);
        break;
      }
      const line = describe(step, index);
      this.story.push(line);
      this.#options.say(line);
      await this.#step(step);
    }
  }

  async #step(step: Step): Promise<void> {
    const act = this.#act(step.act);
    this.#begun.add(act);
    void act.finally(() => this.#begun.delete(act));
    if (step.hostDies_ms !== null) {
      await sleep(step.hostDies_ms);
      await this.#killHost(this.fleet.hostPid);
      if (step.successorDies_ms !== null) await this.#upAndDie(step.successorDies_ms);
      await act;
      await this.up();
    } else {
      await act;
    }
    await sleep(step.rest_ms);
  }

  /** Never rejects: what went wrong is a complaint. */
  async #act(act: Act): Promise<void> {
    try {
      await this.#perform(act);
    } catch (error) {
      if (cutOff(error)) return;
      this.complaints.push(
        `${JSON.stringify(act)}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  async #perform(act: Act): Promise<void> {
    switch (act.do) {
      case 'nothing':
        return;
      case 'inject':
        return this.#note(act.agent, act.shape);
      case 'takeover': {
        const view = await this.fleet.agent(act.agent);
        if (view.verbs.takeover !== null) return;
        this.counts.takeover += 1;
        await this.#ask((client) =>
          client.call('takeover', act.agent, { holder: 'chaos', when: act.when, cols: 80, rows: 24 }),
        );
        return;
      }
      case 'handback':
        return this.handback(act.agent);
      case 'restart':
        this.counts.restart += 1;
        await this.#ask((client) => client.call('restart', act.agent));
        return;
      case 'pause':
      case 'hold': {
        const { verbs } = await this.fleet.agent(act.agent);
        if (verbs[act.do] !== null) return;
        this.counts[act.do] += 1;
        await this.#ask(async (client) => client.call(act.do, act.agent));
        return;
      }
      case 'resume':
        return this.#resume();
      case 'edit':
        return this.#edit(act.what);
      case 'kill':
        return this.#kill(act.what, act.agent);
      case 'freeze': {
        const pid = this.fleet.hostPid;
        process.kill(pid, 'SIGSTOP');
        this.counts.freeze += 1;
        await sleep(act.for_ms);
        if (running(pid)) process.kill(pid, 'SIGCONT');
        return;
      }
      case 'stall':
        return this.#stall(act.agent);
    }
  }

  /** Asks the host, and takes a refusal because of the moment ("it is being restarted") for an answer. */
  async #ask(body: (client: ControlClient) => Promise<unknown>): Promise<void> {
    try {
      await this.fleet.withHost(body);
    } catch (error) {
      if (!(error instanceof AetherError) || error.code === 'internal') throw error;
      this.story.push(`  refused: ${error.code}: ${error.message.slice(0, 160)}`);
    }
  }

  async #resume(): Promise<void> {
    const views = await this.fleet.withHost((client) => client.call('agents'));
    for (const { name, verbs } of views)
      if (verbs.resume === null) await this.#ask((client) => client.call('resume', name));
  }

  async handback(agent: string): Promise<void> {
    const { lease } = await this.fleet.agent(agent);
    if (lease === null || lease.phase === 'returning') return;
    await this.#ask((client) => client.call('handback', agent, { generation: lease.generation }));
  }

  /** Posts in order, each until it is accepted: the same id again is the same message. */
  #note(agent: string, shape: 'say' | 'slow' | 'store'): Promise<void> {
    const number = this.notes.length;
    const mark = `note#${number};`;
    const script = {
      say: `[[say heard ${number}]]`,
      slow: `[[slow 30 ${'and so on '.repeat(10)}]]`,
      store: `${aether('memory_store', { text: `talk:${agent}:${number}` })} [[say stored ${number}]]`,
    }[shape];
    const note = { id: randomUUID(), agent, number, text: mark };
    this.notes.push(note);
    const before = this.#posting.get(agent) ?? Promise.resolve();
    const posted = before.then(() => this.#post(note, `${mark} ${script}`));
    this.#posting.set(agent, posted);
    // The step goes on once this one is on its way; a host that dies meanwhile is followed by another.
    return Promise.race([posted, sleep(200)]);
  }

  async #post(note: Note, text: string): Promise<void> {
    const end = Date.now() + UP_MS;
    for (;;) {
      try {
        await this.fleet.withHost((client) => client.call('inject', note.agent, { text, id: note.id }));
        return;
      } catch (error) {
        if (!cutOff(error) || Date.now() > end) {
          this.complaints.push(`note ${note.number} to ${note.agent} was not accepted: ${String(error)}`);
          return;
        }
        await sleep(50);
      }
    }
  }

  async #edit(what: 'live' | 'restarting' | 'guest' | 'broken'): Promise<void> {
    if (what === 'live') this.#patience = (this.#patience + 1) % 100;
    if (what === 'restarting') this.edition += 1;
    if (what === 'guest') {
      const name = `guest-${this.edition % 2}`;
      if (!this.#guests.delete(name)) this.#guests.add(name);
    }
    if (what === 'broken') {
      // An editor that saves in the middle of a line, and once more when it is whole.
      this.fleet.write('agents: [');
      await sleep(100);
    }
    this.fleet.configure(this.config());
    if (what !== 'live') await this.#ask((client) => client.call('apply'));
  }

  async #kill(what: 'bridge' | 'engine' | 'shim', agent: string): Promise<void> {
    const { run } = await this.fleet.agent(agent);
    if (run === null) return;
    const victim = processes().find(
      ({ command, environment }) =>
        environment.includes(`AETHER_RUN=${run}`) &&
        (what === 'shim'
          ? command.startsWith('aether-shim')
          : what === 'bridge'
            ? command.includes('bridge/main.c')
            : command.includes(TELLER) || command.startsWith(this.fleet.env.AETHER_CLAUDE_BINARY!)),
    );
    if (victim === undefined) return;
    if (what !== 'bridge') {
      this.killedRuns.set(run, what);
      this.killedAgents.add(agent);
    }
    process.kill(victim.pid, 'SIGKILL');
    this.counts[what] += 1;
  }

  /** A viewer that asks for everything and reads nothing. */
  async #stall(agent: string): Promise<void> {
    const dir = fs.readFileSync(join(this.fleet.stateDir, 'sockets'), 'utf8').trim();
    const socket = connect(join(dir, 'control.sock'));
    this.#stalled.add(socket);
    socket.on('error', () => undefined); // its host dies, that is all it is there for
    socket.pause();
    socket.write(`${JSON.stringify({ id: 1, verb: 'follow', args: [{}] })}\n`);
    socket.write(`${JSON.stringify({ id: 2, verb: 'terminal', args: [agent] })}\n`);
  }

  #dropStalled(): void {
    for (const socket of this.#stalled) socket.destroy();
    this.#stalled.clear();
  }

  /* ---------- coming to rest ---------- */

  /** Everything that was begun ends: leases come back, the file is applied, calls and messages are through. */
  async settle(): Promise<void> {
    this.#options.say('coming to rest');
    await Promise.all([...this.#begun, ...this.#posting.values()]);
    this.fleet.configure(this.config());
    await this.#resume();
    await this.fleet.withHost((client) => client.call('apply'));
    for (const agent of this.cast.talkers) await this.#free(agent);
    await this.#resume();
    for (const name of this.names())
      await this.fleet.until(name, 'running', (view) => view.state === 'running', 60_000);
    fs.writeFileSync(join(this.ledgerDir, 'halt'), '');
    const tellers = this.names().filter((name) => !this.cast.talkers.includes(name));
    for (const name of tellers) {
      const { run } = await this.fleet.agent(name);
      await eventually(`${name} (run ${run}) has finished its calls`, () => this.#done(run!), 60_000);
    }
    for (const agent of this.cast.talkers) {
      await this.#note(agent, 'say');
      await this.#posting.get(agent);
      const last = this.notes.at(-1)!;
      await eventually(
        `the last note to ${agent} is acted on`,
        async () =>
          (await this.fleet.withHost((client) => client.call('injection', last.id))).state === 'acted',
        60_000,
      );
      await this.fleet.idle(agent, 60_000);
    }
    await this.#processed(tellers);
  }

  /** The host has read each journal to its end: what it shows is what is there. */
  async #processed(tellers: string[]): Promise<void> {
    for (const name of tellers) {
      const { run } = await this.fleet.agent(name);
      const told = Number(fs.readFileSync(join(this.ledgerDir, `${run}.done`), 'utf8'));
      await eventually(
        `the last line of ${name} (run ${run}) is in its journal`,
        () => {
          this.streams.read();
          return this.streams.of(run!)!.lines >= told;
        },
        20_000,
      );
    }
  }

  #done(run: string): boolean {
    return fs.existsSync(join(this.ledgerDir, `${run}.done`));
  }

  async #free(agent: string): Promise<void> {
    const settled = (view: AgentView) => view.lease === null || view.lease.phase === 'held';
    await this.fleet.until(agent, 'taken over or free', settled, 60_000);
    await this.handback(agent);
    await this.fleet.until(agent, 'free', (view) => view.lease === null, 60_000);
  }

  stopFollowing(): void {
    if (this.#following !== null) clearInterval(this.#following);
    this.#following = null;
    this.#dropStalled();
  }
}

/** The host went away, or is not there yet: no answer, and no fault of whoever was asked. */
function cutOff(error: unknown): boolean {
  if (error instanceof AetherError)
    return ['control.lost', 'host.absent', 'control.stopping', 'host.stopping'].includes(error.code);
  return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(
    String((error as NodeJS.ErrnoException).code),
  );
}

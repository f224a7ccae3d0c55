/** One fleet under chaos: it follows a plan, and keeps a record of what it did to whom, for the judge. */
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AgentView } from '../../src/host/api.ts';
import { engineProgram } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { AETHER, type FleetConfig, LiveFleet, sandboxOf } from '../support/live-fleet.ts';
import { isRoot } from '../support/ordinary-user.ts';
import { mayMount } from '../support/small-disk.ts';
import { Acts } from './acts.ts';
import { type Cast, GUESTS } from './cast.ts';
import { type Engine, engineOf, TELLER } from './engine.ts';
import { MortalHost } from './host.ts';
import { Notes } from './notes.ts';
import { type Act, describe, type Plan, type Step } from './schedule.ts';
import { type Printer, Streams } from './streams.ts';

const CLOCK = fileURLToPath(new URL('programs/clock.mjs', import.meta.url));
/** Kills of one agent that come faster than its policy forgives are a crash loop, and rightly end in one. */
const ATTEMPTS = 1_000;
const FOLLOW_MS = 500;
/** Room for half an hour of twenty tellers. */
const DISK_MB = 768;
const REST_MS = 60_000;

const CLAUDE = { runtime: 'claude-code', permissions: { allow: ['Bash'] } };
/** Gateways start one after the other, and slowly on a machine that has much else to do. */
const GATEWAY_MS = 240_000;

/** What agents run in. */
export type Confinement = 'none' | 'bubblewrap';

export interface WorldOptions {
  plan: Plan;
  sandbox: Confinement;
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
  readonly host: MortalHost;
  readonly acts: Acts;
  readonly notes: Notes;
  readonly streams: Streams;
  readonly ledgerDir: string;
  readonly clockFile: string;
  readonly plan: Plan;
  /** Steps that were begun, as they were carried out. */
  readonly story: string[] = [];
  /** Runs whose engine or shim we killed ourselves. */
  readonly killedRuns = new Map<string, 'engine' | 'shim'>();
  /** Agents of these. */
  readonly killedAgents = new Set<string>();
  readonly complaints: string[] = [];
  readonly counts = {
    bridge: 0,
    engine: 0,
    gateway: 0,
    /** Of these, while a model answered its agent. */
    gatewayInTurn: 0,
    /** Of these, by the program that makes the box of one. */
    box: 0,
    shim: 0,
    freeze: 0,
    stall: 0,
    fill: 0,
    clock: 0,
    takeover: 0,
    restart: 0,
    pause: 0,
    hold: 0,
    stand: 0,
    answer: 0,
    /** Deaths of hosts while a model was answering. */
    inTurn: 0,
  };
  /** Deaths of hosts by the act they came upon. */
  readonly deathsIn: Record<string, number> = {};
  /** The machine grants control groups, and they are not switched off. */
  readonly grouped: boolean;
  readonly boxed: boolean;
  edition = 0;
  readonly #options: WorldOptions;
  readonly #engine: Engine;
  readonly #guests = new Set<string>();
  readonly #begun = new Set<Promise<void>>();
  #patience = 3;
  #following: NodeJS.Timeout | null = null;

  private constructor(fleet: LiveFleet, options: WorldOptions) {
    this.fleet = fleet;
    this.plan = options.plan;
    this.#options = options;
    // An ordinary user has no control group to make others in.
    this.grouped = isRoot && options.env?.AETHER_NO_CGROUP !== '1';
    this.boxed = options.sandbox === 'bubblewrap';
    this.ledgerDir = join(fleet.root, 'ledgers');
    this.clockFile = join(fleet.root, 'clock');
    fs.mkdirSync(this.ledgerDir);
    this.streams = new Streams(fleet.stateDir, (run) => this.#printer(run));
    this.acts = new Acts(this);
    this.notes = new Notes(fleet, this.cast, this.toolLedger, (text) => this.complaints.push(text));
    this.host = new MortalHost(fleet, {
      complaint: (text) => this.complaints.push(text),
      remark: (text) => this.story.push(`  ${text}`),
    });
    fleet.env.CHAOS_CLOCK = this.clockFile;
    this.#engine = engineOf(fleet.root, this.boxed);
    fleet.env.AETHER_CLAUDE_BINARY = this.#engine.file;
    fleet.configure(this.config());
  }

  static async make(options: WorldOptions): Promise<World> {
    const { program = AETHER, env } = options;
    if (!mayMount) options.say('LEFT OUT: only root can mount the small disk that gets full');
    const fleet = await LiveFleet.make(
      { agents: {} },
      {
        program: [program[0]!, `--import=${CLOCK}`, ...program.slice(1)],
        ...(env === undefined ? {} : { env }),
        ...(mayMount ? { disk_mb: DISK_MB } : {}),
      },
    );
    if (fleet.disk !== null) {
      // What engines keep for themselves is elsewhere: a conversation that its engine could not save is not ours to judge.
      const agents = join(fleet.root, 'agents');
      fs.mkdirSync(agents, { mode: 0o700 });
      fs.symlinkSync(agents, join(fleet.stateDir, 'agents'));
    }
    return new World(fleet, options);
  }

  get cast(): Cast {
    return this.plan.cast;
  }

  get toolLedger(): string {
    return join(this.ledgerDir, 'tools');
  }

  /** Every agent that the file names now. */
  names(): string[] {
    return Object.keys(this.config().agents);
  }

  /** By its command line. */
  isEngine(command: string): boolean {
    return this.#engine.is(command);
  }

  config(): FleetConfig {
    const { steady, fragile, volatile, talkers, claws } = this.cast;
    const edited = { CHAOS_EDITION: String(this.edition) };
    return {
      defaults: { sandbox: sandboxOf(this.#options.sandbox, { write: [this.ledgerDir] }) },
      agents: {
        ...Object.fromEntries(
          [...steady, ...fragile, ...this.#guests].map((name) => [name, this.#teller(name, {})]),
        ),
        ...Object.fromEntries(volatile.map((name) => [name, this.#teller(name, edited)])),
        ...Object.fromEntries(
          talkers.map((name) => [
            name,
            {
              ...(claws.includes(name) ? this.#claw() : CLAUDE),
              restart: { policy: 'always', attempts: ATTEMPTS },
            },
          ]),
        ),
      },
    };
  }

  #claw(): Record<string, unknown> {
    return {
      runtime: 'openclaw',
      bin: engineProgram('openclaw'),
      model: 'anthropic/scripted',
      auth: 'ANTHROPIC_API_KEY',
      env: { ANTHROPIC_BASE_URL: this.fleet.model.url },
      permissions: { allow: ['exec'] },
    };
  }

  #teller(name: string, env: Record<string, string>): Record<string, unknown> {
    const { linesPerBurst, pause_ms } = this.#options;
    const manners = this.cast.manners[name] ?? 'calm';
    const told = [this.ledgerDir, String(linesPerBurst), String(pause_ms), manners];
    const restart = { policy: 'always', attempts: ATTEMPTS - this.#patience };
    return this.cast.onPipes.includes(name)
      ? { runtime: 'claude-code', env: { ...env, CHAOS_TELL: told.join(' ') }, restart }
      : { runtime: 'command', command: [process.execPath, TELLER, ...told, 'terminal'], env, restart };
  }

  /** The file is to say something else from now on. */
  change(what: 'live' | 'restarting' | 'guest'): void {
    if (what === 'live') this.#patience = (this.#patience + 1) % 100;
    if (what === 'restarting') this.edition += 1;
    if (what === 'guest') {
      const name = GUESTS[this.edition % GUESTS.length]!;
      if (!this.#guests.delete(name)) this.#guests.add(name);
    }
  }

  #printer(run: string): Printer {
    const says = (printer: Printer) => fs.existsSync(join(this.ledgerDir, `${run}.${printer}`));
    return says('terminal') ? 'terminal' : says('pipes') ? 'pipes' : 'engine';
  }

  /* ---------- following the plan ---------- */

  async run(): Promise<void> {
    this.#following = setInterval(() => this.streams.read(), FOLLOW_MS);
    await this.host.up();
    // Blows that come in their first start come upon starts alone: those to gateways lead to other ones.
    for (const name of this.cast.claws) await this.fleet.idle(name, GATEWAY_MS);
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
    if (step.aside !== null) void this.#begin(step.aside);
    const act = this.#begin(step.act);
    if (step.hostDies_ms !== null) {
      if (step.act.do === 'turn') await act;
      await sleep(step.hostDies_ms);
      if (this.fleet.model.requests.some(({ outcome }) => outcome === 'open')) this.counts.inTurn += 1;
      const { do: verb } = step.act;
      this.deathsIn[verb] = (this.deathsIn[verb] ?? 0) + 1;
      await this.host.kill();
      this.acts.dropStalled();
      if (step.successorDies_ms !== null) await this.host.upAndDie(step.successorDies_ms);
      // A gateway that is to die in a turn waits for the next host.
      if (step.act.do !== 'gateway') await act;
      await this.host.up();
      await act;
    } else {
      await act;
    }
    await sleep(step.rest_ms);
  }

  #begin(act: Act): Promise<void> {
    const done = this.acts.perform(act);
    this.#begun.add(done);
    void done.finally(() => this.#begun.delete(done));
    return done;
  }

  /* ---------- coming to rest ---------- */

  /** Everything that was begun ends: leases come back, the file is applied, calls and messages are through. */
  async settle(): Promise<void> {
    this.#options.say('coming to rest');
    await Promise.all([...this.#begun, this.notes.through()]);
    this.fleet.configure(this.config());
    await this.acts.resume();
    await this.fleet.withHost((client) => client.call('apply'));
    for (const agent of this.cast.talkers) await this.#free(agent);
    await this.acts.resume();
    for (const name of this.names())
      await this.fleet.until(name, 'running', (view) => view.state === 'running', this.#rest_ms(name));
    fs.writeFileSync(join(this.ledgerDir, 'halt'), '');
    const tellers = this.names().filter((name) => !this.cast.talkers.includes(name));
    for (const name of tellers) {
      const { run } = await this.fleet.agent(name);
      await eventually(
        `${name} (run ${run}) has finished its calls`,
        async () => {
          if (this.#done(run!) !== null) return true;
          await this.acts.answer();
          return false;
        },
        REST_MS,
      );
    }
    for (const agent of this.cast.talkers) await this.#lastNote(agent);
    await this.#processed(tellers);
  }

  async #lastNote(agent: string): Promise<void> {
    const { note, accepted } = this.notes.write(agent, 'say', 'later');
    await accepted;
    await eventually(
      `the last note to ${agent} is acted on`,
      async () => (await this.notes.state(note)) === 'acted',
      this.#rest_ms(agent),
    );
    await this.fleet.idle(agent, REST_MS);
  }

  /** Each journal is there to its end, and the host has read it: what it shows is what is there. */
  async #processed(tellers: string[]): Promise<void> {
    for (const name of tellers) {
      const { run } = await this.fleet.agent(name);
      const told = this.#done(run!)!;
      await eventually(
        `the last line of ${name} (run ${run}) is in its journal`,
        () => {
          this.streams.read();
          const { lines, errorLines } = this.streams.of(run!)!;
          return lines >= told[0]! && errorLines >= told[1]!;
        },
        20_000,
      );
    }
    // What was asked after the last line was printed is answered after that line was processed.
    await this.fleet.withHost((client) => client.call('agents'));
  }

  /** Lines of stdout and stderr that it had printed by then; null: it has open calls. */
  #done(run: string): number[] | null {
    const file = join(this.ledgerDir, `${run}.done`);
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split(' ').map(Number) : null;
  }

  async #free(agent: string): Promise<void> {
    const settled = (view: AgentView) => view.lease === null || view.lease.phase === 'held';
    const patience_ms = this.#rest_ms(agent);
    await this.fleet.until(agent, 'taken over or free', settled, patience_ms);
    await this.acts.handback(agent);
    await this.fleet.until(agent, 'free', (view) => view.lease === null, patience_ms);
  }

  #rest_ms(agent: string): number {
    return this.cast.claws.includes(agent) ? GATEWAY_MS : REST_MS;
  }

  stopFollowing(): void {
    if (this.#following !== null) clearInterval(this.#following);
    this.#following = null;
    this.acts.dropStalled();
  }
}

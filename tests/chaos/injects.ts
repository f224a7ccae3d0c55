/**
 * Messages over the deaths of hosts: real Claude Code agents on the scripted model are sent numbered messages of
 * every priority by several senders at once while their host is killed and started again; then each is counted.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { InjectionView } from '../../src/host/api.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet, sandboxOf } from '../support/live-fleet.ts';
import { dumpState } from './dump.ts';
import { cutOff, MortalHost } from './host.ts';
import { type InjectEvidence, type InjectFigures, judgeInjects, type ReceiptRow } from './inject-judge.ts';
import { type Death, drawInjects, type InjectPlan, type Message, TOKEN } from './inject-plan.ts';
import { Streams } from './streams.ts';
import type { Confinement } from './world.ts';

const ACCEPTED_MS = 90_000;
/** Without any receipt moving on. */
const STILL_MS = 60_000;
const LOOK_MS = 250;

export interface InjectOptions {
  seed: string;
  agents: number;
  injects: number;
  kills: number;
  /** Default: none. */
  sandbox?: Confinement;
  program?: readonly string[];
  env?: Record<string, string>;
  say?(line: string): void;
}

export interface InjectReport {
  seed: string;
  figures: InjectFigures & {
    hostKills: number;
    hostKillsInStart: number;
    modelRequests: number;
    runs: number;
    seconds: number;
  };
  violations: string[];
  story: string[];
}

export async function runInjects(options: InjectOptions): Promise<InjectReport> {
  const begun = Date.now();
  const plan = drawInjects(options.seed, options);
  const rain = await Rain.make(plan, options);
  const violations: string[] = [];
  let figures: InjectFigures = { messages: 0, acted: 0, seen: 0, unknown: 0, counted: 0 };
  let runs = 0;
  try {
    await rain.fall();
    const { evidence, faults, runs: counted } = rain.evidence();
    const verdict = judgeInjects(evidence);
    figures = verdict.figures;
    runs = counted;
    violations.push(...rain.complaints, ...faults, ...verdict.violations);
  } catch (error) {
    violations.push(
      `it did not come to rest: ${error instanceof Error ? error.message : String(error)}`,
      ...rain.complaints,
      await rain.fleet.history(),
    );
  } finally {
    rain.stop();
    dumpState(rain.fleet, violations);
    await rain.fleet.close().catch((error: Error) => violations.push(error.message));
  }
  return {
    seed: options.seed,
    figures: {
      ...figures,
      hostKills: rain.host.deaths,
      hostKillsInStart: rain.host.early,
      modelRequests: rain.requests,
      runs,
      seconds: Math.round((Date.now() - begun) / 1_000),
    },
    violations,
    story: rain.story,
  };
}

class Rain {
  readonly fleet: LiveFleet;
  readonly host: MortalHost;
  readonly plan: InjectPlan;
  readonly complaints: string[] = [];
  readonly story: string[] = [];
  requests = 0;
  readonly #say: (line: string) => void;
  readonly #streams: Streams;
  readonly #accepted = new Map<number, string>();
  readonly #told: number[][] = [];
  readonly #looking: NodeJS.Timeout;
  #looked = 0;
  #over = false;

  private constructor(fleet: LiveFleet, plan: InjectPlan, say: (line: string) => void) {
    this.fleet = fleet;
    this.plan = plan;
    this.#say = say;
    this.#streams = new Streams(fleet.stateDir, () => 'engine');
    this.host = new MortalHost(fleet, {
      complaint: (text) => this.complaints.push(text),
      remark: (text) => this.#tell(`  ${text}`),
    });
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  static async make(plan: InjectPlan, options: InjectOptions): Promise<Rain> {
    const { program, env, sandbox = 'none' } = options;
    const agent = { runtime: 'claude-code', permissions: { allow: ['Bash'] } };
    const fleet = await LiveFleet.make(
      {
        defaults: { sandbox: sandboxOf(sandbox) },
        agents: Object.fromEntries(plan.agents.map((name) => [name, agent])),
      },
      { ...(program === undefined ? {} : { program }), ...(env === undefined ? {} : { env }) },
    );
    return new Rain(fleet, plan, options.say ?? (() => undefined));
  }

  #tell(line: string): void {
    this.story.push(line);
    this.#say(line);
  }

  /** All that was planned, until every receipt has come to its end. */
  async fall(): Promise<void> {
    await this.host.up();
    for (const agent of this.plan.agents) await this.fleet.idle(agent, 60_000);
    await Promise.all([this.#deaths(), ...this.plan.agents.map((agent) => this.#sender(agent))]);
    await this.#settled();
    for (const agent of this.plan.agents) await this.fleet.idle(agent, 60_000);
    this.#look();
  }

  async #deaths(): Promise<void> {
    for (const death of this.plan.deaths) {
      await eventually(
        `${death.after} messages are accepted`,
        () => this.#over || this.#accepted.size >= death.after,
        600_000,
      );
      if (this.#over) return;
      await this.#die(death);
    }
  }

  async #die({ after, delay_ms, successorDies_ms }: Death): Promise<void> {
    await sleep(delay_ms);
    const again = successorDies_ms === null ? '' : `, the next one after ${successorDies_ms} ms`;
    this.#tell(
      `${this.#accepted.size} messages accepted (due at ${after}): the host dies after ${delay_ms} ms${again}`,
    );
    await this.host.kill();
    if (successorDies_ms !== null) await this.host.upAndDie(successorDies_ms);
    await this.host.up();
  }

  /* ---------- sending ---------- */

  /** One after the other: the order in which they are accepted is that of the plan. */
  async #sender(agent: string): Promise<void> {
    for (const message of this.plan.messages) {
      if (message.agent !== agent) continue;
      await sleep(message.pause_ms);
      try {
        this.#accepted.set(message.number, await this.#send(message));
      } catch (error) {
        this.#over = true;
        throw error;
      }
    }
  }

  async #send(message: Message): Promise<string> {
    const end = Date.now() + ACCEPTED_MS;
    for (;;) {
      const id = await (message.door === 'socket' ? this.#ask(message) : this.#command(message));
      if (id !== null) return id;
      if (Date.now() > end)
        throw new Error(`message ${message.number} was not accepted in ${ACCEPTED_MS} ms`);
      await sleep(50);
    }
  }

  /** The id is ours: asking again under it is safe, whatever became of the first time. */
  async #ask({ number, agent, text, priority }: Message): Promise<string | null> {
    const id = idOf(number);
    try {
      await this.fleet.withHost((client) => client.call('inject', { agent: agent, text, priority, id }));
      return id;
    } catch (error) {
      if (cutOff(error)) return null;
      throw error;
    }
  }

  /** Who uses the command gets an id; whose command was cut off looks whether there is one before trying again. */
  async #command({ agent, text, priority }: Message): Promise<string | null> {
    const sent = await this.fleet.cli(['inject', agent, text, '--priority', priority, '--json']);
    if (sent.code === 0) return (JSON.parse(sent.stdout) as InjectionView).id;
    for (;;) {
      try {
        const known = await this.fleet.withHost((client) => client.call('injections', { agent: agent }));
        return known.find((one) => one.text === text)?.id ?? null;
      } catch (error) {
        if (!cutOff(error)) throw error;
        await sleep(50);
      }
    }
  }

  /* ---------- coming to rest ---------- */

  /** Nothing is on its way any more, or nothing moves: what that means is for the judge to say. */
  async #settled(): Promise<void> {
    let last = '';
    let since = Date.now();
    await eventually(
      'no message is on its way',
      () => {
        const open = this.#receipts().filter(({ state }) => state === 'queued' || state === 'delivered');
        const now = open.map(({ id, state }) => `${id} ${state}`).join();
        if (now !== last) since = Date.now();
        last = now;
        return open.length === 0 || Date.now() - since > STILL_MS;
      },
      900_000,
    );
  }

  #receipts(): ReceiptRow[] {
    const db = new Database(join(this.fleet.stateDir, 'aether.db'), { readonly: true });
    try {
      return db
        .prepare<[], Omit<ReceiptRow, 'steps'> & { steps: string }>(
          'SELECT id, agent, text, priority, state, steps FROM injections ORDER BY ordinal',
        )
        .all()
        .map((row) => ({ ...row, steps: JSON.parse(row.steps) as ReceiptRow['steps'] }));
    } finally {
      db.close();
    }
  }

  /** What the model was told since the last look; then the request itself is let go of: there are thousands. */
  #look(): void {
    this.#streams.read();
    const { requests } = this.fleet.model;
    for (let at = this.#looked; at < requests.length; at += 1) {
      const request = requests[at]!;
      if (request.outcome === 'open') break;
      this.#looked = at + 1;
      if (request.conversation === null) continue;
      this.requests += 1;
      const said = request.conversation.turns
        .filter(({ role }) => role === 'user' || role === 'system')
        .map(({ text }) => text)
        .join('\n');
      const numbers = [...said.matchAll(TOKEN)].map(([, number]) => Number(number));
      if (numbers.length > 0) this.#told.push(numbers);
      request.conversation = null;
      request.body = null;
    }
  }

  evidence(): { evidence: InjectEvidence; faults: string[]; runs: number } {
    this.#look();
    const frames = new Map<string, number>();
    const streams = this.#streams.all();
    for (const stream of streams)
      for (const [frame, times] of stream.frames) frames.set(frame, (frames.get(frame) ?? 0) + times);
    const faults = [...this.#streams.violations];
    if (streams.length !== this.plan.agents.length)
      faults.push(`${this.plan.agents.length} agents, which nobody touched, have ${streams.length} runs`);
    return {
      evidence: {
        messages: this.plan.messages,
        accepted: this.#accepted,
        receipts: this.#receipts(),
        told: this.#told,
        frames,
        ran: this.#ran(),
      },
      faults,
      runs: streams.length,
    };
  }

  #ran(): Map<number, number> {
    const ran = new Map<number, number>();
    for (const agent of this.plan.agents) {
      const file = join(this.fleet.project, 'workspaces', agent, 'ran');
      if (!fs.existsSync(file)) continue;
      for (const [, number] of fs.readFileSync(file, 'utf8').matchAll(/^ran:(\d+)$/gm))
        ran.set(Number(number), (ran.get(Number(number)) ?? 0) + 1);
    }
    return ran;
  }

  stop(): void {
    clearInterval(this.#looking);
    this.#streams.close();
  }
}

/** The same for the same message: a UUID that needs no chance. */
function idOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function explainInjects(report: InjectReport): string {
  return [
    `seed ${report.seed}: ${report.violations.length} violation(s)`,
    ...report.violations.slice(0, 50).map((line) => `  ✗ ${line.slice(0, 2_000)}`),
    'what was done:',
    ...report.story.slice(-200).map((line) => `  ${line}`),
    JSON.stringify(report.figures),
  ].join('\n');
}

/**
 * What the steps of a plan do to a fleet. Whatever is asked of a host may be cut off by that host's death: then it
 * is left at that, and what became of it is judged at the end.
 */
import fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { ControlClient } from '../../src/host/control/client.ts';
import { AetherError } from '../../src/host/errors.ts';
import { makesBox } from '../support/box.ts';
import { type ProcessSeen, processes, running } from '../support/live-fleet.ts';
import type { LoggedRequest } from '../support/model-server/server.ts';
import { runsItself } from './engine.ts';
import { cutOff } from './host.ts';
import type { Act, Kill } from './schedule.ts';
import type { World } from './world.ts';

/** Its gateway may have to come back first. */
const TURN_MS = 180_000;
/** A message that is to be at the gate soon is waited for so long. */
const SEEN_MS = 1_500;

export class Acts {
  readonly #world: World;
  readonly #stalled = new Set<Socket>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Never rejects: what went wrong is a complaint. */
  async perform(act: Act): Promise<void> {
    try {
      await this.#perform(act);
    } catch (error) {
      if (cutOff(error)) return;
      this.#world.complaints.push(
        `${JSON.stringify(act)}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  async #perform(act: Act): Promise<void> {
    const { fleet, counts, notes } = this.#world;
    switch (act.do) {
      case 'nothing':
        return;
      case 'inject': {
        const { accepted } = notes.write(act.agent, act.shape, act.priority);
        // The step goes on once it is on its way; a host that dies meanwhile is followed by another.
        return Promise.race([accepted, sleep(200)]);
      }
      case 'takeover': {
        const view = await fleet.agent(act.agent);
        if (view.verbs.takeover !== null) return;
        counts.takeover += 1;
        await this.ask((client) =>
          client.call('takeover', { agent: act.agent, when: act.when, cols: 80, rows: 24 }),
        );
        return;
      }
      case 'handback':
        return this.handback(act.agent);
      case 'restart':
        counts.restart += 1;
        await this.ask((client) => client.call('restart', { agent: act.agent }));
        return;
      case 'pause':
      case 'hold': {
        const { verbs } = await fleet.agent(act.agent);
        if (verbs[act.do] !== null) return;
        counts[act.do] += 1;
        await this.ask(async (client) => client.call(act.do, { agent: act.agent }));
        return;
      }
      case 'stand':
        return this.#stand(act.agent);
      case 'resume':
        return this.resume();
      case 'answer':
        return this.answer();
      case 'edit':
        return this.#edit(act.what);
      case 'kill':
        return this.#kill(act.what, act.agent);
      case 'gateway':
        return this.#killGateway(act.agent);
      case 'turn':
        await this.#turn(act.agent);
        return;
      case 'freeze':
        counts.freeze += 1;
        return still(fleet.hostPid, act.for_ms);
      case 'stall':
        return this.#stall(act);
      case 'fill':
        return this.#fill(act.for_ms);
      case 'clock':
        counts.clock += 1;
        fs.writeFileSync(this.#world.clockFile, String(act.ahead_s * 1_000));
        return;
    }
  }

  /** Asks the host, and takes a refusal because of the moment ("it is being restarted") for an answer. */
  async ask(body: (client: ControlClient) => Promise<unknown>): Promise<void> {
    try {
      await this.#world.fleet.withHost(body);
    } catch (error) {
      if (!(error instanceof AetherError) || error.code === 'host.internal') throw error;
      this.#world.story.push(`  refused: ${error.code}: ${error.message.slice(0, 160)}`);
    }
  }

  async resume(): Promise<void> {
    const views = await this.#world.fleet.withHost((client) => client.call('agents'));
    for (const { name, verbs } of views)
      if (verbs.resume === null) await this.ask((client) => client.call('resume', { agent: name }));
  }

  async handback(agent: string): Promise<void> {
    const { lease } = await this.#world.fleet.agent(agent);
    if (lease === null || lease.phase === 'returning') return;
    await this.ask((client) => client.call('handback', { agent: agent, generation: lease.generation }));
  }

  /** To each question what only its own answer says. */
  async answer(): Promise<void> {
    const open = await this.#world.fleet.withHost((client) => client.call('approvals', { state: 'open' }));
    for (const { id, kind, title } of open) {
      if (kind !== 'question') continue;
      this.#world.counts.answer += 1;
      await this.ask((client) => client.call('answerApproval', { id, text: `about ${title}` }));
    }
  }

  /** The call that its turn leads to comes to a gate that is shut. */
  async #stand(agent: string): Promise<void> {
    const { notes, counts, fleet } = this.#world;
    const { note, accepted } = notes.write(agent, 'stand', 'next');
    await Promise.race([accepted, sleep(SEEN_MS)]);
    for (const end = Date.now() + SEEN_MS; Date.now() < end; await sleep(30)) {
      const state = await notes.state(note);
      if (state === null) return;
      if (state === 'seen') break;
    }
    if ((await fleet.agent(agent)).verbs.hold !== null) return;
    counts.stand += 1;
    await this.ask((client) => client.call('hold', { agent: agent }));
  }

  async #edit(what: 'live' | 'restarting' | 'guest' | 'broken'): Promise<void> {
    const world = this.#world;
    if (what !== 'broken') world.change(what);
    else {
      // An editor that saves in the middle of a line, and once more when it is whole.
      world.fleet.write('agents: [');
      await sleep(100);
    }
    world.fleet.configure(world.config());
    if (what !== 'live') await this.ask((client) => client.call('apply'));
  }

  /** @returns the process of an agent's run that plays this part; undefined when there is none. */
  #victim(what: Kill['what'] | 'box' | 'gateway', agent: string): [string, ProcessSeen] | undefined {
    const run = this.#runOf(agent);
    if (run === undefined) return undefined;
    const plays: Record<typeof what, (command: string) => boolean> = {
      shim: (command) => command.startsWith('aether-shim'),
      bridge: (command) => runsItself(command) && command.includes('bridge/main.c'),
      engine: (command) => this.#world.isEngine(command),
      gateway: (command) => command.startsWith('openclaw-gateway'),
      box: makesBox,
    };
    const victim = processes().find(
      ({ command, environment }) => environment.includes(`AETHER_RUN=${run}`) && plays[what](command),
    );
    return victim === undefined ? undefined : [run, victim];
  }

  /** Without asking a host, who may be about to die. */
  #runOf(agent: string): string | undefined {
    const db = new Database(join(this.#world.fleet.stateDir, 'aether.db'), { readonly: true });
    try {
      return db
        .prepare<[string], string>('SELECT id FROM runs WHERE agent = ? AND exited_ms IS NULL')
        .pluck()
        .get(agent);
    } finally {
      db.close();
    }
  }

  #kill(what: Kill['what'], agent: string): void {
    const world = this.#world;
    // Every other engine ends with its box.
    const byBox = world.boxed && what === 'engine' && world.counts.engine % 2 === 1;
    // Without a group or a box, what fled from a shim that was killed can be found by nobody, and its agent rightly waits.
    const flees = world.cast.manners[agent] === 'daemons' && !world.grouped && !world.boxed;
    if (what === 'shim' && flees) return;
    const found = this.#victim(byBox ? 'box' : what, agent);
    if (found === undefined) return;
    const [run, { pid }] = found;
    if (what !== 'bridge') {
      world.killedRuns.set(run, what);
      world.killedAgents.add(agent);
    }
    process.kill(pid, 'SIGKILL');
    world.counts[what] += 1;
    if (byBox) world.counts.box += 1;
  }

  /** What stands still takes up no message. */
  async #letGoOn(agent: string): Promise<void> {
    for (;;)
      try {
        await this.handback(agent);
        await this.resume();
        return;
      } catch (error) {
        if (!cutOff(error)) throw error;
        await sleep(100);
      }
  }

  /** @returns once the model answers it: hosts may die meanwhile, and a gateway that was killed comes back */
  async #turn(agent: string): Promise<LoggedRequest> {
    const { notes, fleet } = this.#world;
    await this.#letGoOn(agent);
    const { note } = notes.write(agent, 'long', 'next');
    const mark = `note#${note.number};`;
    return fleet.model.waitFor(
      ({ outcome, conversation }) =>
        outcome === 'open' && conversation?.turns.some(({ text }) => text.includes(mark)) === true,
      TURN_MS,
    );
  }

  /** In the midst of a turn. */
  async #killGateway(agent: string): Promise<void> {
    const world = this.#world;
    const request = await this.#turn(agent);
    const found = this.#victim('gateway', agent);
    if (found === undefined) return; // another blow was faster
    const [run, { pid }] = found;
    world.killedRuns.set(run, 'engine');
    world.killedAgents.add(agent);
    process.kill(pid, 'SIGKILL');
    world.counts.gateway += 1;
    if (request.outcome === 'open') world.counts.gatewayInTurn += 1;
  }

  async #stall(act: { what: 'viewer' | 'shim' | 'bridge'; agent: string; for_ms: number }): Promise<void> {
    this.#world.counts.stall += 1;
    if (act.what === 'viewer') return this.#stallViewer(act.agent);
    const victim = this.#victim(act.what, act.agent);
    if (victim !== undefined) await still(victim[1].pid, act.for_ms);
  }

  /** Asks for everything and reads nothing. */
  #stallViewer(agent: string): void {
    const dir = fs.readFileSync(join(this.#world.fleet.stateDir, 'sockets'), 'utf8').trim();
    const socket = connect(join(dir, 'control.sock'));
    this.#stalled.add(socket);
    socket.on('error', () => undefined); // its host dies, that is all it is there for
    socket.pause();
    socket.write(`${JSON.stringify({ id: 1, verb: 'follow' })}\n`);
    socket.write(`${JSON.stringify({ id: 2, verb: 'attach', input: { agent } })}\n`);
  }

  dropStalled(): void {
    for (const socket of this.#stalled) socket.destroy();
    this.#stalled.clear();
  }

  /** Twice, as what is deleted meanwhile makes room again. */
  async #fill(for_ms: number): Promise<void> {
    const { disk } = this.#world.fleet;
    if (disk === null) return; // said at the beginning
    this.#world.counts.fill += 1;
    try {
      for (let n = 0; n < 2; n += 1) {
        disk.fill();
        await sleep(for_ms / 2);
      }
    } finally {
      disk.relieve();
    }
  }
}

/** SIGSTOP for a while. */
async function still(pid: number, for_ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await sleep(for_ms);
  if (running(pid)) process.kill(pid, 'SIGCONT');
}

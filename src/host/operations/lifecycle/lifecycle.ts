/**
 * Makes what is wanted true: start, stop, kill, restart, and what happens when a run ends by itself. One
 * operation per agent at a time; a kill does not wait for its turn.
 */
import { decideRestart } from '../../agents/restart-policy.ts';
import { messageOf, toWireError } from '../../errors.ts';
import { KeyedQueue } from '../../keyed-queue.ts';
import { limits } from '../../limits.ts';
import type { Run } from '../../runs/run.ts';
import { livedFor } from '../../runs/tree.ts';
import type { StopLadder } from '../../shim/shim-protocol.ts';
import type { AgentRecord } from '../../store/agents.ts';
import type { RunRecord } from '../../store/runs.ts';
import { withdrawPermissions } from '../gate/approve.ts';
import type { Launcher } from '../launch/launch.ts';
import {
  automaticStarts,
  crashProblem,
  givenUpStuck,
  hostStops,
  leftByHand,
  neverStarted,
  noRoom,
  resumeWith,
  stuckProblem,
  survivorsProblem,
} from '../launch/run-end.ts';
import { abandonDelivered, type InjectionDelivery } from '../messages/inject.ts';
import type { By, Wiring } from '../wiring.ts';
import { endRun } from './end.ts';
import { KILL, stopLadder } from './stop-ladders.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'store'
  | 'clock'
  | 'ids'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'injections'
  | 'leases'
  | 'approvals'
  | 'gates'
  | 'runtime'
  | 'deliver'
  | 'closing'
  | 'touched'
>;

const DISK_AGAIN_MS = 5_000;

interface LaunchOptions {
  fresh?: boolean;
  goal?: string;
  /** No client asked for this start: it follows from the restart policy. */
  automatic?: boolean;
}

interface Hooks {
  takeoverEnded(run: Run): void;
  beforeStart(name: string): void;
}

export class Lifecycle {
  readonly #wiring: Needs;
  readonly #launcher: Launcher;
  readonly #delivery: InjectionDelivery;
  readonly #hooks: Hooks;
  readonly #queue = new KeyedQueue('agent', limits.lifecycle_waiting_max);
  readonly #timers = new Map<string, { cancel: () => void; at_ms: number }>();
  /** Automatic starts so far, of agents that were asked about. */
  readonly #restarts = new Map<string, number>();
  readonly #opened = Promise.withResolvers<(agent: string) => Promise<void> | undefined>();
  #closing = false;

  constructor(parts: Hooks & { wiring: Needs; launcher: Launcher; delivery: InjectionDelivery }) {
    this.#wiring = parts.wiring;
    this.#launcher = parts.launcher;
    this.#delivery = parts.delivery;
    this.#hooks = parts;
  }

  /** When the next automatic start is due; null when none is planned. */
  restartDue(agent: string): number | null {
    return this.#timers.get(agent)?.at_ms ?? null;
  }

  /** How often it was started again without being asked for, as far back as the event log goes. */
  restarts(agent: string): number {
    const known = this.#restarts.get(agent);
    if (known !== undefined) return known;
    const count = automaticStarts(this.#wiring, agent);
    this.#restarts.set(agent, count);
    return count;
  }

  start(name: string, by: By, options: { fresh?: boolean; goal?: string } = {}): Promise<void> {
    this.#wiring.agents.get(name);
    return this.#queue.run(name, async () => {
      this.#want(name, 'running', by);
      if (this.#wiring.runs.of(name) === null) await this.#launch(name, options);
    });
  }

  stop(name: string, by: By, reason = 'stop', keepWish = false): Promise<void> {
    this.#wiring.agents.get(name);
    return this.#queue.run(name, async () => {
      if (!keepWish) this.#want(name, 'stopped', by);
      else this.#cancelRestart(name);
      const run = this.#wiring.runs.of(name);
      if (run !== null) await this.#end(run, stopLadder(run), reason, by);
    });
  }

  async kill(name: string, by: By): Promise<void> {
    this.#want(name, 'stopped', by);
    const run = this.#wiring.runs.of(name);
    if (run !== null) await this.#end(run, KILL, 'kill', by);
  }

  restart(name: string, by: By, options: { fresh?: boolean } = {}): Promise<void> {
    this.#wiring.agents.get(name);
    return this.#queue.run(name, async () => {
      this.#want(name, 'running', by);
      const run = this.#wiring.runs.of(name);
      if (run !== null) await this.#end(run, stopLadder(run), 'restart', by);
      await this.#launch(name, { ...options, automatic: by === 'host' });
    });
  }

  /**
   * Its turn does not move: it is ended, started again like a run that failed, and given up like one.
   * @param quiet_ms for how long that was so: no time lived
   * @returns false when it is given up
   */
  restartStuck(name: string, what: string, quiet_ms: number): Promise<boolean> {
    return this.#queue.run(name, async () => {
      const { agents, clock } = this.#wiring;
      const run = this.#wiring.runs.of(name);
      if (run === null || agents.get(name).wanted !== 'running') return false;
      const { config, failures } = agents.get(name);
      const lived_ms = livedFor(run.record, clock.now()) - quiet_ms;
      const ended = { clean: false, requested: false, lived_ms };
      const decision = decideRestart(
        { ...config.restart, policy: 'on-failure' },
        ended,
        failures,
        Math.random(),
      );
      await this.#end(run, stopLadder(run), 'restart', 'host');
      const agent = agents.change(name, (changed) => {
        changed.failures = decision.failures;
        if (decision.action === 'give-up') changed.problem = stuckProblem(changed, what);
      });
      if (decision.action === 'restart') this.#schedule(name, decision.delay_ms);
      else this.#failed(agent);
      return decision.action === 'restart';
    });
  }

  /** After a host start: what should run and does not. Runs that ended meanwhile are judged by policy. */
  async reconcile(names: string[]): Promise<void> {
    await Promise.all(
      names.map((name) =>
        this.#queue
          .run(name, async () => {
            const agent = this.#wiring.agents.find(name);
            const run = this.#wiring.runs.of(name);
            if (run?.record.state === 'stopping') void this.#seeThrough(run);
            if (agent === undefined || agent.wanted !== 'running' || run !== null) return;
            const newest = this.#wiring.runs.newest(name);
            // One that was lost with the last host is not kept waiting for its turn to be started again.
            const lost = newest?.exit?.cause === 'lost' && agent.problem === null;
            const resumable = (newest === null || newest.exit?.cause === 'stopped') && !givenUpStuck(agent);
            if (lost || (resumable && !this.#timers.has(name))) await this.#launch(name, { automatic: lost });
            // The wait for its restart died with the last host, or that died before it could judge the end at all.
            else if (newest?.exit?.cause === 'exited' && agent.problem === null && !this.#timers.has(name))
              this.#judge(agent, newest, Math.max(0, agent.failures - 1));
          })
          .catch((error: unknown) =>
            this.#wiring.log.warn({ agent: name, error: messageOf(error) }, 'not started'),
          ),
      ),
    );
  }

  /** The last host asked this run to end and died: whether the shim heard it or not, it ends, and what was to follow does. */
  async #seeThrough(run: Run): Promise<void> {
    const { agent: name, requested } = run.record;
    const ladder = requested === 'kill' ? KILL : stopLadder(run);
    await this.#queue
      .run(name, async () => {
        if (!run.ended) await this.#end(run, ladder, requested ?? 'stop', 'host');
        if (this.#wiring.agents.find(name)?.wanted !== 'running' || this.#closing) return;
        if (this.#wiring.runs.of(name) === null) await this.#launch(name, {});
      })
      .catch((error: unknown) =>
        this.#wiring.log.warn({ agent: name, error: messageOf(error) }, 'an end was not seen through'),
      );
  }

  /** From the run's sink, after the commit that recorded the end. */
  exited(run: Run): void {
    const { runs, store, log } = this.#wiring;
    const { agent: name } = run.record;
    store.transaction(() => {
      abandonDelivered(this.#wiring, run);
      withdrawPermissions(this.#wiring, run);
    });
    this.#hooks.takeoverEnded(run);
    runs.retire(run);
    run.close();
    this.#launcher
      .release(run)
      .catch((error: unknown) => log.warn({ run: run.id, error: messageOf(error) }, 'a door did not close'));
    this.#wiring.touched(name);
    this.#decide(run);
  }

  #decide({ record }: Run): void {
    const agent = this.#wiring.agents.find(record.agent);
    if (agent === undefined || this.#closing || agent.wanted !== 'running') return;
    this.#judge(agent, record, agent.failures);
  }

  /** @param failures failed runs in a row before this one */
  #judge(agent: AgentRecord, record: RunRecord, failures: number): void {
    const { agents, clock } = this.#wiring;
    if (leftByHand(record) || neverStarted(record)) {
      this.#schedule(agent.name, 0, false);
      return;
    }
    if (record.exit?.cause === 'lost' && record.exit.survivors > 0) {
      // Two engines on one conversation lose turns.
      agents.change(agent.name, (changed) => {
        changed.problem = survivorsProblem(changed, record);
      });
      this.#failed(agent);
      return;
    }
    const decision = decideRestart(
      agent.config.restart,
      {
        clean: record.exit?.code === 0 && record.exit.signal === null,
        requested: record.exit?.cause === 'stopped',
        lived_ms: livedFor(record, record.exited_ms ?? clock.now()),
      },
      failures,
      Math.random(),
    );
    agents.change(agent.name, (changed) => {
      changed.failures = decision.failures;
      if (decision.action === 'give-up') changed.problem = crashProblem(changed, record);
    });
    if (decision.action === 'give-up') this.#failed(agent);
    if (decision.action === 'restart') this.#schedule(agent.name, decision.delay_ms);
  }

  /** @param automatic false: this start follows from what a client did */
  #schedule(name: string, delay_ms: number, automatic = true): void {
    this.#cancelRestart(name);
    const { clock, agents, log } = this.#wiring;
    const cancel = clock.after(delay_ms, () => {
      this.#timers.delete(name);
      void this.#queue
        .run(name, async () => {
          if (
            agents.find(name)?.wanted === 'running' &&
            this.#wiring.runs.of(name) === null &&
            !this.#closing
          )
            await this.#launch(name, { automatic });
        })
        .catch((error: unknown) => log.warn({ agent: name, error: messageOf(error) }, 'a restart failed'));
    });
    this.#timers.set(name, { cancel, at_ms: clock.now() + delay_ms });
    this.#wiring.touched(name);
  }

  #cancelRestart(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  async #launch(name: string, options: LaunchOptions): Promise<void> {
    try {
      await this.#launchNow(name, options);
    } catch (error) {
      // All that is needed is room on the disk.
      if (noRoom(error)) this.#schedule(name, DISK_AGAIN_MS, options.automatic);
      throw error;
    }
  }

  async #launchNow(name: string, options: LaunchOptions): Promise<void> {
    if (!this.#closing) await (await this.#opened.promise)(name);
    // Whatever ends the runs of a host that goes has looked already: a run begun now would outlive it unseen.
    if (this.#closing) throw hostStops(name);
    const { agents, runs, clock } = this.#wiring;
    this.#cancelRestart(name);
    this.#hooks.beforeStart(name);
    const agent = agents.get(name);
    const config = options.goal === undefined ? agent.config : { ...agent.config, goal: options.goal };
    const runtime = this.#wiring.runtime(config.runtime);
    const state = options.fresh || !runtime.capabilities.resume ? null : agent.engine;
    const resume = state?.session
      ? resumeWith(agent, runs.newestStarted(name), clock.now(), config.goal)
      : null;
    const before = runs.newest(name)?.id;
    const restarts = this.restarts(name);
    // Cleared now, not later: a run that ends at once is judged before its launch returns.
    if (agent.problem !== null) {
      agents.change(name, (changed) => {
        changed.problem = null;
      });
    }
    try {
      await this.#launcher.launch(config, resume === null ? null : state, resume, options.automatic);
    } catch (error) {
      // It ran and ended by itself before the shim's answer or its opening was through: that is an end like any other.
      const newest = runs.newest(name);
      if (newest === null || newest.id === before || newest.exit?.cause !== 'exited') {
        this.#notLaunched(name, error, newest?.id !== before);
        throw error;
      }
      this.#wiring.log.info({ run: newest.id, error: messageOf(error) }, 'the run ended at once');
    }
    if (options.automatic) this.#restarts.set(name, restarts + 1);
    agents.change(name, (changed) => {
      changed.engine = { ...changed.engine, session: changed.engine?.session ?? null, goal: config.goal };
    });
    this.#wiring.touched(name);
    void this.#delivery.kick(name);
  }

  #notLaunched(name: string, error: unknown, begun: boolean): void {
    if (noRoom(error)) return; // it could not be noted down either, and is tried again
    const { agents } = this.#wiring;
    const problem = toWireError(error);
    if (problem.code === 'host.internal')
      this.#wiring.log.error({ agent: name, error: messageOf(error) }, 'launch failed');
    agents.change(name, (changed) => {
      changed.problem = problem;
    });
    // A run that was begun and failed has been judged by policy; one that could not begin waits for a person.
    if (!begun || !this.#timers.has(name)) this.#failed(agents.get(name));
    this.#wiring.touched(name);
  }

  #failed(agent: AgentRecord): void {
    this.#wiring.events.append({
      topic: 'agent.failed',
      agent: agent.name,
      principal: 'host',
      grade: 'observed',
      data: { problem: agent.problem },
    });
    this.#wiring.touched(agent.name);
  }

  #end(run: Run, ladder: StopLadder, reason: string, by: By): Promise<void> {
    return endRun(this.#wiring, this.#launcher, run, { ladder, reason, by });
  }

  #want(name: string, wanted: 'running' | 'stopped', by: By): void {
    this.#cancelRestart(name);
    this.#wiring.agents.change(name, (agent) => {
      agent.wanted = wanted;
      agent.wanted_by = by;
      agent.failures = 0;
      agent.problem = null;
    });
    this.#wiring.touched(name);
  }

  /** Agents may be started from now on. @param released when nothing of an agent's ended runs is left */
  open(released: (agent: string) => Promise<void> | undefined = () => undefined): void {
    this.#opened.resolve(released);
  }

  /** No more starts: the host is going. One that has begun its run is through before a `stop` that follows. */
  close(): void {
    this.#closing = true;
    for (const name of [...this.#timers.keys()]) this.#cancelRestart(name);
  }
}

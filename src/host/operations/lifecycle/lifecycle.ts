/**
 * Brings an agent to its desired state: start, stop, kill, restart, and what happens when a run ends by itself. One
 * operation per agent at a time; a kill does not wait for its turn.
 */
import { decideRestart, stableAfter } from '../../agents/restart-policy.ts';
import { AetherError, messageOf, toWireError } from '../../errors.ts';
import type { AutomaticStart } from '../../events/topics.ts';
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
  ADOPTED,
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
import { Restarts, seriesOf } from './restarts.ts';
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
  automatic?: AutomaticStart;
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
  readonly #restarts: Restarts;
  readonly #opened = Promise.withResolvers<(agent: string) => Promise<void> | undefined>();
  #closing = false;

  constructor(parts: Hooks & { wiring: Needs; launcher: Launcher; delivery: InjectionDelivery }) {
    this.#wiring = parts.wiring;
    this.#launcher = parts.launcher;
    this.#delivery = parts.delivery;
    this.#hooks = parts;
    this.#restarts = new Restarts(parts.wiring);
  }

  /** Since when its start waits for those of others; null: it does not. */
  waits(name: string): number | null {
    return this.#launcher.waits(name);
  }

  /** Its automatic starts: what is due, and how many there were. */
  get restarts(): Pick<Restarts, 'due' | 'count'> {
    return this.#restarts;
  }

  /** @param options.before is done first, while no run of it begins or ends */
  start(
    name: string,
    by: By,
    options: { fresh?: boolean; goal?: string; before?: () => Promise<void> } = {},
  ): Promise<void> {
    this.#wiring.agents.get(name);
    return this.#queue.run(name, async () => {
      await options.before?.();
      this.#want(name, 'running', by);
      if (this.#wiring.runs.of(name) === null) await this.#launch(name, options);
    });
  }

  stop(name: string, by: By, reason = 'stop', keepWish = false): Promise<void> {
    this.#wiring.agents.get(name);
    // Behind starts that wait for others this would wait as long.
    const begun = this.#launcher.giveUp(name);
    const ended = this.#queue.run(name, async () => {
      begun();
      if (!keepWish) this.#want(name, 'stopped', by);
      else this.#restarts.cancel(name);
      const run = this.#wiring.runs.of(name);
      if (run !== null) await this.#end(run, stopLadder(run), reason, by);
    });
    return ended.finally(begun);
  }

  async kill(name: string, by: By): Promise<void> {
    this.#want(name, 'stopped', by);
    this.#launcher.giveUp(name)();
    const run = this.#wiring.runs.of(name);
    if (run !== null) await this.#end(run, KILL, 'kill', by);
  }

  restart(name: string, by: By, options: { fresh?: boolean } = {}): Promise<void> {
    this.#wiring.agents.get(name);
    return this.#queue.run(name, async () => {
      this.#want(name, 'running', by);
      const run = this.#wiring.runs.of(name);
      if (run !== null) await this.#end(run, stopLadder(run), 'restart', by);
      await this.#launch(name, { ...options, ...(by === 'host' ? { automatic: {} } : {}) });
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
      const stable_ms = Math.max(stableAfter(config.restart), limits.restart_stuck_forgive_ms);
      const decision = decideRestart(
        { ...config.restart, policy: 'on-failure', stable_ms },
        ended,
        { failures, short: this.#restarts.short(name) },
        Math.random(),
      );
      await this.#end(run, stopLadder(run), 'restart', 'host');
      const agent = agents.change(name, (changed) => {
        changed.failures = decision.failures;
        if (decision.action === 'give-up') changed.problem = stuckProblem(changed, what);
      });
      this.#restarts.setShort(name, decision.short);
      if (decision.action === 'restart')
        this.#schedule(name, decision.delay_ms, { after: seriesOf(ended, decision) });
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
            const due = this.#restarts.due(name) !== null;
            if (lost || (resumable && !due)) await this.#launch(name, lost ? { automatic: {} } : {});
            // The wait for its restart died with the last host, or that died before it could judge the end at all.
            else if (newest?.exit?.cause === 'exited' && agent.problem === null && !due)
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
        this.#wiring.log.warn({ agent: name, error: messageOf(error) }, 'the end of a run was not completed'),
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
      this.#schedule(agent.name, 0, null);
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
    const ended = {
      clean: record.exit?.code === 0 && record.exit.signal === null,
      requested: record.exit?.cause === 'stopped',
      lived_ms: livedFor(record, record.exited_ms ?? clock.now()),
    };
    const before = { failures, short: this.#restarts.short(agent.name) };
    const decision = decideRestart(agent.config.restart, ended, before, Math.random());
    this.#restarts.setShort(agent.name, decision.short);
    agents.change(agent.name, (changed) => {
      changed.failures = decision.failures;
      if (decision.action === 'give-up') changed.problem = crashProblem(changed, record);
    });
    if (decision.action === 'give-up') this.#failed(agent);
    if (decision.action === 'restart')
      this.#schedule(agent.name, decision.delay_ms, { after: seriesOf(ended, decision) });
  }

  /** @param automatic null: this start follows from what a client did */
  #schedule(name: string, delay_ms: number, automatic: AutomaticStart | null): void {
    const { agents, log, runs } = this.#wiring;
    this.#restarts.plan(name, delay_ms, automatic, () => {
      void this.#queue
        .run(name, async () => {
          if (agents.find(name)?.wanted !== 'running' || runs.of(name) !== null || this.#closing) return;
          await this.#launch(name, automatic === null ? {} : { automatic });
        })
        .catch((error: unknown) => log.warn({ agent: name, error: messageOf(error) }, 'a restart failed'));
    });
    this.#wiring.touched(name);
  }

  async #launch(name: string, options: LaunchOptions): Promise<void> {
    try {
      await this.#launchNow(name, options);
    } catch (error) {
      // All that is needed is room on the disk.
      if (noRoom(error)) this.#schedule(name, DISK_AGAIN_MS, options.automatic ?? null);
      throw error;
    }
  }

  async #launchNow(name: string, options: LaunchOptions): Promise<void> {
    if (!this.#closing) await (await this.#opened.promise)(name);
    // Whatever ends the runs of a host that goes has looked already: a run begun now would outlive it unseen.
    if (this.#closing) throw hostStops(name);
    const { agents, runs, clock } = this.#wiring;
    this.#restarts.cancel(name);
    this.#hooks.beforeStart(name);
    // Some engines name their conversation with the first message only: until then the one before would be gone on with.
    if (options.fresh) {
      agents.change(name, (changed) => {
        changed.engine = null;
      });
    }
    const agent = agents.get(name);
    const config = options.goal === undefined ? agent.config : { ...agent.config, goal: options.goal };
    const runtime = this.#wiring.runtime(config.runtime);
    const state = runtime.capabilities.resume ? agent.engine : null;
    const resume = state?.session
      ? resumeWith(agent, runs.newestStarted(name), clock.now(), config.goal)
      : null;
    const before = runs.newest(name)?.id;
    const restarts = this.#restarts.count(name);
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
    if (options.automatic) this.#restarts.counted(name, restarts);
    agents.change(name, (changed) => {
      const { [ADOPTED]: _told, ...engine } = changed.engine ?? { session: null };
      changed.engine = { ...engine, session: engine.session, goal: config.goal };
    });
    this.#wiring.touched(name);
    void this.#delivery.kick(name);
  }

  #notLaunched(name: string, error: unknown, begun: boolean): void {
    if (error instanceof AetherError && error.code === 'agent.stopped-meanwhile') return;
    if (noRoom(error)) return; // it could not be noted down either, and is tried again
    const { agents } = this.#wiring;
    const problem = toWireError(error);
    if (problem.code === 'host.internal')
      this.#wiring.log.error({ agent: name, error: messageOf(error) }, 'launch failed');
    agents.change(name, (changed) => {
      changed.problem = problem;
    });
    // A run that was begun and failed has been judged by policy; one that could not begin waits for a person.
    if (!begun || this.#restarts.due(name) === null) this.#failed(agents.get(name));
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
    this.#restarts.cancel(name);
    this.#restarts.setShort(name, 0);
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
    this.#restarts.cancelAll();
  }
}

/**
 * Watches turns for progress. runs/stuck.ts decides whether a turn is stuck; the configuration says what to do: report,
 * interrupt, restart. Only a turn can be stuck: an agent that is idle, waits for an answer, is held, paused or taken
 * over is left alone, and so is a plain command, whose output says nothing about turns.
 */
import { randomUUID } from 'node:crypto';
import type { Activity } from '../../../runtimes/runtime.ts';
import { messageOf } from '../../errors.ts';
import type { Topics } from '../../events/topics.ts';
import { limits } from '../../limits.ts';
import { cpuTicksOf, everyProcess, type ProcStat } from '../../process/proc.ts';
import { engineHasFloor, onFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import { cpuSince, type Look, type Quiet, stillQuiet } from '../../runs/stuck.ts';
import { acceptInjection } from '../messages/inject.ts';
import { duration, hostNote } from '../notes.ts';
import { breakOff } from '../turn/turn.ts';
import type { Wiring } from '../wiring.ts';
import type { Lifecycle } from './lifecycle.ts';

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
  | 'deliver'
  | 'touched'
>;

const LOOK_MS_MIN = 1_000;
const WORKING: readonly (Activity | null)[] = ['starting', 'thinking', 'tool'];

interface Watched {
  /** What was cheap to see at the last look: while it changes, nothing else has to be asked. */
  sign: string;
  quiet: Quiet | null;
  /** What was told of it, while it lasts. */
  stuck: { since_ms: number; what: string } | null;
  /** What was done about it did not help, or nothing was to be done. */
  acted: boolean;
}

export class Watchdog {
  readonly #wiring: Needs;
  readonly #lifecycle: Pick<Lifecycle, 'restartStuck'>;
  readonly #processes: () => ProcStat[];
  readonly #watched = new Map<string, Watched>();
  #cancel = () => {};
  #closed = false;

  /** @param processes every process there is */
  constructor(wiring: Needs, lifecycle: Pick<Lifecycle, 'restartStuck'>, processes = everyProcess) {
    this.#wiring = wiring;
    this.#lifecycle = lifecycle;
    this.#processes = processes;
  }

  /** Soon for the first time: who it has to look after is only known once the fleet is. */
  start(look_ms = LOOK_MS_MIN): void {
    if (this.#closed) return;
    this.#cancel = this.#wiring.clock.after(look_ms, () => {
      this.look(look_ms);
      this.start(this.#lookEvery());
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  /** Null while it moves. */
  stuck(agent: string): { since_ms: number; what: string } | null {
    const run = this.#wiring.runs.of(agent);
    return run === null ? null : (this.#watched.get(run.id)?.stuck ?? null);
  }

  look(look_ms: number): void {
    const live = new Set<string>();
    let children: Map<number, ProcStat[]> | null = null;
    const below = (pid: number) => {
      // One look at all processes serves all runs.
      children ??= byParent(this.#processes());
      return descendantsIn(children, pid);
    };
    for (const run of this.#wiring.runs.live()) {
      live.add(run.id);
      try {
        this.#lookAt(run, look_ms, below);
      } catch (error) {
        this.#wiring.log.warn(
          { run: run.id, error: messageOf(error) },
          'the watchdog could not look at a run',
        );
      }
    }
    for (const id of this.#watched.keys()) if (!live.has(id)) this.#watched.delete(id);
  }

  /** Often enough for the least patient. */
  #lookEvery(): number {
    const patience = this.#wiring.agents.all().map(({ config }) => config.watchdog?.after_ms ?? Infinity);
    return Math.max(LOOK_MS_MIN, Math.min(limits.watchdog_look_ms, Math.min(...patience) / 5));
  }

  #lookAt(run: Run, look_ms: number, below: (pid: number) => ProcStat[]): void {
    const policy = this.#wiring.agents.find(run.record.agent)?.config.watchdog;
    if (!policy || !this.#works(run)) {
      this.#moves(run);
      return;
    }
    const sign = signOf(run);
    const before = this.#watched.get(run.id);
    const fresh: Watched = { sign, quiet: null, stuck: null, acted: false };
    if (before?.sign !== sign) {
      this.#moves(run);
      this.#watched.set(run.id, fresh);
      return;
    }
    const now = this.#see(run, below);
    const quiet = stillQuiet(before.quiet, now, look_ms);
    if (quiet.since === now) {
      this.#moves(run);
      this.#watched.set(run.id, { ...fresh, quiet });
      return;
    }
    const watched = { ...before, quiet };
    this.#watched.set(run.id, watched);
    if (now.at_ms - quiet.since.at_ms < policy.after_ms || watched.acted) return;
    this.#act(run, watched, quiet, now, policy.action);
  }

  #works(run: Run): boolean {
    const { record, runtime } = run;
    return (
      !run.ended &&
      run.connected &&
      record.state === 'running' &&
      runtime.capabilities.engine === 'structured' &&
      engineHasFloor(record.floor) &&
      record.tree.pause === null &&
      this.#wiring.leases.find(record.agent) === null &&
      WORKING.includes(record.activity)
    );
  }

  #see(run: Run, below: (pid: number) => ProcStat[]): Look {
    const { floor, shim } = run.record;
    const present = onFloor(floor);
    const processes = new Map<string, number>();
    let engine: string | null = null;
    for (const { pid, start_ticks, zombie } of shim === null ? [] : below(shim.pid)) {
      if (zombie) continue;
      const key = `${pid}:${start_ticks}`;
      processes.set(key, cpuTicksOf(pid) ?? 0);
      if (pid === present.pid) engine = key;
    }
    return {
      at_ms: this.#wiring.clock.elapsed(),
      heard_ms: present.heard_ms ?? 0,
      tools: toolsOf(run),
      processes,
      engine,
    };
  }

  #moves(run: Run): void {
    const watched = this.#watched.get(run.id);
    if (watched === undefined) return;
    this.#watched.delete(run.id);
    if (watched.stuck === null) return;
    this.#event(run, 'run.moves', { after_ms: this.#wiring.clock.now() - watched.stuck.since_ms });
  }

  #act(
    run: Run,
    watched: Watched,
    quiet: Quiet,
    now: Look,
    action: 'report' | 'interrupt' | 'restart',
  ): void {
    const { agent } = run.record;
    const quiet_ms = now.at_ms - quiet.since.at_ms;
    const { engine, others } = cpuSince(quiet, now);
    const doing =
      now.tools.length > 0 ? `in ${now.tools.map((tool) => tool.split(' ')[0]).join(', ')}` : 'at the model';
    const what = `there was no progress for ${duration(quiet_ms)} ${doing}: no output, no tool begun or done, ${engine} CPU ticks of the engine and ${others} of ${now.processes.size - 1} other processes`;
    const since_ms = this.#wiring.clock.now() - quiet_ms;
    watched.stuck ??= { since_ms, what };
    watched.acted = true;
    this.#event(run, 'run.stuck', {
      action,
      evidence: what,
      activity: run.record.activity,
      since_ms,
      engine_ticks: engine,
      other_ticks: others,
    });
    this.#wiring.log.warn({ agent, run: run.id, action, what }, 'a turn is stuck');
    if (action === 'report') return;
    const acting = action === 'interrupt' ? this.#interrupt(run, what) : this.#startAnew(run, what, quiet_ms);
    acting.catch((error: unknown) =>
      this.#wiring.log.error({ agent, error: messageOf(error) }, 'nothing could be done about a stuck turn'),
    );
  }

  /** The turn is ended, and gone on with by being told. */
  async #interrupt(run: Run, what: string): Promise<void> {
    const { runtime } = run;
    if (runtime.interrupt === undefined) return;
    this.#wiring.store.transaction(() => {
      run.save(({ turn }) => breakOff(turn));
      this.#tell(run, `Your turn was interrupted, because ${what}. Go on another way.`);
    });
    await run.write(runtime.interrupt(randomUUID()));
    this.#wiring.deliver(run.record.agent);
  }

  /** It begins with being told, when it is up. */
  async #startAnew(run: Run, what: string, quiet_ms: number): Promise<void> {
    if (!(await this.#lifecycle.restartStuck(run.record.agent, what, quiet_ms))) return;
    this.#tell(run, `You were started again, because ${what}.`);
    this.#wiring.deliver(run.record.agent);
  }

  #tell(run: Run, text: string): void {
    acceptInjection(this.#wiring, run.record.agent, { text: hostNote(text), priority: 'next' }, 'host');
  }

  #event<T extends 'run.stuck' | 'run.moves'>(run: Run, topic: T, data: Topics[T]): void {
    const { agent } = run.record;
    this.#wiring.events.append({ topic, agent, run: run.id, principal: 'host', grade: 'observed', data });
    this.#wiring.touched(agent);
  }
}

const toolsOf = (run: Run): string[] =>
  run.record.gate.running.map((call) => `${call.tool} ${call.toolUseId}`);

const signOf = (run: Run): string =>
  `${run.record.floor.process} ${onFloor(run.record.floor).heard_ms ?? 0} ${toolsOf(run).join()}`;

function byParent(all: ProcStat[]): Map<number, ProcStat[]> {
  const children = new Map<number, ProcStat[]>();
  for (const entry of all) {
    const siblings = children.get(entry.parent);
    if (siblings) siblings.push(entry);
    else children.set(entry.parent, [entry]);
  }
  return children;
}

function descendantsIn(children: Map<number, ProcStat[]>, pid: number): ProcStat[] {
  const found: ProcStat[] = [];
  const waiting = [pid];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of children.get(next) ?? []) {
      found.push(child);
      waiting.push(child.pid);
    }
  }
  return found;
}

/**
 * How the processes of one run are held together: started, stopped in mid-step, let go again and killed as a
 * whole. The best means that this machine allows is chosen once; what it is, is a fact that is shown.
 *
 *   cgroup2  the kernel keeps, freezes and kills the group
 *   freezer  the kernel keeps and freezes it (v1)
 *   descent  this process is the subreaper of them all and looks for them
 *
 * A program with our rights can leave its group. It cannot leave its ancestors while the subreaper lives, so
 * whatever the means, those below us and outside the group are looked for as well.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { admitTo, Group, type GroupKind, type GroupPlace, groupPlace, ownGroup } from './cgroup.ts';
import { cpuTicksOf, type ProcessIdentity, type ProcStat, statOf, stopsOnReturn } from './proc.ts';
import { signalProcess } from './signal.ts';
import { chaseChildren, isStopped, killDescendants, liveDescendants, type TreeEnd } from './tree.ts';

export type Means = GroupKind | 'descent';

/** The proof of a pause. */
export interface Stillness {
  means: Means;
  /** Living processes of the run, all of them stopped. */
  processes: number;
  /** CPU time they used together during the sample, in clock ticks of 10 ms. */
  ticks: number;
  sample_ms: number;
  /** From the request to the moment when all stood still. */
  took_ms: number;
}

const SAMPLE_MS = 100;
const THAW_MS = 1_000;
const LEAVE_ATTEMPTS = 3;
const REMOVE_ATTEMPTS = 20;
const REMOVE_PAUSE_MS = 25;

export class Containment {
  #group: Group | null;
  /** Going in and out has worked. */
  #proven = false;
  /** The directory of the group this process itself is in. */
  readonly #home: string;
  /** Children that serve the run and are no part of it. */
  readonly #spared = new Set<number>();
  /** Who was stopped by signal, in the order in which it was done. */
  #stopped: ProcessIdentity[] = [];
  /** This process could not leave the group again: freezing or killing that would be suicide. */
  #trapped = false;

  private constructor(group: Group | null, home: string) {
    this.#group = group;
    this.#home = home;
  }

  /**
   * The first of `kinds` that works here, proven by going in and out; descent when none does. Makes the group.
   * @param scope the common name of the groups of one state directory
   * @param proven a kind that is not tried here: to move a process costs a grace period of the kernel, 10 ms and more.
   *   Where it does not work after all, the first process finds out, and the run is held by descent.
   */
  static choose(kinds: readonly GroupKind[], scope: string, run: string, proven?: GroupKind): Containment {
    for (const kind of kinds) {
      const home = ownGroup(kind);
      if (home === null) continue;
      const group = new Group(groupPlace(kind, home, scope, run));
      try {
        group.make();
        const containment = new Containment(group, home);
        if (kind !== proven) {
          containment.#enter(group);
          containment.#leave();
          containment.#proven = true;
        }
        group.thaw();
        return containment;
      } catch {
        // Not allowed after all (a missing delegation, a read-only file, a threaded domain): the next one.
        group.remove();
      }
    }
    return new Containment(null, '');
  }

  /** This child is from now on neither counted nor stopped nor killed with the run. Nor are its own children. */
  spare(pid: number): void {
    this.#spared.add(pid);
  }

  unspare(pid: number): void {
    this.#spared.delete(pid);
  }

  get means(): Means {
    return this.#usable?.place.kind ?? 'descent';
  }

  /** Where the group is, for the process that comes after this one. */
  get place(): GroupPlace | null {
    return this.#group?.place ?? null;
  }

  get #usable(): Group | null {
    return this.#trapped ? null : this.#group;
  }

  /**
   * Whatever `body` starts, synchronously, is born in the group: this process is in it just so long. No
   * descendant is ever outside, not even between fork and exec.
   * @param part name of a group within the group, whose members `membersOf` tells apart
   * @throws the error of going in; `body` was not called then
   */
  enclose<T>(body: () => T, part?: string): T {
    const group = this.#part(part);
    if (group === null) return body();
    try {
      this.#enter(group);
    } catch (error) {
      if (this.#proven) throw error;
      // Nothing has been in it.
      this.#group?.remove();
      this.#group = null;
      return body();
    }
    this.#proven = true;
    try {
      return body();
    } finally {
      this.#leave();
    }
  }

  /** Pids of a part; none where no group holds the run. */
  membersOf(part: string): number[] {
    return this.#part(part)?.members() ?? [];
  }

  #part(part: string | undefined): Group | null {
    const group = this.#usable;
    if (group === null || part === undefined) return group;
    const inner = new Group({ kind: group.place.kind, path: join(group.place.path, part) });
    inner.make();
    return inner;
  }

  #enter(group: Group): void {
    try {
      group.admit(process.pid);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Between two processes of the run it is empty, and a cleanup may take it for forgotten.
      group.make();
      group.admit(process.pid);
    }
  }

  #leave(): void {
    for (let attempt = 1; ; attempt += 1) {
      try {
        admitTo(this.#home, process.pid);
        return;
      } catch {
        if (attempt < LEAVE_ATTEMPTS) continue;
        this.#trapped = true;
        return;
      }
    }
  }

  /** Those of these whom no group holds: all of them, or who has left it. */
  outside(pids: number[]): number[] {
    const inside = new Set(this.#usable?.members());
    return pids.filter((pid) => !inside.has(pid) && !this.#spared.has(pid));
  }

  /** Everything alive that belongs to the run. */
  living(): ProcStat[] {
    const found = new Map(liveDescendants(process.pid, this.#spared).map((entry) => [entry.pid, entry]));
    for (const pid of this.#usable?.members() ?? []) {
      const stat = found.has(pid) ? null : statOf(pid);
      if (stat !== null && !stat.zombie) found.set(pid, stat);
    }
    return [...found.values()];
  }

  /**
   * Stops everything where it is and proves it: no process is left that could run, and none has used the processor.
   * @param signal aborted when it is not wanted any more
   * @returns null when that could not be had within `limit_ms`; then everything goes on as before
   */
  async freeze(limit_ms: number, signal: AbortSignal): Promise<Stillness | null> {
    const began = performance.now();
    const deadline = began + limit_ms;
    const over = () => signal.aborted || performance.now() >= deadline;
    this.#usable?.freeze();
    while (!over()) {
      if (!(await this.#stood(over))) break;
      const took_ms = Math.round((performance.now() - began) * 10) / 10;
      const before = this.#ticks();
      await sleep(SAMPLE_MS);
      const after = this.#ticks();
      let ticks = 0;
      for (const [pid, used] of after) ticks += used - (before.get(pid) ?? -1);
      // A process was forked, or was still on its way out of the kernel: look again.
      if (ticks > 0 || this.#runnable().length > 0 || signal.aborted) continue;
      return { means: this.means, processes: after.size, ticks, sample_ms: SAMPLE_MS, took_ms };
    }
    await this.thaw();
    return null;
  }

  /** Until two looks in a row find no process that could run. */
  async #stood(over: () => boolean): Promise<boolean> {
    for (let quiet = 0, round = 0; !over(); round += 1) {
      const awake = this.#runnable();
      for (const entry of awake) this.#stop(entry);
      // Also after a look that found no process: it may have missed one that forks and exits while it looks.
      const chased = this.means === 'descent' ? chaseChildren('SIGSTOP', this.#spared) : [];
      for (const entry of chased) this.#noteStopped(entry);
      const frozen = this.#usable?.still() ?? true;
      quiet = frozen && awake.length + chased.length === 0 ? quiet + 1 : 0;
      if (quiet >= 2) return true;
      if (quiet === 0) await sleep(round < 20 ? 1 : 5);
    }
    return false;
  }

  /** Alive, outside the group or without one, and able to run. */
  #runnable(): ProcStat[] {
    const inside = new Set(this.#usable?.members());
    return liveDescendants(process.pid, this.#spared).filter(
      (entry) => !inside.has(entry.pid) && !isStopped(entry) && !stopsOnReturn(entry),
    );
  }

  #stop(entry: ProcStat): void {
    if (signalProcess(entry, 'SIGSTOP')) this.#noteStopped(entry);
  }

  /** Each once; a process that was stopped before is not woken later. */
  #noteStopped({ pid, start_ticks }: ProcessIdentity): void {
    if (this.#stopped.some((known) => known.pid === pid && known.start_ticks === start_ticks)) return;
    this.#stopped.push({ pid, start_ticks });
  }

  #ticks(): Map<number, number> {
    return new Map(this.living().map(({ pid }) => [pid, cpuTicksOf(pid) ?? 0]));
  }

  /** Lets everything go on: children before their parents, so that no shell sees its job stopped. */
  async thaw(): Promise<void> {
    const group = this.#usable;
    group?.thaw();
    for (const identity of this.#stopped.reverse()) signalProcess(identity, 'SIGCONT');
    this.#stopped = [];
    const deadline = performance.now() + THAW_MS;
    while (group?.frozen() && performance.now() < deadline) await sleep(1);
  }

  /** SIGKILL for all, also while they are frozen. */
  kill(limit_ms: number, onRound: () => void): Promise<TreeEnd> {
    return killDescendants(process.pid, limit_ms, onRound, this.#usable, this.#spared);
  }

  /** Removes the group once all of it is dead. @returns false when a process is still in it */
  async release(): Promise<boolean> {
    if (this.#group === null) return true;
    for (let attempt = 1; ; attempt += 1) {
      if (this.#group.remove()) return true;
      if (attempt === REMOVE_ATTEMPTS) return false;
      // The dead leave their group when they are reaped, at times a moment later.
      await sleep(REMOVE_PAUSE_MS);
    }
  }
}

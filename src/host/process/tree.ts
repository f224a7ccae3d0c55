/**
 * Ending everything below a process. The caller is a child subreaper, so whatever its descendants do — new sessions,
 * double forks, cleared environments — they stay below it until they are dead, and "no descendants" is certain. Only
 * Linux has this; elsewhere a daemonised process escapes.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Group } from './cgroup.ts';
import { childrenOf, descendants, type ProcStat, statOf, stopsOnReturn } from './proc.ts';
import { signalProcess } from './signal.ts';

export interface TreeEnd {
  /** Distinct processes that were sent SIGKILL. */
  killed: number;
  /** Still there when the time was up: stuck in the kernel, or not ours to signal. */
  survivors: number;
}

/** Pids of children that are no part of the tree, and neither are their own children. */
type Spared = ReadonlySet<number>;
const NONE: Spared = new Set();

/** Looks at the children alone between two looks at all processes: some 20 µs each, against milliseconds. */
const CHASE_LOOKS = 40;

/**
 * Everything alive below `root`. Empty only when two different looks agree: one over all processes, which can
 * miss a process that forks and exits meanwhile, and one at the children of `root`, to which its child then belongs.
 */
export function liveDescendants(root: number, spared: Spared = NONE): ProcStat[] {
  const alive = descendants(root).filter(
    (entry) => !entry.zombie && !spared.has(entry.pid) && !spared.has(entry.parent),
  );
  if (alive.length > 0) return alive;
  return childrenOf(root)
    .filter((pid) => !spared.has(pid))
    .map((pid) => statOf(pid))
    .filter((entry) => entry !== null && !entry.zombie) as ProcStat[];
}

/** By a signal or a tracer. */
export function isStopped(entry: ProcStat): boolean {
  return entry.state === 'T' || entry.state === 't';
}

/**
 * Signals processes that run away by forking and exiting: a process whose parent has died becomes a child of this
 * one, and the list of children is one short file. Only for the subreaper itself: no other process reaps them, so
 * none of their pids is reused during the call.
 * @returns the processes that were signalled and still live
 */
export function chaseChildren(signal: NodeJS.Signals, spared: Spared = NONE): ProcStat[] {
  if (process.platform !== 'linux') return [];
  const seen = new Set<number>(spared);
  const reached: ProcStat[] = [];
  for (let look = 0; look < CHASE_LOOKS; look += 1) {
    let fresh = false;
    for (const pid of adopted()) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      fresh = true;
      if (signal === 'SIGSTOP') {
        const before = statOf(pid);
        // Stopped by another process before: not woken later either. One that stops on its return from the kernel (the
        // parent of a vfork child that was stopped) has its signal already.
        if (before === null || isStopped(before) || stopsOnReturn(before)) continue;
      }
      try {
        process.kill(pid, signal);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ESRCH' && code !== 'EPERM') throw error;
      }
      const stat = statOf(pid);
      if (stat !== null && !stat.zombie) reached.push(stat);
    }
    if (!fresh && look > 1) break;
  }
  return reached;
}

/** Children of this process: own ones, and the orphans, who always go to the first thread of their subreaper. */
export function adopted(): number[] {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return childrenOf(process.pid); // a kernel without this file
  }
}

/**
 * SIGKILL until a look finds nothing. The first rounds follow each other without a pause: against a program
 * that forks while it is being killed only speed helps — or a group, which the kernel kills as one.
 * @param root this process, or one that is dead
 * @param onRound called between rounds, to reap what was adopted
 * @param group where the descendants were put, if anywhere; some may have left it
 * @param spared children that are no part of the tree
 */
export async function killDescendants(
  root: number,
  timeout_ms: number,
  onRound: () => void,
  group: Group | null = null,
  spared: Spared = NONE,
): Promise<TreeEnd> {
  const deadline = performance.now() + timeout_ms;
  const killed = new Set<string>();
  for (let round = 0; ; round += 1) {
    const struck = strike(group, killed);
    const alive = liveDescendants(root, spared);
    if (struck === 0) {
      // Frozen first, then killed: a parent that is stopped cannot put a new child in place of the dead one.
      if (alive.length > 1) for (const entry of alive) signalProcess(entry, 'SIGSTOP');
      for (const entry of alive) if (signalProcess(entry, 'SIGKILL')) killed.add(keyOf(entry));
      if (alive.length > 0 && root === process.pid) {
        for (const entry of chaseChildren('SIGKILL', spared)) killed.add(keyOf(entry));
      }
    }
    onRound();
    if (alive.length === 0 && struck === 0) {
      // A last look at the children alone: the one at all processes may have missed one that forks and exits meanwhile.
      const chased = root === process.pid ? chaseChildren('SIGKILL', spared) : [];
      if (chased.length === 0) return { killed: killed.size, survivors: 0 };
      for (const entry of chased) killed.add(keyOf(entry));
    }
    if (performance.now() >= deadline) {
      const left = new Set(liveDescendants(root, spared).map((entry) => entry.pid));
      if (group?.populated()) for (const pid of group.members()) left.add(pid);
      return { killed: killed.size, survivors: left.size };
    }
    await sleep(round < 50 ? 0 : 10);
  }
}

/** @returns how many were in the group */
function strike(group: Group | null, killed: Set<string>): number {
  if (group === null || !group.populated()) return 0;
  const members = group.members();
  for (const pid of members) {
    const entry = statOf(pid);
    if (entry !== null) killed.add(keyOf(entry));
  }
  group.strike();
  return Math.max(1, members.length);
}

function keyOf(entry: ProcStat): string {
  return `${entry.pid}:${entry.start_ticks}`;
}

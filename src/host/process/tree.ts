/**
 * Ending everything below a process. The caller is a child subreaper, so whatever its descendants do — new
 * sessions, double forks, cleared environments — they stay below it until they are dead, and "no descendants"
 * is a fact and not a hope. Only Linux has this; elsewhere a daemonised process escapes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { childrenOf, descendants, type ProcStat, statOf } from './proc.ts';

export interface TreeEnd {
  /** Distinct processes that were sent SIGKILL. */
  killed: number;
  /** Still there when the time was up: stuck in the kernel, or not ours to signal. */
  survivors: number;
}

/**
 * Everything alive below `root`. Empty only when two different looks agree: one over all processes, which can
 * miss somebody who forks and exits meanwhile, and one at the children of `root`, to whom his child then belongs.
 */
export function liveDescendants(root: number): ProcStat[] {
  const alive = descendants(root).filter((entry) => !entry.zombie);
  if (alive.length > 0) return alive;
  return childrenOf(root)
    .map((pid) => statOf(pid))
    .filter((entry) => entry !== null && !entry.zombie) as ProcStat[];
}

/** Sends a signal to everything alive below `root`, parents first. @returns how many were reached */
export function signalDescendants(root: number, signal: NodeJS.Signals): number {
  return liveDescendants(root).filter((entry) => signalProcess(entry, signal)).length;
}

/**
 * SIGKILL until a look finds nothing. The first rounds follow each other without a pause: against a program
 * that forks while it is being killed only speed helps.
 * @param onRound called between rounds, to reap what was adopted
 */
export async function killDescendants(
  root: number,
  timeout_ms: number,
  onRound: () => void,
): Promise<TreeEnd> {
  const deadline = performance.now() + timeout_ms;
  const killed = new Set<string>();
  for (let round = 0; ; round += 1) {
    const alive = liveDescendants(root);
    // Frozen first, then killed: a parent that is stopped cannot put a new child in place of the dead one.
    if (alive.length > 1) for (const entry of alive) signalProcess(entry, 'SIGSTOP');
    for (const entry of alive) {
      if (signalProcess(entry, 'SIGKILL')) killed.add(`${entry.pid}:${entry.start_ticks}`);
    }
    onRound();
    if (alive.length === 0) return { killed: killed.size, survivors: 0 };
    if (performance.now() >= deadline) {
      return { killed: killed.size, survivors: liveDescendants(root).length };
    }
    await sleep(round < 50 ? 0 : 10);
  }
}

/** @returns false when it is gone, or when it is not ours to signal */
function signalProcess(entry: ProcStat, signal: NodeJS.Signals): boolean {
  const now = statOf(entry.pid);
  if (now === null || now.zombie || now.start_ticks !== entry.start_ticks) return false;
  try {
    process.kill(entry.pid, signal);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw new Error(`cannot signal process ${entry.pid}: ${messageOf(error)}`, { cause: error });
  }
}

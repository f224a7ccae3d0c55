/**
 * Ends a command and everything it started. A group kill misses children that began a session of their own,
 * and the line of parents breaks when one in the middle ends; so each command carries a mark in its
 * environment, which is inherited, and /proc is searched by mark and by parent until nothing is left.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStat } from '../process-identity.ts';

export const MARK_VARIABLE = 'AETHER_TOOL_CALL';

const TERM_WAIT_MS = 1_000;
const KILL_WAIT_MS = 2_000;
const POLL_MS = 20;

/**
 * SIGTERM, a moment, then SIGKILL until nothing is left.
 * @param pid of a process that leads its own group
 * @returns how many could not be ended
 */
export async function killTree(pid: number, mark: string): Promise<number> {
  const known = new Map<number, number>();
  const members = () => remember(known, pid, mark);
  signalAll(members(), pid, 'SIGTERM');
  if (await gone(members, TERM_WAIT_MS)) return 0;
  const deadline = Date.now() + KILL_WAIT_MS;
  while (Date.now() < deadline) {
    const left = members();
    if (left.length === 0) return 0;
    signalAll(left, pid, 'SIGKILL');
    await sleep(POLL_MS);
  }
  return members().length;
}

async function gone(members: () => number[], wait_ms: number): Promise<boolean> {
  for (let waited = 0; waited < wait_ms; waited += POLL_MS) {
    if (members().length === 0) return true;
    await sleep(POLL_MS);
  }
  return false;
}

/** Adds what belongs to the tree now to what was known before, and returns those that still live. */
function remember(known: Map<number, number>, root: number, mark: string): number[] {
  const parents = new Map<number, number>();
  const ticks = new Map<number, number>();
  for (const pid of allProcesses()) {
    const stat = readStat(pid);
    if (!stat || stat.state === 'Z') continue;
    parents.set(pid, stat.parent);
    ticks.set(pid, stat.start_ticks);
    if (pid === root || hasMark(pid, mark)) known.set(pid, stat.start_ticks);
  }
  for (let grew = true; grew; ) {
    grew = false;
    for (const [pid, parent] of parents) {
      if (known.get(pid) === ticks.get(pid)) continue;
      if (!known.has(parent) || known.get(parent) !== ticks.get(parent)) continue;
      known.set(pid, ticks.get(pid) ?? 0);
      grew = true;
    }
  }
  return [...known].filter(([pid, start]) => ticks.get(pid) === start).map(([pid]) => pid);
}

function allProcesses(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return []; // No /proc: only the group can be signalled.
  }
}

function hasMark(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK_VARIABLE}=${mark}\0`);
  } catch {
    return false; // Gone, or another user's.
  }
}

function signalAll(pids: number[], group: number, signal: NodeJS.Signals): void {
  for (const target of [-group, ...pids]) {
    try {
      process.kill(target, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

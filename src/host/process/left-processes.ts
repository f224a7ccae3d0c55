/**
 * What is left of a run whose shim has died. Where the kernel kept a group of it, that is exact, as long as no process
 * has left the group. Else it has no ancestor any more, and three traces are followed: the processes that the shim had
 * noted down, those that carry the run's marker, and all that descends from either or from the group. That is not
 * certain: a process that forks and clears its marker at the last moment is not found. Linux only: elsewhere the kernel
 * does not tell the environment of a process, and a terminal that is hung up has to be enough.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Group, type GroupPlace } from './cgroup.ts';
import { RUN_MARKER } from './marker.ts';
import {
  ancestry,
  completeLook,
  environmentNow,
  isAlive,
  type ProcessIdentity,
  type ProcStat,
  statOf,
} from './proc.ts';
import { signalProcess } from './signal.ts';
import { isStopped } from './tree.ts';

const PAUSE_MS = 5;
/**
 * So many looks that find nothing end it. A group, and a look that was complete, miss no process that forks and exits
 * meanwhile; any other look can.
 */
const QUIET_LOOKS = { sure: 2, otherwise: 12 };

export interface Traces {
  run: string;
  shim: ProcessIdentity | null;
  /** Noted down by the shim. */
  known: ProcessIdentity[];
  /** Where its group is, or may be. */
  groups: GroupPlace[];
}

export interface RemainsEnd {
  /** Distinct processes, the shim not counted. */
  killed: number;
  survivors: number;
  /** The kernel kept a group of them, and no process was seen outside it: none can have been overlooked. */
  exact: boolean;
  /** Some were found outside the group that was to hold them. */
  escaped: boolean;
}

/**
 * SIGKILL for all of it, the shim first, until looks find nothing; then the groups are removed. Never this process
 * or one it descends from, and never one whose start time is not the one that was looked at.
 */
export async function killRemains(traces: Traces, timeout_ms: number): Promise<RemainsEnd> {
  const deadline = performance.now() + timeout_ms;
  const spared = new Set(ancestry(process.pid).map(({ pid }) => pid));
  const groups = traces.groups
    .map((place) => new Group(place))
    .filter((group) => group.exists && !group.members().some((pid) => spared.has(pid)));
  let escaped = false;
  const killed = new Set<string>();
  if (traces.shim !== null && traces.shim.start_ticks !== 0) signalProcess(traces.shim, 'SIGKILL');
  for (let quiet = 0; ; ) {
    // First: once those in the group are dead, nothing tells any more whose children have left it.
    const { found, complete } = find(traces, groups, spared);
    if (groups.length > 0) escaped ||= found.some((entry) => hasLeft(groups, entry, traces.shim));
    const alive = [...strike(groups), ...found];
    // A parent that is stopped cannot put a new child in place of the dead one.
    for (const entry of alive) if (!isStopped(entry)) signalProcess(entry, 'SIGSTOP');
    for (const entry of alive) {
      signalProcess(entry, 'SIGKILL');
      killed.add(keyOf(entry));
    }
    const exact = groups.length > 0 && !escaped;
    const counts = exact || complete ? QUIET_LOOKS.otherwise / QUIET_LOOKS.sure : 1;
    quiet = alive.length === 0 ? quiet + counts : 0;
    if (quiet >= QUIET_LOOKS.otherwise || performance.now() >= deadline) {
      for (const group of groups) group.remove();
      if (traces.shim !== null) killed.delete(keyOf(traces.shim));
      const survivors = new Set(alive.filter((entry) => isAlive(entry)).map(({ pid }) => pid)).size;
      return { killed: killed.size, survivors, exact, escaped };
    }
    await sleep(PAUSE_MS);
  }
}

/** @returns who was in the groups */
function strike(groups: Group[]): ProcStat[] {
  return groups.flatMap((group) => {
    if (!group.populated()) return [];
    const members = group.members().map((pid) => statOf(pid));
    group.strike();
    return members.filter((entry) => entry !== null && !entry.zombie) as ProcStat[];
  });
}

/** As of this look: a process that has begun or ended since is not in it. */
function hasLeft(groups: Group[], entry: ProcStat, shim: ProcessIdentity | null): boolean {
  if (entry.pid === shim?.pid) return false;
  return !groups.some((group) => group.members().includes(entry.pid)) && isAlive(entry);
}

function find(
  { run, known }: Traces,
  groups: Group[],
  spared: Set<number>,
): { found: ProcStat[]; complete: boolean } {
  const marker = `${RUN_MARKER}=${run}`;
  const members = groups.flatMap((group) => group.members().map((pid) => statOf(pid)));
  const noted = new Set([...known, ...members.filter((entry) => entry !== null)].map(keyOf));
  const found = new Map<number, ProcStat>();
  const queue: ProcStat[] = [];
  let settled = true;
  const look = completeLook((entry) => {
    if (entry.zombie || spared.has(entry.pid)) return;
    if (!noted.has(keyOf(entry))) {
      const environment = environmentNow(entry.pid);
      if (environment === 'unsettled') settled = false;
      if (!environment.includes(marker)) return;
    }
    // Now: at the end of this look it may have forked and gone.
    signalProcess(entry, 'SIGSTOP');
    queue.push(entry);
  });
  const all = look.all.filter(({ zombie, pid }) => !zombie && !spared.has(pid));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next.pid)) continue;
    found.set(next.pid, next);
    for (const entry of all) if (entry.parent === next.pid) queue.push(entry);
  }
  return { found: [...found.values()], complete: look.complete && settled };
}

function keyOf({ pid, start_ticks }: ProcessIdentity): string {
  return `${pid}:${start_ticks}`;
}

/** A run's processes as somebody sees them who looks from outside: by marker, by descent and by group. */
import { existsSync, readFileSync } from 'node:fs';
import { Group, type GroupKind, groupScope, groupsOf, ownGroup } from '../../src/host/process/cgroup.ts';
import { cpuTicksOf, environmentOf, everyProcess, type ProcStat } from '../../src/host/process/proc.ts';

/** `AETHER_NO_CGROUP=1 npm test` is the suite as on a machine that grants no control groups. */
export const NO_CGROUP: Record<string, string> = { AETHER_NO_CGROUP: '1' };
export const everywhereWithout = process.env.AETHER_NO_CGROUP === NO_CGROUP.AETHER_NO_CGROUP;

/** An ordinary user has none, as a rule, in which it could make others. */
const granted =
  !everywhereWithout && (['cgroup2', 'freezer'] as const).some((kind) => ownGroup(kind) !== null);

/** The two ways in which a run can be held: what the machine allows best, and no control group at all. */
export const CONTAINMENTS: { name: string; env: Record<string, string> }[] = [
  ...(granted ? [{ name: 'with control groups', env: {} }] : []),
  { name: 'without control groups', env: NO_CGROUP },
];

/** The long forms of tests that have one: `AETHER_LONG=1 npm test`; tests/README.md lists them. */
export const LONG = process.env.AETHER_LONG === '1';

/** For tests whose subject is not how a run is held: the best way that there is here; both in the long form. */
export const USUAL_CONTAINMENTS = LONG ? CONTAINMENTS : CONTAINMENTS.slice(0, 1);

/** Programs of ours that serve a run, started by its shim: what attaches its network, its proxy, helpers of that. */
const COMPANION = /^(\/bin\/sh -c exec 3<&0|\S*pasta )|\/egress\/process\/main\.|\/network-helper\./;

/** Living processes of a run; the shim and its companions, which are not stopped with them, are left out. */
export function treeOf(run: string): ProcStat[] {
  const marker = `AETHER_RUN=${run}`;
  // One look for all of it: tests ask for it again and again.
  const all = everyProcess();
  const marked = all.filter(({ pid }) => environmentOf(pid)?.includes(marker) === true);
  const found = withDescendants(marked, all).filter(({ zombie }) => !zombie);
  const shim = found.find(({ pid }) => commandOf(pid).startsWith('aether-shim'))?.pid;
  const served = found.filter(({ parent, pid }) => parent === shim && isCompanion(pid));
  const apart = new Set(withDescendants(served, all).map(({ pid }) => pid));
  return found.filter(({ pid }) => pid !== shim && !apart.has(pid));
}

function withDescendants(roots: readonly ProcStat[], all: readonly ProcStat[]): ProcStat[] {
  const found = new Set(roots);
  // What is added is gone through as well.
  for (const { pid } of found) for (const one of all) if (one.parent === pid) found.add(one);
  return [...found];
}

/** Pid of a run's shim; null when there is none. */
export function shimOf(run: string): number | null {
  for (const { pid, zombie } of everyProcess()) {
    if (zombie || environmentOf(pid)?.includes(`AETHER_RUN=${run}`) !== true) continue;
    if (commandOf(pid).startsWith('aether-shim')) return pid;
  }
  return null;
}

function isCompanion(pid: number): boolean {
  return COMPANION.test(commandOf(pid).replaceAll('\0', ' '));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has just gone
  }
}

export function ticksOf(tree: ProcStat[]): number {
  return tree.reduce((sum, { pid }) => sum + (cpuTicksOf(pid) ?? 0), 0);
}

function groups(stateDir: string): Group[] {
  if (!existsSync(stateDir)) return [];
  return (['cgroup2', 'freezer'] as GroupKind[]).flatMap((kind) => {
    const own = ownGroup(kind);
    return own === null ? [] : groupsOf(kind, own, groupScope(stateDir)).map(({ place }) => new Group(place));
  });
}

/** Directories of control groups that belong to a state directory. */
export function groupsLeft(stateDir: string): string[] {
  return groups(stateDir).map(({ place }) => place.path);
}

/** Ends whoever is in them, also where nothing else tells that they belong to it. @returns true when none is left */
export function removeGroups(stateDir: string): boolean {
  return groups(stateDir).every((group) => {
    group.strike();
    return group.remove();
  });
}

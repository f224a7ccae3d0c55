/**
 * What the kernel says about processes: who is whose parent, who is still alive, which pid was reused. Linux
 * reads /proc; elsewhere `ps` answers the questions about parents, without start times.
 *
 * Everything here may race with processes that start and exit: a process that is gone is an answer (null, or
 * left out), never an exception.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const LINUX = process.platform === 'linux';

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** /proc/<pid>/stat field 22: clock ticks between boot and its start. 0 where unknown. */
  start_ticks: number;
}

export interface ProcStat extends ProcessIdentity {
  parent: number;
  /** The letter of /proc/<pid>/stat: R S D T t Z X I. */
  state: string;
  /** Dead and waiting to be reaped: it runs nothing, holds nothing and cannot be signalled. */
  zombie: boolean;
}

/** The process's entry in /proc, or null when there is none (any more). */
export function statOf(pid: number): ProcStat | null {
  if (!LINUX) return snapshot().find((entry) => entry.pid === pid) ?? null;
  const text = readProc(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** Parses /proc/<pid>/stat. The name in parentheses may itself hold spaces, parentheses and newlines. */
export function parseStat(text: string): ProcStat | null {
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  if (open < 0 || close < open) return null;
  const pid = Number(text.slice(0, open));
  const fields = text.slice(close + 2).split(' ');
  const state = fields[0] ?? '?';
  const threads = Number(fields[17]);
  // A process whose first thread has exited looks like a zombie while its other threads go on.
  const zombie = (state === 'Z' || state === 'X') && !(threads > 1);
  return { pid, parent: Number(fields[1]), start_ticks: Number(fields[19]), state, zombie };
}

/** Start time in clock ticks since boot; 0 when the process is gone or the platform does not tell. */
export function startTicks(pid: number): number {
  return statOf(pid)?.start_ticks ?? 0;
}

export function parentOf(pid: number): number | null {
  return statOf(pid)?.parent ?? null;
}

/** True while this very process runs. Zombies are dead; with unknown start ticks only the pid is compared. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return stat !== null && !stat.zombie && sameProcess(stat, identity);
}

function sameProcess(stat: ProcStat, identity: ProcessIdentity): boolean {
  return identity.start_ticks === 0 || stat.start_ticks === 0 || stat.start_ticks === identity.start_ticks;
}

/** Whose it is (the real user); null when it is gone or the platform does not tell. */
export function uidOf(pid: number): number | null {
  return statusNumbers(pid, 'Uid')?.[0] ?? null;
}

/** How many pid namespaces it is in, counted from the one that /proc shows; null when it is gone or that is not told. */
export function pidNamespacesOf(pid: number): number | null {
  return statusNumbers(pid, 'NSpid')?.length ?? null;
}

function statusNumbers(pid: number, field: string): number[] | null {
  const text = LINUX ? readProc(`/proc/${pid}/status`) : null;
  const line = text?.match(new RegExp(`^${field}:\\s*(.*)$`, 'm'))?.[1];
  return line === undefined ? null : line.trim().split(/\s+/).map(Number);
}

/** CPU time it has used, in clock ticks (10 ms); null when it is gone or the platform does not tell. */
export function cpuTicksOf(pid: number): number | null {
  const text = LINUX ? readProc(`/proc/${pid}/stat`) : null;
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(') ') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/**
 * True for a process that waits inside the kernel and has a SIGSTOP waiting for it: it stops before it runs
 * another instruction of its own. So does a process that waits for a vfork child that was stopped before its exec.
 */
export function stopsOnReturn(entry: ProcStat): boolean {
  if (!LINUX || entry.state !== 'D') return false;
  const status = readProc(`/proc/${entry.pid}/status`) ?? '';
  const SIGSTOP_BIT = 1n << 18n;
  return [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)].some(
    ([, mask]) => (BigInt(`0x${mask}`) & SIGSTOP_BIT) !== 0n,
  );
}

/** The environment it was started with, `KEY=value` each; null when it is gone or not ours to read. */
export function environmentOf(pid: number): string[] | null {
  return readProc(`/proc/${pid}/environ`)?.split('\0') ?? null;
}

/** It is gone, dead, or on its way out: none of its own code runs any more, while its descriptors are closed one by one. */
export function isEnding(pid: number): boolean {
  const text = LINUX ? readProc(`/proc/${pid}/stat`) : null;
  if (text === null) return LINUX;
  const flags = Number(text.slice(text.lastIndexOf(') ') + 2).split(' ')[6]);
  return parseStat(text)?.zombie !== false || (flags & PF_EXITING) !== 0;
}

/**
 * The environment of a process that is asked for it at any moment; `unsettled`: it is inside an execve, where the kernel
 * shows an empty one. A kernel thread and a process that ends have an empty one.
 */
export function environmentNow(pid: number): string[] | 'unsettled' {
  for (let tries = 0; tries < EXEC_TRIES; tries += 1) {
    const text = readProc(`/proc/${pid}/environ`);
    if (text === null) return [];
    if (text !== '') return text.split('\0');
    const stat = readProc(`/proc/${pid}/stat`);
    if (stat === null) return [];
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    // Field 9: of a kernel thread, or on its way out; field 51: where its environment ends in its memory.
    if ((Number(fields[6]) & (PF_KTHREAD | PF_EXITING)) !== 0 || Number(fields[48]) !== 0) return [];
  }
  return 'unsettled';
}

const EXEC_TRIES = 200;
const PF_EXITING = 0x4;
const PF_KTHREAD = 0x200000;

/**
 * A look at every process that misses none. A process that begins while the list is read may not be in it, so the pids that
 * the kernel has given out since the look began are looked at one by one, until it has given out no more: then each
 * living process was in the list, or was looked at.
 * @param onFound called with each while the look goes on: later it may be gone
 * @returns `complete`: false where the kernel does not tell which pid it gave out last, or gave out too many
 */
export function completeLook(onFound: (entry: ProcStat) => void): { all: ProcStat[]; complete: boolean } {
  let from = lastPid();
  const all = everyProcess(onFound);
  for (let round = 0; from !== null && round < ROUNDS_MAX; round += 1) {
    const to = lastPid();
    if (to === from) return { all, complete: true };
    if (to === null) break;
    const given = pidsBetween(from, to);
    if (given === null) break;
    for (const pid of given) {
      const entry = leaderOf(pid);
      if (entry === null) continue;
      all.push(entry);
      onFound(entry);
    }
    from = to;
  }
  return { all, complete: false };
}

const ROUNDS_MAX = 200;
const GIVEN_MAX = 5_000;

/** The pid that was given out last in this pid namespace; null where /proc shows another one, or does not tell. */
function lastPid(): number | null {
  if (!LINUX || readProc('/proc/self/stat')?.startsWith(`${process.pid} (`) !== true) return null;
  const last = Number(readProc('/proc/loadavg')?.trim().split(' ').at(-1));
  return Number.isSafeInteger(last) && last > 0 ? last : null;
}

/** Given out after `from`, `to` included, over the end of the numbers where they began again; null: too many. */
function pidsBetween(from: number, to: number): number[] | null {
  const most = Number(readProc('/proc/sys/kernel/pid_max'));
  const count = to >= from ? to - from : most - from + to;
  if (!(count <= GIVEN_MAX)) return null;
  return Array.from({ length: count }, (_, n) => {
    const pid = from + 1 + n;
    return pid < most || to >= from ? pid : pid - most;
  });
}

/** The process with this pid, or that this thread is of. */
function leaderOf(pid: number): ProcStat | null {
  const leader = statusNumbers(pid, 'Tgid')?.[0];
  return leader === undefined ? null : statOf(leader);
}

/**
 * Every process there is, zombies included, youngest first where the platform numbers them upwards: of those who
 * fork and exit the youngest is still there.
 * @param onFound called with each while the look goes on: later it may be gone
 */
export function everyProcess(onFound: (entry: ProcStat) => void = () => undefined): ProcStat[] {
  const found: ProcStat[] = [];
  const note = (entry: ProcStat | null) => {
    if (entry === null) return;
    found.push(entry);
    onFound(entry);
  };
  if (!LINUX) for (const entry of snapshot()) note(entry);
  else
    for (const name of (listProc('/proc') ?? []).reverse())
      if (/^\d+$/.test(name)) note(statOf(Number(name)));
  return found;
}

/** Direct children, zombies included. */
export function childrenOf(pid: number): number[] {
  if (!LINUX) return childrenIn(snapshot(), pid);
  const threads = listProc(`/proc/${pid}/task`);
  if (threads === null) return [];
  const children: number[] = [];
  for (const thread of threads) {
    const text = readProc(`/proc/${pid}/task/${thread}/children`);
    if (text === null) {
      // A thread that just ended; or a kernel built without this file, where the long way is the only one.
      if (readProc(`/proc/${pid}/task/${pid}/children`) === null && statOf(pid) !== null) {
        return childrenIn(snapshot(), pid);
      }
      continue;
    }
    for (const word of text.split(' ')) if (word !== '') children.push(Number(word));
  }
  return children;
}

/**
 * Everything below `pid`, zombies included, from one look at every process. A process that is born or
 * reparented meanwhile can be missed: who needs certainty repeats until a look finds nothing.
 */
export function descendants(pid: number): ProcStat[] {
  const below = new Map<number, ProcStat[]>();
  for (const entry of snapshot()) {
    const siblings = below.get(entry.parent);
    if (siblings) siblings.push(entry);
    else below.set(entry.parent, [entry]);
  }
  const found: ProcStat[] = [];
  const seen = new Set([pid]);
  const queue = [pid];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const child of below.get(next) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      found.push(child);
      queue.push(child.pid);
    }
  }
  return found;
}

/** True when `pid` is `ancestor` or below it, and `ancestor` is still the process it was. */
export function descendsFrom(pid: number, ancestor: ProcessIdentity): boolean {
  return ancestry(pid).some((entry) => entry.pid === ancestor.pid && sameProcess(entry, ancestor));
}

/** The process and its ancestors, nearest first, up to the root of this pid namespace. Empty when it is gone. */
export function ancestry(pid: number): ProcStat[] {
  // An ancestor may die between two reads, its children going to another parent: then look again.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const chain = walkUp(pid);
    if (chain !== null) return chain;
  }
  return [];
}

function walkUp(pid: number): ProcStat[] | null {
  const chain: ProcStat[] = [];
  const all = LINUX ? null : snapshot();
  for (let at = pid; at > 0; ) {
    const stat = all === null ? statOf(at) : (all.find((entry) => entry.pid === at) ?? null);
    if (stat === null) return chain.length === 0 ? [] : null;
    // A parent that is younger than its child is a reused pid.
    const below = chain.at(-1);
    if (below && below.start_ticks !== 0 && stat.start_ticks > below.start_ticks) return null;
    chain.push(stat);
    at = stat.parent;
  }
  return chain;
}

/** Changes with every boot, so that pids and start ticks of an earlier one are never believed. */
export function bootId(): string {
  if (LINUX) return readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim();
}

function snapshot(): ProcStat[] {
  if (!LINUX) return snapshotFromPs();
  const found: ProcStat[] = [];
  for (const name of listProc('/proc') ?? []) {
    if (!/^\d+$/.test(name)) continue;
    const text = readProc(`/proc/${name}/stat`);
    const stat = text === null ? null : parseStat(text);
    if (stat) found.push(stat);
  }
  return found;
}

function snapshotFromPs(): ProcStat[] {
  const table = execFileSync('/bin/ps', ['-axo', 'pid=,ppid=,state='], { encoding: 'utf8' });
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length === 3)
    .map(([pid, parent, state]) => ({
      pid: Number(pid),
      parent: Number(parent),
      start_ticks: 0,
      state: state!.charAt(0),
      zombie: state!.startsWith('Z'),
    }));
}

function childrenIn(entries: ProcStat[], pid: number): number[] {
  return entries.filter((entry) => entry.parent === pid).map((entry) => entry.pid);
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

function listProc(path: string): string[] | null {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  // EACCES and EPERM: hidden from us (hidepid, another user), which for every caller is as good as absent.
  return code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM' || code === 'ENOTDIR';
}

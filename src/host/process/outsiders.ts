/**
 * Which processes cannot come from a run whose shim is dead. While a shim lives it is an ancestor of all that it has
 * started. Once it is dead, a process of the run that has cleared its environment looks like any other of this user. So
 * only a process with an ancestor that is older than the run counts as an outsider; ancestors that adopt orphans do not
 * count, because any process can become their child. Linux only: elsewhere start times are not known.
 */
import { spawnSync } from 'node:child_process';
import { messageOf } from '../errors.ts';
import { ancestry, type ProcessIdentity, type ProcStat, uidOf } from './proc.ts';

/** A shim that is dead, and those who adopted what it had started. */
export interface DeadShim {
  shim: ProcessIdentity;
  adopters: readonly ProcessIdentity[];
}

/** Terminals, log-ins and programs that operators came from; the one that is not seen for longest goes. */
const KNOWN_MAX = 64;
const PROBE_MS = 5_000;

/**
 * Who adopts the orphans of what this process starts, nearest first: the kernel gives them to the nearest ancestor that
 * has asked for them, and does not say which one has. So an orphan is made.
 */
export function adoptersHere(): ProcessIdentity[] {
  const above = ancestry(process.pid).slice(1);
  if (process.platform !== 'linux') return above;
  const probe = spawnSync('/bin/sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], {
    encoding: 'utf8',
    timeout: PROBE_MS,
    env: {},
  });
  const orphan = Number(probe.stdout);
  // Without a probe any of them may be.
  if (probe.status !== 0 || !(orphan > 0)) return above;
  try {
    return ancestry(orphan).slice(1);
  } finally {
    end(orphan);
  }
}

export class Outsiders {
  /** Those above this host. */
  readonly adopters: readonly ProcessIdentity[];
  /** By pid and start: what was above an operator when no process of a run could have been there. */
  readonly #known = new Set<string>();

  /** @param adopters see adoptersHere() */
  constructor(adopters: readonly ProcessIdentity[]) {
    this.adopters = adopters;
    // The process that started this host operates it.
    this.#remember(ancestry(process.pid).slice(1));
  }

  /**
   * @param chain the process and its ancestors, nearest first
   * @returns the first of the dead shims that it may come from; null where it comes from none of them
   */
  doubt<Dead extends DeadShim>(chain: readonly ProcStat[], dead: readonly Dead[]): Dead | null {
    if (process.platform !== 'linux') return null;
    const doubted = dead.find((one) => !this.#isOutside(chain, one));
    if (doubted !== undefined) return doubted;
    this.#remember(chain.slice(1));
    return null;
  }

  #isOutside(chain: readonly ProcStat[], { shim, adopters }: DeadShim): boolean {
    const orphanage = new Set([...this.adopters, ...adopters].map(keyOf));
    return chain.some(
      (entry) =>
        !adopts(entry, orphanage) &&
        (entry.start_ticks < shim.start_ticks ||
          this.#known.has(keyOf(entry)) ||
          isOfAnotherUser(entry) ||
          cameFromOutside(entry)),
    );
  }

  /** The one that is likely to stay: the highest that adopts no orphans. */
  #remember(above: readonly ProcStat[]): void {
    const orphanage = new Set(this.adopters.map(keyOf));
    const highest = above.findLast((entry) => !adopts(entry, orphanage));
    if (highest === undefined) return;
    const key = keyOf(highest);
    this.#known.delete(key);
    this.#known.add(key);
    if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.values().next().value!);
  }
}

function adopts(entry: ProcStat, orphanage: ReadonlySet<string>): boolean {
  return entry.pid === 1 || orphanage.has(keyOf(entry));
}

/** Put into our pid namespace by a process that is not in it, as `docker exec` does: orphans go to a process within. */
function cameFromOutside({ pid, parent }: ProcStat): boolean {
  const KERNEL_THREADS = 2;
  return parent === 0 && pid > KERNEL_THREADS;
}

/** A log-in service, as a rule. Root's agents can take any user id. */
function isOfAnotherUser({ pid }: ProcStat): boolean {
  const own = process.getuid?.();
  const uid = uidOf(pid);
  return own !== 0 && uid !== null && uid !== own;
}

function keyOf({ pid, start_ticks }: ProcessIdentity): string {
  return `${pid} ${start_ticks}`;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    throw new Error(`the probe process ${pid} was not ended: ${messageOf(error)}`, { cause: error });
  }
}

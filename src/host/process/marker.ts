/**
 * Whether a process lives inside a run, of any host and any state directory. Every shim and every process it
 * starts carries AETHER_RUN in its environment. A process can wash its own environment, but not that of its
 * ancestors, and as the shim is a subreaper it stays an ancestor of all that was started below it. Where runs have control
 * groups, their names tell as well.
 */
import { readFileSync } from 'node:fs';
import { AetherError } from '../errors.ts';
import { ancestry } from './proc.ts';

export const RUN_MARKER = 'AETHER_RUN';

/** What the system says of a process that has ended. */
const GONE = ['ENOENT', 'ESRCH'];

/**
 * The run the process is in, from the nearest ancestor (itself included) that carries the marker; null when
 * none does. A host that was itself started inside a run has a marker of its own: compare, do not only test.
 * @throws AetherError `peer.gone` when the process no longer exists, which must never be read as "outside".
 */
export function runMarkerOf(pid: number): string | null {
  const chain = ancestry(pid);
  if (chain.length === 0) {
    throw new AetherError({
      code: 'peer.gone',
      who: 'user',
      message: `Process ${pid} has exited, so it is not known whether it belongs to a run.`,
      next: 'Ask again from a process that stays until it is answered.',
    });
  }
  for (const entry of chain) {
    const marker = markerIn(entry.pid);
    if (marker !== null) return marker;
  }
  return null;
}

/** Runs, of any host, in whose groups a process is: by the paths in its /proc/PID/cgroup. */
function runsOfGroups(pid: number): string[] {
  const found = (read(`/proc/${pid}/cgroup`, GONE) ?? '').matchAll(
    /(?<=\/aether-[0-9a-f]{16}\/)r_[a-z2-7]{12}(?=\/|$)/gm,
  );
  return [...new Set(Array.from(found, ([run]) => run))];
}

/**
 * The run that a process is in, by its group or marker, and this process is not: a host that was itself started inside a
 * run serves that run's own processes, who are who started it, and they are served by it.
 * @throws AetherError `peer.gone`
 */
export function runAround(pid: number): string | null {
  const own = runsOfGroups(process.pid);
  const group = runsOfGroups(pid).find((run) => !own.includes(run));
  if (group !== undefined) return group;
  const marker = runMarkerOf(pid);
  return marker === null || marker === runMarkerOf(process.pid) ? null : marker;
}

function markerIn(pid: number): string | null {
  const prefix = `${RUN_MARKER}=`;
  // Not ours to read: its ancestors still speak for it.
  const entry = read(`/proc/${pid}/environ`, [...GONE, 'EACCES', 'EPERM'])
    ?.split('\0')
    .find((variable) => variable.startsWith(prefix));
  return entry === undefined ? null : entry.slice(prefix.length);
}

function read(file: string, unread: readonly string[]): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (unread.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

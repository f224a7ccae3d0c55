/**
 * Whether a process lives inside a run, of any host and any state directory. Every shim and every process it
 * starts carries AETHER_RUN in its environment. A process can wash its own environment, but not that of its
 * ancestors, and as the shim is a subreaper it stays an ancestor of all that was started below it.
 */
import { readFileSync } from 'node:fs';
import { AetherError } from '../errors.ts';
import { ancestry } from './proc.ts';

export const RUN_MARKER = 'AETHER_RUN';

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

function markerIn(pid: number): string | null {
  let environment: string;
  try {
    environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Not ours to read, or just gone: its ancestors still speak for it.
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
  const prefix = `${RUN_MARKER}=`;
  const entry = environment.split('\0').find((variable) => variable.startsWith(prefix));
  return entry === undefined ? null : entry.slice(prefix.length);
}

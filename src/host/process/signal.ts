/**
 * A signal for one particular process and never for a later one that was given its pid: through a handle where
 * the kernel has them, otherwise by comparing start times immediately before.
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { messageOf } from '../errors.ts';
import { LibcError, openProcess, signalHandle } from './libc.ts';
import { type ProcessIdentity, statOf } from './proc.ts';

/** False once the kernel, or a filter before it, has refused to hand one out. */
let handles = process.platform === 'linux';

/** @returns false when that process is gone or dead, or is not ours to signal */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  const handle = handles ? open(identity.pid) : undefined;
  if (handle === null) return false;
  try {
    const now = statOf(identity.pid);
    if (now === null || now.zombie) return false;
    if (identity.start_ticks !== 0 && now.start_ticks !== identity.start_ticks) return false;
    if (handle !== undefined) return signalHandle(handle, constants.signals[signal]);
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    const code = error instanceof LibcError ? error.errno : (error as NodeJS.ErrnoException).code;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw new Error(`cannot signal process ${identity.pid}: ${messageOf(error)}`, { cause: error });
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** null: there is no such process; undefined: there are no handles here. */
function open(pid: number): number | null | undefined {
  try {
    return openProcess(pid);
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    // EMFILE and the like pass: this one signal goes without.
    if (error.errno === 'ENOSYS' || error.errno === 'EPERM') handles = false;
    return undefined;
  }
}

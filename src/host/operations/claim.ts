/** Becoming the one host of a state directory. The kernel releases the claim when this process ends, however. */
import fs from 'node:fs';
import path from 'node:path';
import { AetherError } from '../errors.ts';
import { acquireLock, type FileLock } from '../process/lock.ts';
import { runtimeDirectory } from '../process/sockets.ts';

export interface Claim {
  /** Where this state directory's sockets are. */
  socketDir: string;
  release(): void;
}

/** @throws AetherError `host.running` when another host holds it. */
export function claimStateDirectory(stateDir: string): Claim {
  fs.mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = lockOrThrow(path.join(stateDir, 'host.lock'), stateDir);
  try {
    const socketDir = runtimeDirectory(stateDir);
    // Sockets are found by the path of the state directory: one that was removed under a living host and made
    // anew has a free lock and that host's sockets.
    const socketLock = lockOrThrow(path.join(socketDir, 'host.lock'), stateDir);
    return {
      socketDir,
      release() {
        socketLock.release();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function lockOrThrow(file: string, stateDir: string): FileLock {
  const lock = acquireLock(file);
  if (lock !== null) return lock;
  throw new AetherError({
    code: 'host.running',
    who: 'user',
    message: `Another host already runs for ${stateDir}.`,
    next: 'Talk to it with the other verbs (`aether ps`), or end it with `aether down`.',
  });
}

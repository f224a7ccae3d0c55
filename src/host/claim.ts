/** Claims a state directory for one host. The kernel releases the claim when this process ends, however it ends. */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Config } from './config/types.ts';
import { AetherError } from './errors.ts';
import { makeDirectories } from './paths.ts';
import { acquireLock, type FileLock } from './process/lock.ts';
import { runtimeDirectory } from './process/sockets.ts';
import { AgentTable } from './store/agents.ts';
import type { Store } from './store/store.ts';

export interface Claim {
  /** Where this state directory's sockets are. */
  socketDir: string;
  release(): void;
}

/** @throws AetherError `host.running` when another host holds it. */
export function claimStateDirectory(stateDir: string): Claim {
  makeDirectories(stateDir);
  const lock = lockOrThrow(path.join(stateDir, 'host.lock'), stateDir);
  try {
    const socketDir = runtimeDirectory(stateDir);
    // Sockets are found by the path of the state directory: one that was removed under a living host and made
    // again has a free lock and that host's sockets.
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
  const lock = lockFile(file);
  if (lock !== null) return lock;
  throw new AetherError({
    code: 'host.running',
    who: 'user',
    message: `Another host already runs for ${stateDir}.`,
    next: 'Use it with the other commands (`aether ps`), or end it with `aether down`.',
  });
}

/** @throws AetherError `state.not-a-file` where something else has the name of the file */
function lockFile(file: string): FileLock | null {
  try {
    return acquireLock(file);
  } catch (error) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== false) throw error;
    // Not moved aside: two hosts that do so at the same moment could both have a lock.
    throw new AetherError(
      {
        code: 'state.not-a-file',
        who: 'user',
        message: `${file} is not a file: something took the place of the host's lock.`,
        next: `Find out what it is, and remove it: \`rm -r '${file}'\`.`,
      },
      { cause: error },
    );
  }
}

/**
 * A broken file must not begin a host that would run nothing; but a host that has agents already keeps the last
 * good fleet, at three in the morning too, and says why.
 */
export function firstConfig(load: () => Config, store: Store): Config | AetherError {
  try {
    return load();
  } catch (error) {
    if (error instanceof AetherError && new AgentTable(store).all().length > 0) return error;
    store.close();
    throw error;
  }
}

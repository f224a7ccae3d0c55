/**
 * One holder per file, decided by the kernel: flock(2) ends with the process that holds it, however it died, so there
 * is no stale lock to break and no pid to trust.
 */
import { closeSync, fstatSync, statSync } from 'node:fs';
import { openToAppend } from '../files.ts';
import { flockExclusive } from './libc.ts';

export interface FileLock {
  /** Lets go. The file stays: removing it would let two holders lock two different files of one name. */
  release(): void;
}

/**
 * Takes the lock without waiting. The file is created (0600) when missing.
 * @returns null when another process, or another call in this one, holds it
 * @throws the error of open(2), or LibcError where the file system has no locks
 */
export function acquireLock(file: string): FileLock | null {
  for (;;) {
    const fd = openToAppend(file);
    let held = false;
    try {
      held = flockExclusive(fd);
      if (held && isStill(fd, file)) return { release: () => closeSync(fd) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    if (!held) return null;
    // Locked a file that was removed or replaced meanwhile: lock the one that is there now.
  }
}

function isStill(fd: number, file: string): boolean {
  const mine = fstatSync(fd);
  const there = statSync(file, { throwIfNoEntry: false });
  return there !== undefined && there.ino === mine.ino && there.dev === mine.dev;
}

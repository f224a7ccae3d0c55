/**
 * Reading, writing and removing below directories that an agent can write too: it can replace any of them by a link, and a file by a link,
 * a pipe or a second name of another file, at any moment. Here each part of a path is opened from the handle of the
 * one above it and no link is followed; only the root may be one. files.ts is for places whose parents are not the agent's.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { AetherError } from './errors.ts';
import { openFile, readFileNow, readFromNow, sizeNow } from './files.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** What the system says of a link or a file where a directory is wanted, and of a directory where a file is. */
const IN_THE_WAY = new Set(['ELOOP', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EEXIST', 'EMLINK']);

interface Directory {
  fd: number;
  /** As it was asked for. */
  path: string;
}

/**
 * Puts a file there whole, in place of whatever had its name. Missing directories are made, for their owner only.
 * @param path below `root`; no part of it may be a link
 * @throws AetherError `path.in-the-way`, or the system's error
 */
export function writeBeneath(root: string, path: string, content: string | Buffer, mode: number): void {
  const parts = partsOf(path);
  const name = parts.pop()!;
  const directory = enter(root, parts, true);
  const made = `.${randomBytes(8).toString('hex')}.new`;
  try {
    const fd = openSync(entry(directory, made), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    try {
      try {
        writeFileSync(fd, content);
      } finally {
        closeSync(fd);
      }
      // Replaces a link itself, and a name of another file without touching that file.
      renameSync(entry(directory, made), entry(directory, name));
    } catch (error) {
      rmSync(entry(directory, made), { force: true });
      throw explained(join(directory.path, name), error);
    }
  } finally {
    closeSync(directory.fd);
  }
}

/**
 * A file that did not exist, to be filled and read again by the caller, who closes it. For what is too large for writeBeneath.
 * @throws AetherError `path.in-the-way` where something has its name, or the system's error
 */
export function createBeneath(root: string, path: string, mode: number): number {
  const parts = partsOf(path);
  const name = parts.pop()!;
  const directory = enter(root, parts, true);
  try {
    return openSync(entry(directory, name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  } catch (error) {
    throw explained(join(directory.path, name), error);
  } finally {
    closeSync(directory.fd);
  }
}

/** The directory and those above it up to `root`. @throws AetherError `path.in-the-way`, or the system's error */
export function makeBeneath(root: string, path: string): void {
  closeSync(enter(root, partsOf(path), true).fd);
}

/**
 * Puts a new file there that every user can read, in a directory that exists. What has its name already stays.
 * @returns false where the directory is not there
 * @throws as makeBeneath
 */
export function makeFileBeneath(root: string, path: string, content: string): boolean {
  const made = inside(root, path, (directory, name) => {
    let fd: number;
    try {
      fd = openSync(entry(directory, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return true;
      throw error;
    }
    try {
      fchmodSync(fd, 0o644); // whatever the umask
      writeFileSync(fd, content);
    } finally {
      closeSync(fd);
    }
    return true;
  });
  return made ?? false;
}

/** Removes a regular file that holds just this; anything else stays. */
export function removeFileBeneath(root: string, path: string, content: string): void {
  try {
    inside(root, path, (directory, name) => {
      if (sizeNow(entry(directory, name)) > content.length) return;
      const held = readFileNow(entry(directory, name), { bytes_max: content.length });
      if (held.toString('latin1') === content) rmSync(entry(directory, name));
    });
  } catch (error) {
    if (!(error instanceof AetherError) && !IN_THE_WAY.has((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  }
}

/**
 * Removes what a directory holds, and nothing that a link in its place leads to. One entry that stays keeps none of
 * the others.
 * @throws AetherError `path.in-the-way`, or the system's error; not where there is no such directory
 */
export async function emptyBeneath(root: string, path: string, keep: readonly string[]): Promise<void> {
  let directory: Directory;
  try {
    directory = enter(root, partsOf(path), false);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const names = await readdir(entry(directory, ''));
    const removed = await Promise.allSettled(
      names
        .filter((name) => !keep.includes(name))
        .map((name) => rm(entry(directory, name), { recursive: true, force: true })),
    );
    const failed = removed.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    closeSync(directory.fd);
  }
}

/**
 * A regular file, whole. For small files only: the event loop waits meanwhile.
 * @returns null where nothing is
 * @throws AetherError `path.in-the-way`, what files.ts throws of a file that is none or too large, or the system's error
 */
export function readBeneath(root: string, path: string, bytes_max: number): Buffer | null {
  return inside(root, path, (directory, name) => {
    try {
      return readFileNow(entry(directory, name), { bytes_max });
    } catch (error) {
      throw explained(join(directory.path, name), error);
    }
  });
}

/** What lies behind `offset` of a file that grows, at most so many bytes of it. @returns and throws as readBeneath */
export function readFromBeneath(
  root: string,
  path: string,
  offset: number,
  bytes_max: number,
): Buffer | null {
  return inside(root, path, (directory, name) => readFromNow(entry(directory, name), offset, bytes_max));
}

/** The descriptor of a regular file, which the caller closes. @returns and throws as readBeneath */
export function openBeneath(root: string, path: string): number | null {
  return inside(root, path, (directory, name) => {
    try {
      return openFile(entry(directory, name));
    } catch (error) {
      throw explained(join(directory.path, name), error);
    }
  });
}

/** Its size; 0 where no regular file is, or the way there is not of directories. */
export function sizeBeneath(root: string, path: string): number {
  try {
    return inside(root, path, (directory, name) => sizeNow(entry(directory, name))) ?? 0;
  } catch {
    return 0;
  }
}

/** A regular file is there, and no link on the way. */
export function isFileBeneath(root: string, path: string): boolean {
  try {
    return inside(root, path, (directory, name) => lstatSync(entry(directory, name)).isFile()) ?? false;
  } catch {
    return false;
  }
}

/** Names in a directory, sorted. @returns null where nothing is @throws as readBeneath */
export function listBeneath(root: string, path: string): string[] | null {
  return inside(root, path, (directory, name) => {
    const listed = below(directory, name, false);
    try {
      return readdirSync(entry(listed, '')).sort();
    } finally {
      closeSync(listed.fd);
    }
  });
}

function inside<T>(root: string, path: string, look: (directory: Directory, name: string) => T): T | null {
  const parts = partsOf(path);
  const name = parts.pop()!;
  let directory: Directory | null = null;
  try {
    directory = enter(root, parts, false);
    return look(directory, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  } finally {
    if (directory !== null) closeSync(directory.fd);
  }
}

/** Removes what has this name, a link itself and not what it leads to. @throws as emptyBeneath */
export async function removeBeneath(root: string, path: string): Promise<void> {
  const parts = partsOf(path);
  const name = parts.pop()!;
  let directory: Directory;
  try {
    directory = enter(root, parts, false);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    await rm(entry(directory, name), { recursive: true, force: true });
  } finally {
    closeSync(directory.fd);
  }
}

/** Removes a directory that is empty; anything else stays. */
export function removeEmptyBeneath(root: string, path: string): void {
  try {
    inside(root, path, (directory, name) => rmdirSync(entry(directory, name)));
  } catch (error) {
    if (error instanceof AetherError || IN_THE_WAY.has((error as NodeJS.ErrnoException).code ?? '')) return;
    throw error;
  }
}

/** The caller closes it. */
function enter(root: string, parts: string[], make: boolean): Directory {
  let directory: Directory = { fd: openSync(root, O_RDONLY | O_DIRECTORY), path: root };
  for (const part of parts) {
    try {
      const next = below(directory, part, make);
      closeSync(directory.fd);
      directory = next;
    } catch (error) {
      closeSync(directory.fd);
      throw error;
    }
  }
  return directory;
}

function below(directory: Directory, name: string, make: boolean): Directory {
  const path = join(directory.path, name);
  try {
    if (make) mkdirSync(entry(directory, name), { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    return { fd: openSync(entry(directory, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path };
  } catch (error) {
    throw explained(path, error);
  }
}

/**
 * A path that starts at the handle, so that it leads there whatever has become of the names above. macOS has no such
 * paths: there a directory that is replaced between two system calls is not noticed.
 */
function entry({ fd, path }: Directory, name: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${fd}/${name}` : join(path, name);
}

function partsOf(path: string): string[] {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0')))
    throw new Error(`${JSON.stringify(path)} is not a path below a directory`);
  return parts;
}

function explained(path: string, error: unknown): unknown {
  if (!IN_THE_WAY.has((error as NodeJS.ErrnoException).code ?? '')) return error;
  return new AetherError(
    {
      code: 'path.in-the-way',
      who: 'user',
      message: `Nothing was written to ${path}: it is a link, or not the kind of file that belongs there.`,
      next: `An agent may have put it there: look at it, then remove it.`,
    },
    { cause: error },
  );
}

/**
 * Whether this path leads to a place in the directory, all links followed. What does not exist yet lies where the nearest
 * directory above it does; a link to nothing lies nowhere. Says what is so now: who can write there can change it.
 */
export function liesBeneath(root: string, path: string): boolean {
  const top = realOf(root);
  for (let at = path; top !== null; at = dirname(at)) {
    const real = realOf(at);
    if (real !== null) return real === top || real.startsWith(top === sep ? sep : top + sep);
    if (dirname(at) === at || lstatSync(at, { throwIfNoEntry: false }) !== undefined) return false;
  }
  return false;
}

function realOf(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

/**
 * Handles for the next process: directories and files that are opened here, immediately before the start, and are
 * inherited under agreed numbers by that process and no other. A path in its arguments would be followed again after
 * it was checked, and an agent can put a link there meanwhile.
 *
 * Neither node-pty nor a fork in general takes a list of descriptors. A process inherits what is open and not
 * close-on-exec when it is forked; every fork of this program happens in its one JavaScript thread. So the handles
 * are inheritable for just as long as the call that forks, and nothing else can be forked meanwhile.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { closeOnExec, duplicateTo, LibcError, openPlaceBeneath, sealedFile } from '../../process/libc.ts';
import { HANDLE_BYTES_MAX, HANDLE_FD_MIN, HANDLES_MAX, type HandleSpec } from '../shim-protocol.ts';
import { SpawnFailed } from './child.ts';

/** What stands in the reserved numbers while they are not lent. Itself the number after them. */
const NOTHING = HANDLE_FD_MIN + HANDLES_MAX;

/**
 * Called first of all: what this program opens later never gets one of the numbers, and what it was itself started
 * with (a descriptor of the shell that started the host, say) reaches no agent.
 */
export function reserveHandles(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd > 2) inheritNoMore(fd);
  }
  const nothing = openSync('/dev/null', 'r+');
  for (let fd = HANDLE_FD_MIN; fd <= NOTHING; fd += 1) duplicateTo(nothing, fd, false);
  closeSync(nothing);
}

function inheritNoMore(fd: number): void {
  try {
    closeOnExec(fd);
  } catch (error) {
    // The listing itself had one open, which is closed by now.
    if (!(error instanceof LibcError && error.errno === 'EBADF')) throw error;
  }
}

export interface Handles {
  /** Calls `start`, which must fork before it returns; the child has the handles. */
  lend<T>(start: () => T): T;
  close(): void;
}

/** @throws SpawnFailed and nothing is open then */
export function openHandles(specs: readonly HandleSpec[]): Handles {
  if (specs.length > HANDLES_MAX) {
    throw new SpawnFailed(`A process takes at most ${HANDLES_MAX} handles, not ${specs.length}.`);
  }
  if (specs.length > 0 && process.platform !== 'linux') {
    throw new SpawnFailed('Handles can be passed on Linux only.');
  }
  const open: number[] = [];
  const close = () => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  try {
    for (const spec of specs) open.push(openHandle(spec));
  } catch (error) {
    close();
    throw error;
  }
  return {
    close,
    lend(start) {
      try {
        for (const [at, fd] of open.entries()) duplicateTo(fd, HANDLE_FD_MIN + at, true);
        return start();
      } finally {
        for (const at of open.keys()) duplicateTo(NOTHING, HANDLE_FD_MIN + at, false);
      }
    },
  };
}

function openHandle(spec: HandleSpec): number {
  if (spec.kind === 'content') return openContent(spec.name, spec.base64);
  const path = join(spec.root, spec.path);
  if (!isAbsolute(spec.root)) throw new SpawnFailed(`The handle ${path} needs an absolute root.`);
  if (spec.path.split('/').includes('..') || path.includes('\0')) {
    throw new SpawnFailed(`${JSON.stringify(spec.path)} is not a path below ${spec.root}.`);
  }
  const fd = openBelow(spec.root, spec.path, path);
  try {
    check(fd, spec, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

function openContent(name: string, base64: string): number {
  const content = Buffer.from(base64, 'base64');
  if (content.length > HANDLE_BYTES_MAX) {
    throw new SpawnFailed(`The handle ${name} has ${content.length} bytes, more than ${HANDLE_BYTES_MAX}.`);
  }
  try {
    return sealedFile(name, content);
  } catch (error) {
    throw new SpawnFailed(`The handle ${name} could not be made: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

function openBelow(root: string, below: string, path: string): number {
  let directory: number;
  try {
    directory = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw explained(root, (error as NodeJS.ErrnoException).code ?? '', error);
  }
  try {
    return openPlaceBeneath(directory, below === '' ? '.' : below);
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    throw explained(path, error.errno, error);
  } finally {
    closeSync(directory);
  }
}

function check(fd: number, spec: Exclude<HandleSpec, { kind: 'content' }>, path: string): void {
  const found = fstatSync(fd, { bigint: true });
  if (spec.kind === 'directory' ? !found.isDirectory() : !found.isFile()) {
    const wanted = spec.kind === 'directory' ? 'directory' : 'regular file';
    throw new SpawnFailed(
      `${path} is ${kindOf(found)}, where a ${wanted} is needed. Look at it, then move it away.`,
    );
  }
  const { identity } = spec;
  if (identity === undefined) return;
  if (`${found.dev}` === identity.device && `${found.ino}` === identity.inode) return;
  throw new SpawnFailed(
    `${path} was replaced while the start was being prepared. Look at what is there now, then start again.`,
  );
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFile()) return 'a regular file';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function explained(path: string, errno: string, cause: unknown): SpawnFailed {
  return new SpawnFailed(`${path} ${problemOf(errno)}`, { cause });
}

function problemOf(errno: string): string {
  switch (errno) {
    case 'ENOENT':
      return 'does not exist. Create it, or take it out of the configuration.';
    case 'ELOOP':
      return 'is a symbolic link or has one in its path, and links are not followed. Remove the link, or name the place it leads to.';
    case 'ENOTDIR':
      return 'has a part in its path that is not a directory. Look at it, then move it away.';
    case 'EXDEV':
      return 'leads out of the directory it has to be in.';
    case 'EACCES':
      return 'cannot be reached: a directory in its path may not be entered (chmod u+x).';
    case 'ENOSYS':
    case 'EPERM':
      return 'cannot be opened safely here: the system call openat2 (Linux 5.6) is missing or forbidden.';
    default:
      return `cannot be opened (${errno}).`;
  }
}

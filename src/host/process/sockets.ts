/**
 * Where sockets live: a short path of our own, because a unix socket path has at most 107 bytes and a state
 * directory below an ordinary project is already longer. The directory is a door: a process that can write to it can
 * impersonate the host, so one that is not ours alone is refused.
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { writeBeneath } from '../beneath.ts';
import { AetherError } from '../errors.ts';
import { readNote } from '../paths.ts';

/** sockaddr_un.sun_path less its terminating zero. */
export const SOCKET_PATH_BYTES_MAX = process.platform === 'darwin' ? 103 : 107;

/** Room left for the names of sockets in a runtime directory, '/' included. */
const SOCKET_NAME_BYTES = 40;

/** In the state directory: where its sockets are, so that a cron job without XDG_RUNTIME_DIR finds them too. */
const NOTE = 'sockets';

/**
 * The runtime directory of a state directory, created with mode 0700: `$XDG_RUNTIME_DIR/aether/<hash>`, or
 * `/tmp/aether-<uid>/<hash>` where that is unset, not ours or too long. The same state directory gives the
 * same one, by whatever path it is reached and whatever the caller's environment is: the first choice is
 * noted down, and holds for as long as that directory exists.
 * @throws AetherError `runtime-directory.unsafe` when what is there is a link or belongs to another user
 */
export function runtimeDirectory(
  stateDir: string,
  environment: Record<string, string | undefined> = process.env,
): string {
  const hash = createHash('sha256').update(realpathSync(stateDir)).digest('hex').slice(0, 16);
  const note = join(stateDir, NOTE);
  const noted = readNote(note);
  if (noted?.endsWith(`/${hash}`) && lstatSync(noted, { throwIfNoEntry: false }) !== undefined) {
    privateDirectory(noted);
    return noted;
  }
  const xdg = environment.XDG_RUNTIME_DIR;
  const base =
    xdg !== undefined && usable(xdg, hash) ? join(xdg, 'aether') : `/tmp/aether-${process.getuid!()}`;
  privateDirectory(base);
  const directory = join(base, hash);
  privateDirectory(directory);
  writeBeneath(stateDir, NOTE, directory, 0o600);
  return directory;
}

/** A socket's path in the runtime directory. @throws AetherError `socket.path-too-long` */
export function socketPath(directory: string, name: string): string {
  const path = join(directory, name);
  requireSocketPath(path);
  return path;
}

/** @throws AetherError `socket.path-too-long` */
export function requireSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_BYTES_MAX) return;
  throw new AetherError({
    code: 'socket.path-too-long',
    who: 'user',
    message: `The socket path ${path} has ${bytes} bytes; the system takes ${SOCKET_PATH_BYTES_MAX}.`,
    next: 'Set XDG_RUNTIME_DIR to a short directory that only you can read, or unset it to use /tmp.',
  });
}

function usable(xdg: string, hash: string): boolean {
  if (!xdg.startsWith('/')) return false;
  if (Buffer.byteLength(join(xdg, 'aether', hash)) + SOCKET_NAME_BYTES > SOCKET_PATH_BYTES_MAX) return false;
  const stat = lstatSync(xdg, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid!();
}

/** Creates the directory, or makes sure that the one that is there is a real directory and ours alone. */
function privateDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw unsafe(path, 'it is not a directory');
  if (stat.uid !== process.getuid!()) throw unsafe(path, `it belongs to user ${stat.uid}`);
  if ((stat.mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}

function unsafe(path: string, why: string): AetherError {
  return new AetherError({
    code: 'runtime-directory.unsafe',
    who: 'user',
    message: `${path} cannot hold the host's sockets: ${why}.`,
    next: `Find out who made it and remove it, or set XDG_RUNTIME_DIR to a directory that only you can read.`,
  });
}

/**
 * Binds a unix socket that only this user can connect to. A socket that is already there is replaced: the caller holds
 * a lock, or a directory of its own, that proves that its owner is gone. One that still answers belongs to an impostor
 * and is reported.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { AetherError, messageOf } from '../errors.ts';
import { requireSocketPath } from '../process/sockets.ts';

/** The kernel's own bound (net.core.somaxconn) applies below this. */
const BACKLOG_MAX = 1_024;
const PROBE_MS = 1_000;

/**
 * @returns whether a living process listened there before
 * @throws AetherError `socket.path-too-long`, `socket.not-made`
 */
export async function listenUnix(server: Server, path: string): Promise<{ impostor: boolean }> {
  requireSocketPath(path);
  try {
    const impostor = await removeLeftover(path);
    await bind(server, path);
    return { impostor };
  } catch (error) {
    throw new AetherError(
      {
        code: 'socket.not-made',
        who: 'host',
        message: `The socket ${path} cannot be made: ${messageOf(error)}.`,
        next: 'Check that its directory is yours and writable, and that nothing but a socket is there; `aether doctor` looks at both.',
      },
      { cause: error },
    );
  }
}

/** Anything but a socket stays, and makes the bind fail. @returns whether the socket answered */
async function removeLeftover(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return false;
  const answered = await answers(path);
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return answered;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const end = (answered: boolean) => {
      clearTimeout(timer);
      probe.destroy();
      resolve(answered);
    };
    // A full backlog belongs to a listener, too.
    const timer = setTimeout(() => end(true), PROBE_MS);
    probe.once('connect', () => end(true));
    probe.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'EAGAIN'));
  });
}

async function bind(server: Server, path: string): Promise<void> {
  // The socket is bound within listen(): with this mask no other user can connect before its mode is set.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path, backlog: BACKLOG_MAX }, () => {
        server.removeListener('error', reject);
        resolve();
      });
      process.umask(mask);
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
}

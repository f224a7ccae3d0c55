/**
 * A bound socket, held open for its place: through /proc/PID/fd a client connects to what this process holds, whatever
 * has the socket's name by then (control/host-proof.ts). Linux only.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { peerCredentials } from '../process/peer.ts';
import { connectUnix } from './connect.ts';

/** Not among Node's constants; the same on x86-64 and arm64. */
const O_PATH = 0o10000000;

/**
 * @returns how to let go; null where it cannot be held, or where what has the name is not listened on by this process:
 * another process of the user may have replaced it since it was bound
 */
export async function holdSocket(path: string): Promise<(() => void) | null> {
  if (process.platform !== 'linux') return null;
  let fd: number;
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch {
    return null; // it was removed, which who watches it finds out
  }
  const release = () => closeSync(fd);
  if (await isOurs(fd)) return release;
  release();
  return null;
}

async function isOurs(fd: number): Promise<boolean> {
  try {
    const socket = await connectUnix(`/proc/self/fd/${fd}`, 0);
    try {
      return peerCredentials(socket).pid === process.pid;
    } finally {
      socket.destroy();
    }
  } catch {
    return false;
  }
}

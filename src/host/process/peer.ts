/**
 * Who is at the other end of a unix socket, from the kernel: the only kind of identity the host believes.
 */
import { closeSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { AetherError, messageOf } from '../errors.ts';
import { getsockopt, LibcError } from './libc.ts';
import { startTicks } from './proc.ts';

export interface PeerCredentials {
  /** 0 when the peer lives in a pid namespace that ours cannot see into. */
  pid: number;
  uid: number;
  gid: number;
  /** Start of that process, so that its pid can be compared later. 0 where unknown. */
  start_ticks: number;
}

/**
 * Credentials of the process that connected (not of one that inherited the connection from it).
 * @throws AetherError `peer.unknown` when the platform cannot tell, `peer.gone` when that process has exited:
 *   its pid may belong to another process by now, so it must not be judged by it.
 */
export function peerCredentials(socket: Socket): PeerCredentials {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0) throw gone('The connection was closed before it could be identified.');
  try {
    if (process.platform === 'linux') return onLinux(fd);
    if (process.platform === 'darwin') return onMac(fd);
  } catch (error) {
    if (error instanceof AetherError) throw error;
    throw unknown(messageOf(error), error);
  }
  throw unknown(`${process.platform} does not tell who connects to a unix socket.`);
}

function onLinux(fd: number): PeerCredentials {
  const SOL_SOCKET = 1;
  const SO_PEERCRED = 17;
  const raw = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12);
  const peer = { pid: raw.readInt32LE(0), uid: raw.readUInt32LE(4), gid: raw.readUInt32LE(8) };
  if (peer.pid === 0) return { ...peer, start_ticks: 0 };
  const start_ticks = startTicks(peer.pid);
  const holder = pidOfPeerHandle(fd);
  // The handle is of the process itself: when it says "gone", the start ticks just read are of a successor.
  if (start_ticks === 0 || (holder !== null && holder !== peer.pid)) {
    throw gone(`Process ${peer.pid} connected and has exited.`);
  }
  return { ...peer, start_ticks };
}

/** The pid behind the kernel's own handle on the peer, -1 once it is reaped, null before Linux 6.5. */
function pidOfPeerHandle(fd: number): number | null {
  const SOL_SOCKET = 1;
  const SO_PEERPIDFD = 77;
  let handle: number;
  try {
    handle = getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, 4).readInt32LE(0);
  } catch (error) {
    if (error instanceof LibcError && error.errno === 'ENOPROTOOPT') return null;
    if (error instanceof LibcError && error.errno === 'ESRCH') return -1;
    throw error;
  }
  try {
    const info = readFileSync(`/proc/self/fdinfo/${handle}`, 'utf8');
    return Number(/^Pid:\s*(-?\d+)/m.exec(info)?.[1] ?? -1);
  } finally {
    closeSync(handle);
  }
}

/** Best effort: LOCAL_PEERPID names the last process that touched the socket, and there are no start times. */
function onMac(fd: number): PeerCredentials {
  const SOL_LOCAL = 0;
  const LOCAL_PEERCRED = 1;
  const LOCAL_PEERPID = 2;
  const pid = getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, 4).readInt32LE(0);
  // struct xucred: u32 version, u32 uid, i16 group count, padding, u32 groups[16]
  const xucred = getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, 76);
  return { pid, uid: xucred.readUInt32LE(4), gid: xucred.readUInt32LE(12), start_ticks: 0 };
}

function gone(message: string): AetherError {
  return new AetherError({
    code: 'peer.gone',
    who: 'user',
    message,
    next: 'Connect again and stay connected.',
  });
}

function unknown(message: string, cause?: unknown): AetherError {
  return new AetherError(
    {
      code: 'peer.unknown',
      who: 'host',
      message: `The host cannot tell who is connecting: ${message}`,
      next: 'Run the host on Linux or macOS; `aether doctor` says what is missing.',
    },
    { cause },
  );
}

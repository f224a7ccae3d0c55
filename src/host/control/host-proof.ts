/**
 * Checks that the process at the control socket is the host of a state directory, by facts of the kernel: which process
 * listens there, that it holds the lock of the host, and that it is part of no run. Without a sandbox an agent can
 * replace the socket of a dead host, and would then receive what an operator sends. (An agent without a sandbox that
 * traces the host, or writes into the files of this package, is beyond any proof.)
 *
 * There are two ways. The host holds its socket open, and /proc/PID/fd/N leads to what PID holds and to nothing else: a
 * client that connects through it needs no further answer. Where that does not lead to the host, the client connects by
 * the path and asks the kernel who answered: it takes a native library, which costs the most of a short command.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { connectUnix } from '../doors/connect.ts';
import { AetherError } from '../errors.ts';
import { readNote, statePaths } from '../paths.ts';
import { runAround } from '../process/marker.ts';
import { type PeerCredentials, peerCredentials } from '../process/peer.ts';
import { isEnding, startTicks } from '../process/proc.ts';

/** As claim.ts names it, in the state directory and beside the sockets. */
const LOCK = 'host.lock';

/** Which descriptors of a process are the socket and the lock. */
interface Held {
  socket: string;
  lock: string;
}

/**
 * A connection that nothing was sent on yet.
 * @param patience_ms how long a full queue is tried again
 * @throws AetherError `control.unproven`, `peer.gone`; the system's error, ECONNREFUSED also of a host that ends
 */
export async function connectToHost(
  socketPath: string,
  stateDir: string,
  patience_ms: number,
): Promise<Socket> {
  // Elsewhere the kernel says too little.
  if (process.platform !== 'linux') return connectUnix(socketPath, patience_ms);
  const held = await connectHeld(socketPath, stateDir, patience_ms);
  if (held !== null) return held;
  const socket = await connectUnix(socketPath, patience_ms);
  try {
    requireHost(socket, socketPath, stateDir);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** To what the host itself holds; null where nothing is proven by that. @throws EAGAIN while the host's queue is full */
async function connectHeld(
  socketPath: string,
  stateDir: string,
  patience_ms: number,
): Promise<Socket | null> {
  // Any process of the user may have written it: it only says where to look.
  const pid = Number(readNote(statePaths(stateDir).pid) ?? 0);
  const began = Number.isSafeInteger(pid) && pid > 0 ? startTicks(pid) : 0;
  const locks = locksOf(socketPath, stateDir);
  const held = began === 0 ? null : heldBy(pid, socketPath, locks);
  if (held === null) return null;
  const socket = await connectUnix(held.socket, patience_ms).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EAGAIN') throw error;
    return null;
  });
  if (socket === null) return null;
  // Afterwards: where it still is the same process, it was that one which the connection was made through.
  if (isHost(pid, held, socketPath, locks) && startTicks(pid) === began) return socket;
  socket.destroy();
  return null;
}

/** Asks who answers at the path. @throws AetherError `control.unproven`, `peer.gone` */
function requireHost(socket: Socket, socketPath: string, stateDir: string): void {
  const peer = peerCredentials(socket);
  const why = doubtOf(peer, locksOf(socketPath, stateDir));
  if (why === null) return;
  // A host that is killed loses its lock a moment before its socket: that is none, and not another one.
  if (peer.pid !== 0 && isEnding(peer.pid))
    throw Object.assign(new Error(`connect ECONNREFUSED ${socketPath}`), { code: 'ECONNREFUSED' });
  throw new AetherError({
    code: 'control.unproven',
    who: 'user',
    message: `What answers at ${socketPath} is not the host of ${stateDir}: ${why}. Nothing was sent to it.`,
    next: `Look at it (\`ps -fp ${peer.pid}\`) and end it; \`aether up\` starts the host again.`,
  });
}

function locksOf(socketPath: string, stateDir: string): string[] {
  return [join(stateDir, LOCK), join(dirname(socketPath), LOCK)];
}

function doubtOf({ pid }: PeerCredentials, locks: readonly string[]): string | null {
  if (pid === 0) return 'it lives where this command cannot see it, as in a container';
  if (!locks.some((file) => holds(pid, file))) return `process ${pid} does not hold the lock of a host`;
  const run = runAround(pid);
  return run === null ? null : `process ${pid} was started inside run ${run}`;
}

/** The kernel's own list: pid and inode of each lock. */
function holds(pid: number, file: string): boolean {
  const ino = statSync(file, { throwIfNoEntry: false })?.ino;
  if (ino === undefined) return false;
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .some((line) => {
      const [, kind, , , holder, inode] = line.split(/\s+/);
      return kind === 'FLOCK' && holder === String(pid) && inode?.split(':')[2] === String(ino);
    });
}

/** Null: it does not hold both, or it cannot be seen. */
function heldBy(pid: number, socketPath: string, locks: readonly string[]): Held | null {
  let socket: string | null = null;
  let lock: string | null = null;
  for (const fd of descriptorsOf(pid)) {
    // By its name first: a host has hundreds.
    const name = basename(targetOf(fd));
    if (name === basename(socketPath) && isSame(fd, socketPath)) socket = fd;
    else if (name === LOCK && locks.some((file) => isSame(fd, file))) lock = fd;
    if (socket !== null && lock !== null) return { socket, lock };
  }
  return null;
}

function isHost(pid: number, { socket, lock }: Held, socketPath: string, locks: readonly string[]): boolean {
  try {
    return (
      isSame(socket, socketPath) &&
      locks.some((file) => isSame(lock, file)) &&
      isLockedBy(pid, lock) &&
      runAround(pid) === null
    );
  } catch {
    return false; // it has ended
  }
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => `/proc/${pid}/fd/${name}`);
  } catch {
    return []; // it has ended, or is not ours to look into
  }
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(fd);
  } catch {
    return ''; // it was closed
  }
}

/** What is open there is what has this name. While it is open its number is not given out again. */
function isSame(fd: string, path: string): boolean {
  const open = statSync(fd, { throwIfNoEntry: false });
  const named = lstatSync(path, { throwIfNoEntry: false });
  return open !== undefined && named !== undefined && open.ino === named.ino && open.dev === named.dev;
}

/** As the kernel writes it: `lock: 1: FLOCK ADVISORY WRITE 4711 08:01:2598943 0 EOF`. */
function isLockedBy(pid: number, fd: string): boolean {
  const info = readFileSync(fd.replace('/fd/', '/fdinfo/'), 'utf8');
  return new RegExp(`^lock:\\s+\\d+: FLOCK\\s+\\S+\\s+WRITE ${pid} `, 'm').test(info);
}

/**
 * Checks that the process at the control socket is the host of a state directory, by facts of the kernel: which process
 * listens there, which one holds the lock of the host, and that it is part of no run. Without a sandbox an agent can
 * replace the socket of a dead host, and would then receive what an operator sends.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { AetherError } from '../errors.ts';
import { runsOfGroups } from '../process/cgroup.ts';
import { runMarkerOf } from '../process/marker.ts';
import { type PeerCredentials, peerCredentials } from '../process/peer.ts';

/** As claim.ts names it, in the state directory and beside the sockets. */
const LOCK = 'host.lock';

/**
 * Linux only: elsewhere the kernel says too little.
 * @throws AetherError `control.unproven`, `peer.gone`
 */
export function requireHost(socket: Socket, socketPath: string, stateDir: string): void {
  if (process.platform !== 'linux') return;
  const peer = peerCredentials(socket);
  const why = doubtOf(peer, [join(stateDir, LOCK), join(dirname(socketPath), LOCK)]);
  if (why === null) return;
  throw new AetherError({
    code: 'control.unproven',
    who: 'user',
    message: `What answers at ${socketPath} is not the host of ${stateDir}: ${why}. Nothing was sent to it.`,
    next: `Look at it (\`ps -fp ${peer.pid}\`) and end it; \`aether up\` starts the host again.`,
  });
}

function doubtOf({ pid }: PeerCredentials, locks: readonly string[]): string | null {
  if (pid === 0) return 'it lives where this command cannot see it, as in a container';
  if (!locks.some((file) => holds(pid, file))) return `process ${pid} does not hold the lock of a host`;
  const run = runOf(pid);
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

/** A host that was itself started inside a run serves what that run starts. */
function runOf(pid: number): string | null {
  const own = runsOfGroups(process.pid);
  const group = runsOfGroups(pid).find((run) => !own.includes(run));
  if (group !== undefined) return group;
  const marker = runMarkerOf(pid);
  return marker === runMarkerOf(process.pid) ? null : marker;
}

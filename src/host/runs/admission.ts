/** Who a peer of one of our sockets is, by the kernel's word: part of a run, an operator, or nobody. */
import type { Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import { runMarkerOf } from '../process/marker.ts';
import { peerCredentials } from '../process/peer.ts';
import { localSandbox } from '../sandboxes/local.ts';
import type { Run } from './run.ts';
import type { Runs } from './runs.ts';

/** True when the peer belongs to this run; otherwise why it is not served. */
export function admitToRun(socket: Socket, run: Run): true | string {
  return guarded(socket, (pid) => {
    const { shim } = run.record;
    return shim !== null && localSandbox.owns(pid, shim) ? true : 'it is not part of this run';
  });
}

/** True when the peer is an operator. A peer inside any run, of this host or another, never is. */
export function admitOperator(socket: Socket, runs: Runs): true | string {
  return guarded(socket, (pid) => {
    for (const run of runs.live()) {
      if (run.record.shim !== null && localSandbox.owns(pid, run.record.shim))
        return `it is part of agent ${run.record.agent}`;
    }
    const marker = runMarkerOf(pid);
    // A host that was itself started inside a run serves that run's own processes: they are who started it.
    return marker === null || marker === runMarkerOf(process.pid)
      ? true
      : `it was started inside run ${marker}`;
  });
}

function guarded(socket: Socket, decide: (pid: number) => true | string): true | string {
  try {
    const { uid, pid } = peerCredentials(socket);
    if (uid !== process.getuid?.()) return 'it belongs to another user';
    return decide(pid);
  } catch (error) {
    return messageOf(error); // It is gone, or the kernel will not say: then it is nobody.
  }
}

/** Who a peer of one of our sockets is, by its credentials from the kernel: part of a run, an operator, or nobody. */
import { messageOf } from '../errors.ts';
import { runMarkerOf } from '../process/marker.ts';
import type { PeerCredentials } from '../process/peer.ts';
import type { Run } from './run.ts';
import type { Runs } from './runs.ts';

/** True when the peer belongs to this run; otherwise why it is not served. */
export function admitToRun(peer: PeerCredentials, run: Run): true | string {
  return guarded(() => (run.owns(peer) ? true : 'it is not part of this run'));
}

/** True when the peer is an operator. A peer inside any run, of this host or another, never is. */
export function admitOperator(peer: PeerCredentials, runs: Runs): true | string {
  return guarded(() => {
    const agent = agentOf(peer, runs);
    if (agent !== null) return `it is part of agent ${agent}`;
    const marker = runMarkerOf(peer.pid);
    // A host that was itself started inside a run serves that run's own processes: they are who started it.
    return marker === null || marker === runMarkerOf(process.pid)
      ? true
      : `it was started inside run ${marker}`;
  });
}

function guarded(decide: () => true | string): true | string {
  try {
    return decide();
  } catch (error) {
    return messageOf(error); // It is gone, or the kernel will not say: then it is nobody.
  }
}

/** The agent whose run this process is part of; null when it is part of none, or gone. */
export function agentOf(peer: Pick<PeerCredentials, 'pid'>, runs: Runs): string | null {
  for (const run of runs.live()) if (run.owns(peer)) return run.record.agent;
  return null;
}

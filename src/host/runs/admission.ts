/**
 * Who a peer of one of our sockets is, by what the kernel says of it: part of a run, an operator, or neither. A process of
 * a run is known by its descent from the run's shim, by the run's control group, and by the marker in its environment or
 * in that of its ancestors. Each of them alone is enough.
 */
import { AetherError, messageOf } from '../errors.ts';
import { runAround } from '../process/marker.ts';
import type { Outsiders } from '../process/outsiders.ts';
import type { PeerCredentials } from '../process/peer.ts';
import { ancestry, type ProcStat, pidNamespacesOf } from '../process/proc.ts';
import type { Run } from './run.ts';
import type { Runs } from './runs.ts';

/** True when the peer belongs to this run; otherwise why it is not served. */
export function admitToRun(peer: PeerCredentials, run: Run): true | string {
  return guarded(() => (run.owns(peer) ? true : 'it is not part of this run'));
}

/** True when the peer is an operator. A peer inside any run, of this host or another, never is. */
export function admitOperator(peer: PeerCredentials, runs: Runs, outsiders: Outsiders): true | string {
  return guarded(() => {
    if (peer.pid === 0) return 'it lives where this host cannot see it, as in a container';
    const chain = ancestry(peer.pid);
    const strange = notToBeJudged(peer, chain);
    if (strange !== null) return strange;
    const agent = ownerOf(peer, runs);
    if (agent !== null) return `it is part of agent ${agent}`;
    const run = runAround(peer.pid);
    if (run !== null) return `it was started inside run ${run}`;
    if (isNested(peer.pid)) return 'it lives in a pid namespace of its own, as in a sandbox or a container';
    const dead = outsiders.doubt(chain, runs.doubtful());
    if (dead === null) return true;
    return (
      `run ${dead.id} of agent ${dead.agent} has lost its supervisor, and nothing shows that this process did not come ` +
      'from it; use a terminal that was open before that run began, or end the host and start it from this one'
    );
  });
}

function guarded(decide: () => true | string): true | string {
  try {
    return decide();
  } catch (error) {
    return messageOf(error); // It is gone, or the kernel will not say: then it is neither.
  }
}

/** A process of which the kernel does not tell what it would take to judge it. */
function notToBeJudged({ pid, start_ticks }: PeerCredentials, chain: readonly ProcStat[]): string | null {
  const [own] = chain;
  if (own === undefined || own.start_ticks !== start_ticks) return `process ${pid} has exited`;
  return own.state === 'Z' || own.state === 'X' ? 'its first thread has ended' : null;
}

/** The agent whose run this process is part of, by any of the means; null when it is part of none, or gone. */
export function agentOf(peer: Pick<PeerCredentials, 'pid'>, runs: Runs): string | null {
  try {
    return ownerOf(peer, runs) ?? runs.byId(runAround(peer.pid) ?? '')?.record.agent ?? null;
  } catch (error) {
    if (error instanceof AetherError && error.code === 'peer.gone') return null;
    throw error;
  }
}

function ownerOf(peer: Pick<PeerCredentials, 'pid'>, runs: Runs): string | null {
  for (const run of runs.live()) if (run.owns(peer)) return run.record.agent;
  return null;
}

function isNested(pid: number): boolean {
  const [theirs, ours] = [pidNamespacesOf(pid), pidNamespacesOf(process.pid)];
  return theirs !== null && ours !== null && theirs > ours;
}

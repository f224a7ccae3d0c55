/**
 * Where a run executes and who belongs to it. The local sandbox confines nothing: a peer belongs to the run
 * when it descends from the run's shim, which, being a subreaper, stays the ancestor of all it has started.
 */
import { descendsFrom, type ProcessIdentity } from '../process/proc.ts';

export interface Sandbox {
  readonly name: string;
  /** True when the process (pid as the kernel told it for a socket's peer) is part of that shim's run. */
  owns(peerPid: number, shim: ProcessIdentity): boolean;
}

export const localSandbox: Sandbox = {
  name: 'local',
  // Without start ticks the shim's pid may have been reused by anybody: then nobody belongs.
  owns: (peerPid, shim) =>
    peerPid > 0 &&
    peerPid !== shim.pid &&
    (shim.start_ticks !== 0 || process.platform !== 'linux') &&
    descendsFrom(peerPid, shim),
};

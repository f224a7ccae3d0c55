/**
 * The contract of a sandbox: *where* the processes of a run execute, how paths map between inside and outside, and
 * who belongs. It says nothing of what runs; that is the Runtime's. A kind of sandbox is one object; each run has
 * one or more boxes of it: the engine's, and beside it those of a terminal or a desktop.
 *
 * The other half of the contract is the shim's, for every kind alike: what a box starts is a descendant of the run's
 * shim, which stops, freezes, lists and kills the whole tree whatever the boxes are, and which listens and dials
 * inside a box (`ShimClient.relay`). Nothing of an agent is ever started by *entering* a box.
 */
import type { PeerCredentials } from '../process/peer.ts';
import type { ProcessIdentity } from '../process/proc.ts';
import type { ProcessSpec } from '../shim/shim-protocol.ts';
import type { BoxSpec } from '../store/run-sandbox.ts';

/** What a sandbox can confine. */
export type Confined = 'files' | 'network' | 'processes' | 'memory' | 'cpu' | 'disk';

export interface SandboxProbe {
  /** A box of this kind works here. */
  usable: boolean;
  /** What holds on this machine; what is false here is not enforced, and is said so. */
  holds: Record<Confined, boolean>;
  /** What is missing or weaker than it could be, each with the step that mends it. */
  missing: { what: string; mend: string }[];
}

/** What a box is told of the run before its first process. */
export interface Furnishing {
  /** HOME of its processes. */
  home: string;
  /** Files below /etc, by their path there. */
  files: ReadonlyMap<string, string>;
}

export interface Box {
  readonly spec: BoxSpec;
  /** Makes on the host what the box needs there; once, before its first process. */
  prepare(furnishing: Furnishing): Promise<void>;
  /** The same process, started inside. Pure: nothing is made before the shim starts what this returns. */
  wrap(process: ProcessSpec): ProcessSpec;
  /**
   * A file that it shows read-only was replaced on the host: the new one is read-only, too.
   * @param launcher pid of what `wrap` made of a process
   * @returns whether its processes could have written the new one meanwhile
   */
  replaced(launcher: number, file: string): Promise<boolean>;
  /** Path inside of a path on the host; null where the box does not show it. */
  inside(hostPath: string): string | null;
  /** Path on the host of a path inside; null where that exists only inside. */
  outside(insidePath: string): string | null;
  /** True when the peer of a socket is a process of this box. `shim`: of the box's run, as recorded. */
  owns(peer: Pick<PeerCredentials, 'pid'>, shim: ProcessIdentity): boolean;
}

export interface Sandbox {
  /** As the configuration and `ps` name it. */
  readonly name: string;
  /**
   * No process of its boxes outlives its shim or gets out of its reach, so that an end without survivors is certain.
   * Default: a process of this user can move itself anywhere.
   */
  readonly keepsProcesses?: boolean;
  /** Looks at this machine; changes nothing. */
  probe(): Promise<SandboxProbe>;
  box(spec: BoxSpec): Box;
}

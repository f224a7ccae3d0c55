/**
 * No sandbox: the processes of the run are the user's, see what the user sees and reach what the user reaches. A
 * peer belongs to the run when it descends from the run's shim, which, being a subreaper, stays the ancestor of
 * all that it has started.
 */
import { descendsFrom } from '../process/proc.ts';
import type { BoxSpec } from '../store/run-sandbox.ts';
import type { Box, Sandbox } from './sandbox.ts';

export const localSandbox: Sandbox = {
  name: 'none',

  probe: async () => ({
    usable: true,
    holds: { files: false, network: false, processes: false, memory: false, cpu: false, disk: false },
    missing: [],
  }),

  box: (spec: BoxSpec): Box => ({
    spec,
    prepare: async () => undefined,
    replaced: async () => false,
    wrap: (process) => process,
    inside: (hostPath) => hostPath,
    outside: (insidePath) => insidePath,
    // Without start ticks the shim's pid may belong to another process by now: then no peer belongs.
    owns: (peer, shim) =>
      peer.pid > 0 &&
      peer.pid !== shim.pid &&
      (shim.start_ticks !== 0 || process.platform !== 'linux') &&
      descendsFrom(peer.pid, shim),
  }),
};

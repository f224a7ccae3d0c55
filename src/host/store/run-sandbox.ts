/** JSON of `runs.sandbox`: where a run executes. Kept so that a later host knows which boxes a run has. */

/** One box of a run: what its processes see and reach. */
export interface BoxSpec {
  run: string;
  /** Unique within the run: 'engine', 'terminal', 'desktop'. */
  name: string;
  /** Absolute directories on the host that its processes may write below, the workspace among them. */
  write: string[];
  /** Absolute paths on the host that its processes may read. */
  read: string[];
  /** `shared`: the host's network. `own`: a network of its own, reached through the shim's relays only. */
  network: 'shared' | 'own';
}

export interface RunSandbox {
  /** Name of the sandbox, as the configuration and `ps` have it. */
  name: string;
  boxes: BoxSpec[];
}

/** A box that confines nothing: of a run of a version that had no sandboxes. */
export function unconfined(run: string): RunSandbox {
  return { name: 'none', boxes: [{ run, name: 'engine', write: [], read: [], network: 'shared' }] };
}

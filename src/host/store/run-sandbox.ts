/** JSON of `runs.sandbox`: where a run executes. Kept so that a later host knows which boxes a run has. */

/**
 * One box of a run: what its processes see and reach. Of two paths the one inside the other decides for what it holds:
 * `read` inside `write` stays as it is.
 */
export interface BoxSpec {
  run: string;
  /** Unique within the run: 'engine', 'terminal', 'desktop'. */
  name: string;
  /** Absolute paths on the host that its processes may write, the workspace among them. */
  write: string[];
  /** Absolute paths on the host that its processes may read. */
  read: string[];
  /** Absolute paths of directories on the host that are empty inside, whatever shows what is above them. */
  hidden?: string[];
  /** Directories that agents can write: what is shown of what they hold is opened without following a link. */
  shared?: string[];
  /** Directory on the host for what the sandbox itself makes for this box. No process of a run can write there. */
  own?: string;
  /** `shared`: the host's network. `own`: that of the run, out of which only its proxy and its relays lead. */
  network: 'shared' | 'own';
  /** Variables that each of its processes gets, whatever it is started with. */
  env?: Record<string, string>;
  /** Its processes may trace each other. */
  debug?: true;
}

export interface RunSandbox {
  /** Name of the sandbox, as the configuration and `ps` have it. */
  name: string;
  boxes: BoxSpec[];
  /** Why it is this one; absent in a record of a version that did not say. */
  why?: string;
  /** What its processes reach, in words. Absent in a record of an earlier version. */
  network?: string;
  /** Where the operator finds servers of its processes. */
  ports?: string[];
  /** What its processes may not write inside of what they may. Absent in a record of an earlier version. */
  kept?: string[];
  /** Empty directories, and files, that stand there only so that something can be mounted over them. */
  made?: string[];
  /** Which file was the configuration when its box began, where the box can write beside it. */
  config?: string;
  /** Why its tools can reach into its engine, although it asks before each; absent where they cannot. */
  openEngine?: string;
}

/** A box that confines nothing: of a run of a version that had no sandboxes. */
export function unconfined(run: string): RunSandbox {
  return { name: 'none', boxes: [{ run, name: 'engine', write: [], read: [], network: 'shared' }] };
}

/** A host that runs in this process, as the command line sees it. */
import type { HostInfo } from '../api.ts';
import type { Dispatcher } from '../verbs/dispatch.ts';

export interface HostOptions {
  /** Absolute; null: a host without agents, for outside clients. */
  configFile: string | null;
  /** Absolute; created when missing. */
  stateDir: string;
  /** An operator starts it by hand: the whole configuration is applied. Default: what is known from before is narrowed. */
  asked?: boolean;
  /** Ends the host after so long without an agent and without a client. */
  idleExit_ms?: number;
  /** The doors are open; the fleet is being started. */
  onReady?(info: HostInfo): void;
}

export interface RunningHost {
  verbs: Dispatcher;
  /** The exit code, once it has ended, for whatever reason. */
  stopped: Promise<number>;
  /** @param stopAgents false: they run on, and the next host adopts them. */
  shutdown(stopAgents: boolean): Promise<void>;
}

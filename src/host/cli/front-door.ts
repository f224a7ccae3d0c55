/**
 * What the command line asks of main.ts, the one file that may wire everything. It is imported only by the
 * verbs that need it (up, host, plan and doctor without a host), so that the others stay quick.
 */
import type { Detection } from '../../runtimes/runtime.ts';
import type { PlannedMemory, PlanView } from '../api.ts';
import type { Declaration } from '../config/declare.ts';
import type { InitOptions, InitResult } from '../config/init.ts';
import type { DiskUse } from '../operations/upkeep/disk-use.ts';
import type { Recorded } from '../recorded.ts';
import type { HostOptions, RunningHost } from './running-host.ts';

export interface CheckedConfiguration {
  agents: number;
  scrollback_lines: number;
  memory: PlannedMemory;
  /** What the embedding endpoint answered; null: there is none. */
  embeddings: { dimensions: number; ms: number } | { problem: { message: string; next: string } } | null;
  warnings: string[];
}

export interface FrontDoor {
  /** @throws AetherError `host.running` when another host holds the state directory's lock. */
  runHost(options: HostOptions): Promise<RunningHost>;
  /** The plan against what the state directory holds (nothing, when it does not exist), without writing there. */
  planWithoutHost(options: { configFile: string; stateDir: string }): Promise<PlanView>;
  /** @throws AetherError for a file that cannot be used */
  checkConfiguration(file: string): Promise<CheckedConfiguration>;
  detectRuntimes(): Promise<Detection[]>;
  /** Why tools of this engine could reach into it in a sandbox; null: they cannot. */
  openProgram(binary: string): Promise<string | null>;
  /** What a state directory takes on the disk. */
  diskUse(stateDir: string): Promise<DiskUse>;
  /** What a run's processes would be held together by, proven by trying it. */
  probeContainment(
    environment: Record<string, string | undefined>,
  ): Promise<'cgroup2' | 'freezer' | 'descent'>;
  /** Which sandboxes work here, proven by making one. */
  probeSandboxes(): Promise<
    { kind: string; probe: { usable: boolean; missing: { what: string; mend: string }[] } }[]
  >;
  /** The lines that declare an agent, and writing them into the configuration; see config/declare.ts. */
  entryOf(declaration: Declaration): string[];
  declareAgent(declaration: Declaration): string[];
  /** Writes a first configuration; see config/init.ts. */
  initConfig(options: InitOptions): InitResult;
}

/** What a state directory has recorded, for who reads it without a host. */
export async function recordedIn(stateDir: string): Promise<Recorded | null> {
  const { openRecorded } = await import('../recorded.ts');
  return openRecorded(stateDir);
}

export async function frontDoor(): Promise<FrontDoor> {
  return await import('../main.ts');
}

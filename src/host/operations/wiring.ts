/** What the operations share: one value, made once in main.ts. Types only, so that nothing here can do anything. */
import type { AgentSpec, LaunchSpec, ObservedEvent, Runtime } from '../../runtimes/runtime.ts';
import type { Agents } from '../agents/agents.ts';
import type { Principal } from '../api.ts';
import type { Approvals } from '../approvals/approvals.ts';
import type { Clock } from '../clock.ts';
import type { AgentConfig, MemorySettings, TerminalSettings } from '../config/types.ts';
import type { RefusalReport } from '../doors/refusals.ts';
import type { Events } from '../events/events.ts';
import type { Ids } from '../ids.ts';
import type { Log } from '../log.ts';
import type { Memory } from '../memory/memory.ts';
import type { GroupKind } from '../process/cgroup.ts';
import type { Outsiders } from '../process/outsiders.ts';
import type { Run } from '../runs/run.ts';
import type { Runs } from '../runs/runs.ts';
import type { SandboxChoice } from '../sandboxes/choice.ts';
import type { ProgramCopies } from '../sandboxes/program-copies.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { InjectionTable } from '../store/injections.ts';
import type { RunTable } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Leases } from '../terminals/leases.ts';
import type { Gates } from './gate/gates.ts';

export interface Wiring {
  store: Store;
  clock: Clock;
  ids: Ids;
  log: Log;
  events: Events;
  agents: Agents;
  runs: Runs;
  runTable: RunTable;
  injections: InjectionTable;
  leases: Leases;
  approvals: Approvals;
  gates: Gates;
  memory: Memory;
  recalls: RunRecalls;
  /** Of this program. */
  version: string;
  /** As the configuration has them now. */
  terminalSettings(): TerminalSettings;
  memorySettings(): MemorySettings;
  /** Greater than that of every host before this one. */
  generation: number;
  stateDir: string;
  socketDir: string;
  outsiders: Outsiders;
  /** Control groups that runs may be put in, in the order in which they are tried. */
  groupKinds: GroupKind[];
  userHome: string;
  path: string;
  /** @param name null: of an agent that is no longer known; nothing of what it prints is read. */
  runtime(name: string | null): Runtime;
  /** @throws AetherError `sandbox.unknown` */
  sandbox(name: string): Sandbox;
  /** The sandbox that the next run of this agent is in. @throws AetherError `sandbox.unusable` */
  chooseSandbox(config: AgentConfig): Promise<SandboxChoice>;
  /** Of the programs of engines in sandboxes. */
  programCopies: ProgramCopies;
  /** The configuration; null where the host has none. */
  configFile: string | null;
  /** Where the console listens; null: it is off, or not there yet. */
  consolePort(): number | null;
  /** A door has refused a peer. */
  report(report: RefusalReport): void;
  /** Resolves `${VAR}` and the log-in; throws what is missing. */
  resolve(config: AgentConfig): AgentSpec;
  /** argv of the bridge for a door. */
  bridge(doorSocket: string): { command: string; args: string[] };
  /** The MCP door of a run; exists before its engine does. */
  openDoor(run: Run): Promise<RunDoor>;
  /** Sends what waits for this agent. */
  deliver(agent: string): void;
  /** True once the host is shutting down: nothing may be begun any more. */
  closing(): boolean;
  /** Tells those that follow agents, coalesced. */
  touched(agent: string): void;
}

/** What engines are given of what is remembered. */
export interface RunRecalls {
  /** In the transaction that stores the engine's output. */
  asked(run: Run, event: Extract<ObservedEvent, { kind: 'recall-asked' }>, at_ms: number): void;
  /** A message to the agent has come into its conversation. */
  told(run: Run, words: string): void;
  /** After it, and when a run is taken back: answers what was asked. */
  pass(run: Run): void;
  /** The run is over. */
  forget(run: Run): void;
}

/** As the MCP face gives it to us. */
export interface RunDoor {
  close(): Promise<void>;
  /** The grants changed: clients list their tools again. */
  toolsChanged(): void;
}

export interface Prepared {
  spec: AgentSpec;
  launch: LaunchSpec;
}

export type By = Principal;

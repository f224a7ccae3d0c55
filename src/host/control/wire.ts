/**
 * The control socket: operators only, JSON lines. A request names a verb of HostApi; streams answer with any
 * number of `event` lines before the `ok` line. Types only: the CLI imports this and nothing of the host.
 */
import type {
  AgentView,
  ApprovalAnswer,
  ApprovalView,
  EventView,
  HostInfo,
  InjectionView,
  LeaseView,
  MessageView,
  PlanView,
  TerminalInfo,
} from '../api.ts';
import type { WireError } from '../errors.ts';

export const CONTROL_PROTOCOL = 1;

export interface ControlRequest {
  /** A positive integer, not in use on this connection. */
  id: number;
  verb: string;
  args: unknown[];
}

export type ControlReply =
  | { id: number; ok: unknown }
  /** Id 0: the connection itself was refused or broken off. */
  | { id: number; error: WireError }
  /** One item of a stream. */
  | { id: number; event: unknown };

/** Host → client, first line of a connection. */
export interface ControlHello {
  aether: 'control';
  protocol: number;
  version: string;
  pid: number;
}

/** Verbs that answer once. `by` is not an argument: whoever may speak here is the operator. */
export interface ControlCalls {
  info(): HostInfo;
  consoleLink(): string;
  agents(): AgentView[];
  agent(name: string): AgentView;
  plan(): PlanView;
  apply(): PlanView;
  start(name: string, options?: { fresh?: boolean; goal?: string }): AgentView;
  stop(name: string): AgentView;
  kill(name: string): AgentView;
  restart(name: string, options?: { fresh?: boolean }): AgentView;
  pause(name: string): AgentView;
  hold(name: string): AgentView;
  resume(name: string): AgentView;
  down(): null;
  inject(
    name: string,
    input: { text: string; priority?: 'now' | 'next' | 'later'; id?: string },
  ): InjectionView;
  injection(id: string): InjectionView;
  injections(name: string): InjectionView[];
  cancelInjection(id: string): InjectionView;
  takeover(
    name: string,
    input: { holder: string; when: 'boundary' | 'now'; cols: number; rows: number },
  ): LeaseView;
  handback(name: string, input: { generation: number; note?: string; held?: boolean }): null;
  changes(name: string): { since_ms: number; files: string[] } | null;
  leaseBeat(name: string, generation: number): null;
  interrupt(name: string): null;
  terminalWrite(name: string, generation: number, data: string): null;
  terminalResize(name: string, generation: number, cols: number, rows: number): null;
  approvals(filter?: { agent?: string; state?: 'open' | 'all' }): ApprovalView[];
  answerApproval(id: string, answer: ApprovalAnswer): ApprovalView;
  operatorMail(filter?: { all?: boolean; limit?: number }): { messages: MessageView[]; unread: number };
  ackOperatorMail(ids: string[]): { acked: string[]; already: string[] };
  /** Bytes are base64. */
  lastTerminal(name: string): string;
  /** Ends a stream of this connection, by the id of its request. */
  cancel(id: number): null;
}

export interface FollowFilter {
  /** Events with a greater seq; left out: those from now on. */
  after?: number;
  agent?: string;
  /** Topic prefixes. */
  topics?: string[];
}

export interface LogsFilter {
  agent?: string;
  topics?: string[];
  /** The newest so many of what there is. */
  last: number;
  /** Go on with what comes; otherwise the stream ends there. */
  follow: boolean;
}

export interface AgentsChange {
  /** The first item holds every agent; later ones those that changed. */
  agents: AgentView[];
  removed: string[];
}

/** Bytes are base64. The first item is the replay. */
export type TerminalItem =
  | { kind: 'replay'; data: string; info: TerminalInfo | null }
  | { kind: 'chunk'; run: string; process: number; offset: number; data: string }
  /** Another process has the floor (null: none). */
  | { kind: 'reset'; info: TerminalInfo | null };

/** Verbs that answer with items until they are cancelled or, where said so, end by themselves. */
export interface ControlStreams {
  follow: { args: [filter: FollowFilter]; item: EventView };
  logs: { args: [filter: LogsFilter]; item: EventView };
  followAgents: { args: []; item: AgentsChange };
  terminal: { args: [name: string]; item: TerminalItem };
}

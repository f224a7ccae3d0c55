/**
 * The validated, frozen form of aether.yaml. Holds no secret: `env` keeps its `${VAR}` references and `auth`
 * names where the log-in is found; both are resolved at launch only (resolve.ts).
 */
import type { InheritSpec, PermissionSpec } from '../../runtimes/runtime.ts';
import type { SandboxKind } from '../sandboxes/kinds.ts';

export interface Config extends FleetSettings {
  /** Absolute path of the file. */
  file: string;
  agents: AgentConfig[];
  /** Things that work but look like a mistake (a key written into the file), for `plan` and `up` to show. */
  warnings: string[];
  /** Where an agent and its keys stand in the file, by dotted path ('agents.writer.env.TOKEN'), for later complaints. */
  positions: Record<string, Position>;
}

/** What is of the whole fleet and of no agent. */
export interface FleetSettings {
  console: { enabled: boolean; port: number };
  retention: RetentionConfig;
  terminal: TerminalSettings;
  memory: MemorySettings;
}

export interface MemorySettings {
  /** Of what an agent is given of its memory unasked; 0: nothing. */
  recall_tokens: number;
  /** The host remembers how each run went. */
  episodes: boolean;
  /** Of one agent, of the fleet, of a workspace or a branch. Earlier versions of a text count in bytes only. */
  memories_per_scope_max: number;
  bytes_per_scope_max: number;
  /** Absent: memories are searched by their words alone. */
  embeddings?: EmbeddingSettings;
}

export interface EmbeddingSettings {
  url: string;
  api: 'openai' | 'ollama';
  model: string;
  /** Where its key is found; null: it wants none. */
  auth: { env: string } | { file: string } | null;
  /** Null: as many as the model has. */
  dimensions: number | null;
  batch_max: number;
  timeout_ms: number;
  /** Scopes of which nothing is sent: a kind, or one agent's or client's. */
  exclude: string[];
}

export interface TerminalSettings {
  /** Lines above the screen that are kept of each terminal. */
  scrollback_lines: number;
}

/** Both from 1; columns in UTF-16 units, as editors count. */
export interface Position {
  line: number;
  column: number;
}

/** The list: rules of hosts (`src/host/egress/rules.ts`). */
export type NetworkConfig = 'full' | 'none' | 'host' | string[];

export interface AgentConfig {
  name: string;
  /** Name of its definition. */
  runtime: string;
  goal: string | null;
  /** Name of a template (templates/NAME), whose fields fill what the agent leaves out; `role` is its prompt. */
  template: string | null;
  role: string | null;
  model: string | null;
  /** Absolute. */
  workspace: string;
  /** Two agents may use one workspace only when both say so. */
  shared: boolean;
  env: Record<string, string>;
  auth: AuthConfig | null;
  inherit: InheritSpec;
  /** Absent: the repository in its workspace sets up nothing. */
  trust?: true;
  tools: string[] | null;
  permissions: PermissionSpec;
  restart: RestartConfig;
  limits: { steps_max: number | null };
  /** The keys that only its runtime takes, as that stores them. */
  options: Record<string, unknown>;
  /** What its processes reach, in a sandbox that confines the network. Absent in a record of an earlier version. */
  network?: NetworkConfig;
  /** Ports of its servers that the operator can open. Absent in a record of an earlier version. */
  ports?: number[];
  /** Start with the fleet (default true). */
  autostart: boolean;
  /** Wake an idle agent when mail arrives (default true). */
  wake: boolean;
  /** Absent in a record of a version that had no sandboxes: read it with `sandboxOf` (sandbox.ts). */
  sandbox?: SandboxConfig;
  /** null: there is no watchdog. */
  watchdog: WatchdogConfig | null;
}

/** Exactly one is given. */
export type AuthConfig =
  /** Name of a variable in the host's environment that holds an API key. */
  | { env: string }
  /** A file only its owner may read (0600) that holds an API key. */
  | { file: string }
  /** Name of a variable that holds an OAuth token (`claude setup-token`). */
  | { oauthEnv: string }
  | { oauthFile: string }
  /** The provider's own variables are taken from the host's environment. */
  | { provider: string };

/** How long what ended is kept, and how much of it; whichever is reached first. What runs is never touched. */
export interface RetentionConfig {
  /** Directories of ended runs: the journal of all they printed and were told, and their engine's files. */
  days: number;
  bytes: number;
  /** The event log, and with it settled messages, answers and receipts. */
  events_days: number;
  events_bytes: number;
}

export interface SandboxConfig {
  /** auto: the strongest kind that works on this machine. */
  kind: 'auto' | SandboxKind;
  /** The agent does not start where the kind does not work. */
  required: boolean;
  /** Absolute paths that its processes may read, besides the system. */
  read: string[];
  /** Absolute paths that they may write, besides the workspace. */
  write: string[];
  /** Programs on PATH outside the system's directories are shown, read-only. */
  toolchains: boolean;
  /** Debuggers work inside, and the engine is open to what it starts. */
  debug: boolean;
}

export interface WatchdogConfig {
  /** A turn in which for so long nothing moved at all is stuck. */
  after_ms: number;
  action: 'report' | 'interrupt' | 'restart';
}

export interface RestartConfig {
  policy: 'never' | 'on-failure' | 'always';
  attempts_max: number;
  /** Absent: `limits.restart_stable_ms`. */
  stable_ms?: number;
}

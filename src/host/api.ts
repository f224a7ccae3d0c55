/**
 * What a client of the host may ask for, as types only: the console, the CLI (through the control socket) and
 * the MCP tools all speak this and nothing else. Views are JSON values; times are milliseconds since the epoch.
 */
import type { Activity, Capabilities, Detection, RepositoryItem } from '../runtimes/runtime.ts';
import type { TurnHabits } from '../runtimes/turn-habits.ts';
import type { WireError } from './errors.ts';
import type { Actor, ApprovalAnswer, Evidence, Principal } from './shapes.ts';
import type { AgentVerb } from './verbs/names.ts';

export type { EventView } from './events/topics.ts';
export type {
  CuratedMemory,
  ImportedMemories,
  MemoryChange,
  MemoryFilter,
  MemoryPage,
  MemoryQuota,
  MemoryStory,
} from './memory-views.ts';
export type {
  Actor,
  ApprovalAnswer,
  Evidence,
  MemoryMarks,
  MemoryRemains,
  MemoryView,
  MessageView,
  Principal,
} from './shapes.ts';

/* ---------- who is asking ---------- */

/** The identity and the receipt key of one MCP call. */
export interface Caller extends Actor {
  /** `aether_*` tools granted; null: all. */
  grants: string[] | null;
  /** The bridge process instance and its request number: the same pair is the same call. */
  instance: string;
  sequence: number;
  /** Every sequence up to this one of the instance has been answered: its receipt may be dropped. */
  settled?: number;
  /** The engine's own id of the tool call, when it sends one. */
  toolUseId?: string;
}

/* ---------- agents and runs ---------- */

export type RunState = 'created' | 'starting' | 'running' | 'stopping' | 'exited' | 'unknown';

export interface AgentView {
  name: string;
  runtime: string;
  /** State of the newest run; 'stopped' where there is none or it exited on request, 'failed' after a crash loop or a launch that failed. */
  state: RunState | 'stopped' | 'failed';
  activity: Activity | null;
  /** What was requested and is not in effect yet ('stopping', 'takeover at the boundary', …). */
  requested: string | null;
  requestedEvidence: Evidence | null;
  /** Newest run; null before the first. */
  run: string | null;
  /** Pid of the process that has the floor; null when none runs. */
  pid: number | null;
  /** When the present state began; ISO 8601 in `ps --json`. */
  since_ms: number;
  evidence: Evidence;
  activityEvidence: Evidence | null;
  /** Why the grades of what is known of it are lower than in a sandbox, a sentence each; empty: they are not. */
  gaps: string[];
  /** What the operator wants, as opposed to what is. */
  wanted: 'running' | 'stopped';
  /** Last thing it did, one line. */
  last: string | null;
  goal: string | null;
  model: string | null;
  workspace: string;
  /** Name of the sandbox that its newest run is in. */
  sandbox: string;
  /** Why it is this one; null before its first run. */
  sandboxWhy: string | null;
  /**
   * What its runtime makes possible: a gate, how far a message is known to have come, turns that are known of, and where
   * a holder's terminal stands.
   */
  can: {
    hold: boolean;
    receipts: Capabilities['receipts'];
    turns: boolean;
    takeover: Capabilities['takeover'];
  };
  /** What the processes of its newest run reach, in words; null before one, and of a version that did not say. */
  network?: string | null;
  /** URLs of `ports:` while it runs. */
  ports?: string[];
  /** What holds its processes together; null while none runs, and for a run of a version that did not say. */
  containment?: 'cgroup2' | 'freezer' | 'descent' | null;
  cost_usd: number | null;
  tokens: { input: number; output: number };
  lease: LeaseView | null;
  /** An operator wants it to stand still between tools; `activity` 'held' says that it does. */
  hold: HoldView | null;
  /** Its turn does not move, and how that is known; null while it moves, or there is no turn. */
  stuck: { since_ms: number; what: string } | null;
  /** The senders, besides the operator, whose words are in its conversation: calls that they may not make are asked. */
  narrowedBy: Principal[];
  /** Parts of its engine that work in conversations of their own, oldest first. */
  subagents: SubagentView[];
  openApprovals: number;
  unreadMail: number;
  restarts: number; // the automatic ones
  exit: { code: number | null; signal: string | null; cause: string; at_ms: number } | null;
  /** Why it is failed or not started. */
  problem: WireError | null;
  /** Configuration edits that wait for `aether apply`, each with the reason. */
  pending: string | null;
  /** Verb → null (legal now) or why not. The one table that buttons and CLI read. */
  verbs: Record<AgentVerb, string | null>;
  terminal: { available: boolean; cols: number; rows: number; kind: 'engine' | 'takeover' | 'none' };
}

/** A conversation that a person began with an engine by hand; its text is the engine's, and no agent's of this host. */
export interface ConversationView {
  runtime: string;
  id: string;
  file: string;
  directory: string;
  /** Its first words. */
  words: string | null;
  /** When it was last written. */
  at_ms: number;
  bytes: number;
  use: { open: boolean; what: string } | null;
}

/** An agent that goes on with a copy of one. */
export interface AdoptedView {
  agent: AgentView;
  conversation: ConversationView;
  /** The engine's own id of the copy. */
  session: string;
  copied: { files: number; bytes: number; left_out: number };
}

export interface HoldView {
  by: string;
  since_ms: number;
  /** When it came to stand still; null: not yet. */
  held_ms: number | null;
}

export interface LeaseView {
  agent: string;
  generation: number;
  holder: string;
  /** 'pending' until the boundary is reached and the terminal is up. */
  phase: 'pending' | 'held' | 'returning';
  since_ms: number;
  /** Set when the holder vanished: then it is handed back at this time. */
  expires_ms: number | null;
  waitingFor: string | null;
}

/* ---------- approvals ---------- */

export interface ApprovalView {
  id: string;
  kind: 'permission' | 'question';
  agent: string;
  run: string | null;
  /** permission: the tool; question: the first line. */
  title: string;
  /** permission: {tool, input}; question: {question, choices?}. */
  detail: Record<string, unknown>;
  state: 'open' | 'answered' | 'withdrawn';
  opened_ms: number;
  answer: ApprovalAnswer | null;
  answered_ms: number | null;
  answeredBy: string | null;
  /** What happens if nobody answers. */
  otherwise: string;
}

/* ---------- injections ---------- */

export interface InjectionView {
  id: string;
  agent: string;
  text: string;
  priority: 'now' | 'next' | 'later';
  principal: Principal;
  state: 'queued' | 'delivered' | 'seen' | 'acted' | 'unknown' | 'cancelled';
  steps: { stage: string; at_ms: number; evidence: string }[];
}

/* ---------- plan ---------- */

export interface PlanView {
  configFile: string;
  /** In the order of the file. */
  changes: PlanChange[];
  memory: PlannedMemory;
  warnings: string[];
}

/** What holds for the memory of all agents and clients. */
export interface PlannedMemory {
  recall_tokens: number;
  memories_per_scope_max: number;
  bytes_per_scope_max: number;
  /** The embedding endpoint in words; null: memories are found by their words alone. */
  embeddings: string | null;
}

export interface PlanChange {
  agent: string;
  action: 'add' | 'change' | 'restart' | 'remove' | 'none';
  /** Changed keys. */
  changed: string[];
  why: string;
  /** Exactly what the runtime would be given; secrets masked. Null for removals. */
  launch: PlannedLaunch | null;
  problem: WireError | null;
}

/** A part of an agent's engine that works in a conversation of its own. */
export interface SubagentView {
  id: string;
  label: string | null;
  /** What it is to do; null where the engine does not say. */
  task: string | null;
  activity: 'thinking' | 'tool' | 'waiting-for-operator';
  /** The one that runs, or about which a person is asked. */
  tool: string | null;
  /** What its conversation has used, as the engine counts them; null where it does not say. */
  tokens: number | null;
  since_ms: number;
}

export interface PlannedLaunch {
  runtime: string;
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  io: string;
  files: { path: string; mode: string; content: string }[];
  mcp: { command: string; args: string[]; tools: string[] | 'all' };
  auth: string;
  /** How messages reach a program on a terminal; null where they are not typed. */
  messages: string | null;
  /** How its engine takes its turns, and how that is known; null for a program on a terminal. */
  turns: TurnHabits | null;
  /** What its processes take of the machine's memory, about; null where that is not known. */
  memory_bytes: number | null;
  /** When it is given what is remembered for it, in words. */
  recall: string;
  /** The file of the conversation, begun by hand, with a copy of which it goes on; null: with none. */
  adopted: string | null;
  /** What the repository in its workspace sets up for the engine; `trusted` false: it would, with `trust: true`. */
  repository: { trusted: boolean; items: RepositoryItem[] } | null;
  sandbox: PlannedSandbox;
}

export interface PlannedSandbox {
  /** As the configuration names it. */
  kind: string;
  why: string;
  /** What its processes may write and read besides the system, and what is kept from them inside that. */
  write: string[];
  read: string[];
  /** What inside of it they may not write, nor make where it does not exist. */
  kept: string[];
  hidden: string[];
  network: 'shared' | 'own';
  /** What its processes reach, in words. */
  reaches: string;
  /** Where you find servers of its processes while it runs. */
  ports: string[];
  debug: boolean;
  /** Why grades of what is known of it will be lower, as in AgentView. */
  gaps: string[];
  /** What is not enforced or weaker than it could be, with the step that mends it. */
  missing: { what: string; mend: string }[];
}

/* ---------- the host ---------- */

export interface HostInfo {
  pid: number;
  version: string;
  stateDir: string;
  configFile: string | null;
  configProblem: WireError | null;
  /** Edits that wait for `aether apply`; `agent` null: of the whole fleet. */
  configWaits: { agent: string | null; why: string }[];
  started_ms: number;
  generation: number;
  /** null when the console is off. */
  console: string | null;
  runtimes: Detection[];
}

/** Bytes of a terminal, by the offset in the run's terminal stream. */
export interface TerminalChunk {
  run: string;
  process: number;
  offset: number;
  data: Buffer;
}

/** How a window shows a terminal: what programs ask a terminal about its colours and its size in pixels. */
export interface TerminalLook {
  theme: 'dark' | 'light';
  /** Where it is known. */
  cell?: { width_px: number; height_px: number };
}

export interface TerminalInfo {
  run: string;
  process: number;
  cols: number;
  rows: number;
}

export interface TerminalViewer {
  /**
   * Flow control: stop and restart delivery. Nothing is lost meanwhile, the journal holds it; but a viewer that falls
   * behind by terminal_behind_bytes_max is shown the present screen instead.
   */
  pause(): void;
  resume(): void;
  close(): void;
}

/** What a stream of the host is given by the door that opened it. */
export interface StreamSink<Item> {
  item(value: Item): void;
  /** True while the reader has more unread than it should: the stream stops until `drained`. */
  full(): boolean;
  /** The stream ends; undefined error: it is complete. */
  end(error?: unknown): void;
}

export interface OpenStream {
  /** The reader has room again. */
  drained(): void;
  close(): void;
}

export interface EventsFilter {
  /** Cursor of an event: only those after it. */
  after?: string;
  /** Only events before this one: with `last`, one page further back. */
  before?: string;
  agent?: string;
  /** Prefixes. */
  topics?: string[];
  limit?: number;
  last?: boolean;
  /** Only events of this moment and later. */
  since_ms?: number;
  /** Only events of this moment and earlier. */
  until_ms?: number;
}

export interface AgentsChange {
  /** The first item holds every agent; later ones those that changed. */
  agents: AgentView[];
  removed: string[];
}

/**
 * Of a terminal. `screen`: reset and draw this, also in the middle of a stream, when another process has the terminal
 * (null: none) or the viewer has fallen behind. `size`: it has this size from here on. `sized`: which of those that look
 * at it decides its size (null: none of them).
 */
export type TerminalBytes =
  | { kind: 'screen'; data: Buffer; info: TerminalInfo | null }
  | ({ kind: 'chunk' } & TerminalChunk)
  | TerminalSizing;

export type TerminalSizing =
  | { kind: 'size'; cols: number; rows: number }
  | { kind: 'sized'; you: string; by: string | null };

/** The same as JSON: bytes are base64. */
export type TerminalItem =
  | { kind: 'screen'; data: string; info: TerminalInfo | null }
  | ({ kind: 'chunk' } & Omit<TerminalChunk, 'data'> & { data: string })
  | TerminalSizing;

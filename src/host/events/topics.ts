/**
 * Every topic of the event log and the shape of its data. Appending, reading and both renderers are typed by this
 * list: a topic that is not here cannot be appended, and one that a renderer forgets does not compile. To add a
 * topic, add its line here and its line in each renderer.
 *
 * Data is JSON. Strings may be cut by the log (limits.event_text_bytes_max). A field that a released version did
 * not write is optional for good: its events are still in databases.
 */
import type { Activity, RepositoryItem } from '../../runtimes/runtime.ts';
import type { RefusalReason } from '../egress/egress-protocol.ts';
import type { WireError } from '../errors.ts';
import type { ApprovalAnswer, Evidence, MemoryMarks, MemoryNote, MessageView, Principal } from '../shapes.ts';
import type {
  PauseRecord,
  ProcessExit,
  ProcessStatus,
  RunExit,
  SwapRecord,
  ThawRecord,
} from '../shim/shim-protocol.ts';

/** `id` is the engine's own of the original, `session` that of the copy. `open`: a program had the original open. */
export interface AdoptedData {
  runtime: string;
  id: string;
  session: string;
  file: string;
  directory: string;
  words: string | null;
  files: number;
  bytes: number;
  open: boolean;
}

export interface Topics {
  /* ---- the host, the configuration, the log itself ---- */

  /** By main, once its store is open. `adopted`: runs that an earlier host left running. */
  'host.started': { generation: number; version: string; adopted: string[] };
  /** By main, before it exits on request. */
  'host.stopped': { stoppedAgents: boolean };
  /** By the fleet when `apply` is done. `agents`: all names in aether.yaml. */
  'config.applied': { agents: string[] };
  /** By the file: it was edited and is valid. `pending`: agents, and parts of the fleet, whose change waits for `apply`. */
  'config.changed': { pending: string[]; unproven?: string };
  /** By the fleet: aether.yaml was edited and is not valid; the last good configuration stays. */
  'config.broken': { problem: WireError };
  /** By retention, before it removes the oldest events: the chain of hashes hangs on this from then on. */
  'events.pruned': PrunedData;
  /** By the host: what a forgotten memory said was taken out of earlier events. */
  'events.redacted': RedactedData;
  /** By retention: directories of ended runs that it has removed. */
  'runs.removed': { runs: string[]; bytes: number };
  /** By the memory's index: it is made again for so many memories. `form`: this version, or this Node, cuts words otherwise. */
  'memory.indexing': { memories: number; why: 'new' | 'form' | 'damaged' };
  'memory.indexed': { memories: number; ms: number };
  /** By the host: the embedding endpoint fails, so that memories are found by words alone; or works again. */
  'memory.embeddings': { works: boolean; model: string; why?: string };
  /** By a door that refuses an agent, or is flooded. `shed`: how many connections since it last said so. */
  'door.shed': { door: string; shed: number; why: string };
  /** By a door: another process removed its socket, or listened in its place; it was made again. `times` since last told. */
  'door.replaced': { door: string; times: number; why: string };

  /* ---- an agent and its runs ---- */

  /** By the fleet: an agent that was not there before. */
  'agent.added': { runtime: string };
  /** By the fleet: its configuration is another one from now on. `narrowed`: keys that an edit alone made narrower. */
  'agent.changed': { runtime: string; narrowed?: string[] };
  'agent.removed': Record<never, never>;
  /** By the fleet, before its first run on it: a copy of a conversation that a person began by hand is its own now. */
  'agent.adopted': AdoptedData;
  /** By the lifecycle: it is not started again by itself. */
  'agent.failed': { problem: WireError | null };
  /** By the launcher, before its processes exist. `automatic`, with `after`: it follows from the restart policy. */
  'run.starting': {
    runtime: string;
    resumed: boolean;
    session: string | null;
    automatic?: boolean;
    after?: EndedSeries;
    /** Absent in an event of a version that had no sandboxes. */
    sandbox?: string;
    sandboxWhy?: string;
  };
  /**
   * By the launcher, where the repository in the workspace sets something up for the engine: obeyed, or left out where
   * the agent does not trust it. `more`: how many are not listed.
   */
  'repository.setup': { trusted: boolean; items: RepositoryItem[]; more: number };
  /** From the journal: the run is over. `killed`, `survivors`: processes. */
  'run.exited': Omit<RunExit, 'cause'> & { cause: RunExit['cause'] | 'lost' };
  /** By the connections: its shim is gone, what was left of it was ended from outside. */
  'run.lost': {
    why: string;
    means: string | null;
    killed: number;
    survivors: number;
    /** False: processes may have escaped the count. */
    exact: boolean;
    certainty: string;
    journal_bytes_cut: number;
  };
  /** By the launcher: what of an ended run could not be released, one sentence each. */
  'run.leaked': { left: string[] };
  /** From the journal: its proxy let a connection through to this host, for the first time in this run. */
  'network.reached': NetworkTarget;
  /** From the journal: its proxy did not. `count`: since the last one that says so. */
  'network.refused': NetworkTarget & { reason: RefusalReason; address?: string; count: number };
  /** By the launcher: ports of `ports:` that are not shown, one sentence each. */
  'ports.hidden': { ports: { port: number; why: string }[] };
  /** From the journal: every process of the run stands still. */
  'run.paused': PauseRecord;
  /** From the journal. */
  'run.resumed': ThawRecord & { paused_ms?: number };
  /** By the watchdog: the turn does not move. Ticks are of 10 ms CPU time. */
  'run.stuck': {
    action: 'report' | 'interrupt' | 'restart';
    evidence: string;
    activity: Activity | null;
    since_ms: number;
    engine_ticks: number;
    other_ticks: number;
  };
  /** By the watchdog: the turn moves again, `after_ms` after it got stuck. */
  'run.moves': { after_ms: number };
  /**
   * By the run: part of its output could not be taken in and is left out; the journal keeps it. `of`: one fact of a
   * line, a line, or a record of the journal. `offset`: end of that record. `excerpt`: its beginning, in printable
   * ASCII. `count`: how many of this run so far; beyond a limit only every power of ten is told.
   */
  'record.quarantined': {
    of: 'fact' | 'line' | 'record' | 'transcript';
    offset: number;
    bytes: number;
    why: string;
    excerpt: string;
    count: number;
  };
  /** By the run: the journal holds no readable record between these offsets; reading goes on at `to`. */
  'journal.damaged': { from: number; to: number; why: string };
  /** By the run: its journal cannot be read at all, so its events are missing. */
  'journal.unreadable': { why: string };
  /** From the journal. */
  'process.started': Pick<ProcessStatus, 'role' | 'pid' | 'io' | 'beside'> & { process: number };
  /** From the journal. */
  'process.exited': ProcessExit & { process: number };
  /** From the journal: the shim replaces the process that has the floor. */
  'swap.begun': SwapRecord;
  'swap.done': SwapRecord;
  'swap.rolledBack': SwapRecord;
  'swap.failed': SwapRecord;

  /* ---- what its engine says and does ---- */

  /** By the gate and the observer: what the agent is at. */
  'activity.changed': { activity: Activity; evidence: string; tool?: string };
  /** From the engine. `typed`: by hand, in its terminal. `injectId`: the message of ours that this is. */
  'message.user': Message;
  'message.assistant': Message;
  /** From the engine: it wants to call a tool. */
  'tool.called': { toolUseId: string; tool: string; input: unknown };
  /** From the engine: the tool has answered. */
  'tool.finished': { toolUseId: string; text: string; isError: boolean };
  /** From the engine. `text`: why it failed, where it says so. */
  'turn.ended': { outcome: 'done' | 'failed' | 'interrupted'; text?: string };
  /** By the part that asks the engine to break the turn off. */
  'turn.interrupt-requested': { request: string };
  /** From the engine: it has taken the request. */
  'turn.interrupted': { request: string };
  /** From the engine: the state of its MCP servers. */
  'mcp.status': { servers: { name: string; status: string }[] };
  /** From the engine: something a person should read. */
  'engine.note': { level: 'info' | 'warn' | 'error'; text: string };
  /** From the engine: a part of it works in a conversation of its own, for the agent. */
  'subagent.began': { subagent: string; label: string | null; task?: string };
  /** From the engine; or by the host, when the run has ended under it. `tokens` of its conversation. */
  'subagent.ended': {
    subagent: string;
    label: string | null;
    ran_ms: number;
    tokens?: number;
    outcome?: 'done' | 'failed' | 'interrupted';
  };
  /** From the engine: it asks the model again. */
  'engine.retrying': { attempt: number; delay_ms: number; why: string };
  /** From the engine, per answer of the model. */
  'usage.recorded': {
    model: string;
    input_tokens: number;
    output_tokens: number;
    cache_read_tokens: number;
    cache_write_tokens: number;
    cost_usd: number | null;
    key?: string;
  };

  /* ---- steering it ---- */

  /** By the injections; `text` as it was sent. */
  'inject.queued': { inject: string; text: string; priority: 'now' | 'next' | 'later' };
  /** The journal has the frame. */
  'inject.delivered': InjectStep;
  /** The model has read it. */
  'inject.seen': InjectStep;
  /** The turn went on with it. */
  'inject.acted': InjectStep;
  /** Taken back unread. */
  'inject.cancelled': InjectStep;
  /** The engine discarded it unread, because its turn was cut short: it waits again. */
  'inject.dropped': InjectStep;
  /** The run ended before the engine said that it had read this. */
  'inject.unknown': InjectStep;
  /** By the leases: a holder wants the floor and waits for the boundary. */
  'lease.requested': Lease & { when: 'boundary' | 'now' };
  /** The terminal is up. `again`: the same holder, from another window. */
  'lease.held': Lease & { again?: boolean };
  /** Handed back by its holder, or left in the terminal's own way (`left`). `diff`: files changed meanwhile. */
  'lease.returned': Lease & Returned & { left?: boolean; why?: string };
  /** Its holder gave it up while it waited for the boundary. */
  'lease.cancelled': Lease;
  /** The terminal did not come up, or the run ended first. */
  'lease.failed': Lease & { why: string };
  /** The run or the terminal ended while it was held. */
  'lease.ended': Lease & { why: string; held_ms?: number };
  /** Its holder vanished; the host handed it back. With `why`: another end, told by a version that had no other topic. */
  'lease.expired': Lease & Returned & { why?: string; left?: boolean };
  /** By the holds: it is to stand still at the next boundary. */
  'hold.requested': Record<never, never>;
  /** It stands still. */
  'hold.held': { evidence: string };
  /** `held_ms`: 0 where it had not stood still yet. */
  'hold.ended': { why: 'resumed' | 'stopped'; held_ms: number };
  /** By the gate: the conversation follows the words of `sender` as well, who may do less. */
  'authority.narrowed': { sender: Principal; by: 'message' | 'mail' | 'memory' };
  /** By the operator, who trusts what these have said in the conversation so far. */
  'authority.widened': { senders: Principal[] };
  /** By the gate: a tool answered that had not asked, or had not been answered. */
  'gate.bypassed': { toolUseId: string };
  /** By the gate: a policy failed, so the call gets no answer and does not run. */
  'gate.policy-failed': { policy: string; toolUseId?: string; why: string };

  /* ---- what waits for a person ---- */

  /** By the approvals. `detail`: what a person needs in order to answer. */
  'approval.opened': {
    approval: string;
    kind: 'permission' | 'question';
    title: string;
    detail: Record<string, unknown>;
  };
  'approval.answered': { approval: string; answer: ApprovalAnswer | null; by: string };
  /** No call waits for the answer any more. */
  'approval.withdrawn': { approval: string };

  /* ---- aether's own tools ---- */

  /** By the ledger, for every call, refused ones too. `error`: its code. */
  'mcp.called': { tool: string; toolUseId?: string; ms: number; ok: boolean; error?: string };
  /**
   * `replaced`: an earlier statement under its key is history now. `superseded`: ids of all that it took the place of.
   * `marked`: how many that rested on them are stale by that.
   */
  'memory.stored': { memory: MemoryNote; replaced: boolean; superseded?: string[]; marked?: MemoryMarks };
  /** By the host: their time was over. `memories`: the first of them. */
  'memory.expired': { memories: string[]; count: number } & MemoryMarks;
  /** `earlier`: ids of the statements under its key that went with it. An older version wrote all of it. */
  'memory.forgotten': {
    memory: Pick<MemoryNote, 'id' | 'scope' | 'author' | 'version'> & Partial<MemoryNote>;
    earlier?: string[];
    marked?: MemoryMarks;
  };
  /**
   * By the operator, about an event (its seq) or a memory. `kept`: the memory that says it. Words stand only there, where
   * they can be forgotten.
   */
  'feedback.given': { thumb: 'up' | 'down'; event?: number; memory?: string; kept?: string };
  /** By the operator: it is given first, and is not named when its scope is full; or no more. */
  'memory.pinned': { memory: string; pinned: boolean };
  /** By the host: it gave the agent these unasked, for its first message or after its conversation was summarised. */
  'memory.recalled': { at: 'start' | 'compaction'; memories: string[]; tokens: number };
  /** `via`: whose words the sender followed when sending it, beside their own. */
  'mail.sent': { message: MessageView; via?: Principal[] };
  /** `ids`: those that were unread until now. */
  'mail.acked': { ids: string[] };
  'report.made': {
    summary: string;
    status: 'progress' | 'done' | 'blocked' | 'failed';
    details?: string;
  };
}

export type Topic = keyof Topics;

/** A start that no client asked for. `after`: the end that it follows, by the restart policy. */
export interface AutomaticStart {
  after?: EndedSeries;
}

/** The end of a run, and what its last runs have come to: failed ones in a row, and those too short to count as stable. */
export interface EndedSeries {
  /** False: exit 0, which is no failure. */
  failed: boolean;
  lived_ms: number;
  failures: number;
  short: number;
}

export interface RedactedData {
  /** Id of the memory. */
  memory: string;
  /** Seq of each event, and the digest of what it says now. */
  rows: [seq: number, digest: string][];
}

export interface PrunedData {
  /** Every event up to this seq is removed. */
  through: number;
  /** Its hash: what the first event after it hangs on. */
  hash: string;
  removed: number;
  newest_ms: number;
  why: 'age' | 'size';
}

interface Message {
  text: string;
  injectId?: string;
  thinking?: boolean;
  typed?: boolean;
}

interface InjectStep {
  inject: string;
  evidence: string;
}

interface Returned {
  note?: string;
  diff?: string[];
  held_ms?: number;
}

interface Lease {
  holder: string | null;
  generation: number;
}

/** Topics that begin with a prefix: what a filter by prefixes lets through. */
export type TopicsLike<P extends string> = Extract<Topic, `${P}${string}`>;

/** A topic with its data. */
export type Fact<T extends Topic> = { [K in T]: { topic: K; data: Topics[K] } }[T];

/* ---- one event ---- */

interface EventBase {
  /** Number in this host's log, for people; clients compute nothing with it. */
  seq: number;
  /** Unique in the world: what tells an event from another. */
  id: string;
  /** Opaque: where to go on reading, after or before this event. */
  cursor: string;
  at_ms: number;
  agent: string | null;
  run: string | null;
  principal: Principal;
  grade: Evidence['grade'];
}

export type EventOf<T extends Topic> = { [K in T]: EventBase & Fact<K> }[T];

/**
 * An event as it is read. A database that another version has written may hold topics that are not in this list:
 * what draws events looks the topic up in its table and has an answer for one that is not there.
 */
export type EventView = EventOf<Topic>;

/** What is appended; the log adds the rest. */
export interface NewEvent<T extends Topic = Topic> {
  topic: T;
  agent?: string | null;
  run?: string | null;
  principal: Principal;
  grade: Evidence['grade'];
  data: Topics[T];
}

/** Port 0: the target has none, or many are told as one. */
interface NetworkTarget {
  host: string;
  port: number;
}

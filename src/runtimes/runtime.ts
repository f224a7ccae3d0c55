/**
 * The contract between the host and an engine. A Runtime says *what* to run and how to read and steer it; it
 * never spawns, never touches the database, never sees another agent. Everything it keeps is a JSON value the
 * host stores for it, so a restarted host continues exactly where the old one died.
 */
import type { ProcessSpec, StopLadder } from '../host/shim/shim-protocol.ts';
import type { Adoption } from './adoption.ts';
import type { SubagentTold, TurnHabits, TurnOutcome } from './turn-habits.ts';

/** The agent as the runtime needs it: validated, resolved, frozen. */
export interface AgentSpec {
  name: string;
  /** Name of its definition. */
  runtime: string;
  /** Prompt of the template, if any: who the agent is. */
  role: string | null;
  /** What it is to do: the first message of a new conversation. */
  goal: string | null;
  model: string | null;
  /** Absolute path; exists. */
  workspace: string;
  /** Resolved variables from `env:`; may hold secrets. */
  env: Record<string, string>;
  /** Resolved log-in: variables to add to the engine's environment. Secret. */
  auth: Record<string, string>;
  inherit: InheritSpec;
  /** The repository in its workspace may say what its engine runs: hooks, settings, MCP servers, skills. */
  trust: boolean;
  permissions: PermissionSpec;
  /** `aether_*` tools the agent may call; null: all. */
  tools: string[] | null;
  limits: { steps_max: number | null };
  /** The keys that only this runtime takes, resolved by its definition. */
  options: Record<string, unknown>;
}

export interface InheritSpec {
  instructions: boolean;
  settings: boolean;
  mcpServers: boolean;
  skills: boolean;
}

export interface PermissionSpec {
  /** What happens to a tool call that no rule names. */
  mode: 'ask' | 'allow' | 'deny';
  /** Engine tool names or patterns such as `Bash(git *)`. */
  allow: string[];
  deny: string[];
}

/** Where one run lives. All paths absolute, directories exist with mode 0700. */
export interface RunPlace {
  run: string;
  /** Per agent, kept between runs: HOME, TMPDIR and the engine's own state go below it. */
  agentDir: string;
  /** Per run: generated files. */
  runDir: string;
  /** argv of the aether MCP server (the bridge) for this run. */
  mcp: { command: string; args: string[] };
  /** One executable path without arguments that does the same. */
  mcpCommand: string;
  /** The user's real HOME, read only by `inherit`. */
  userHome: string;
  /** The host's PATH. */
  path: string;
}

export interface FileSpec {
  path: string;
  mode: number;
  content: string;
  /** How `content` is written down here; text unless said otherwise. */
  encoding?: 'utf8' | 'base64';
  /** Shown masked in `aether plan`. */
  secret?: boolean;
}

/** A place from which an engine loads more than data. */
export interface LoadedPath {
  /** Absolute; a file or a directory, which need not exist. */
  path: string;
  kind: 'code' | 'settings' | 'rights' | 'text';
}

/** Something of the repository in the workspace that its engine would run or obey. */
export interface RepositoryItem {
  /** From the workspace, `..` above it. */
  file: string;
  /** hook, MCP server, setting, skill, … */
  kind: string;
  /** The command or address, the key, the name. */
  what: string;
}

export interface LaunchSpec {
  process: ProcessSpec;
  /** Names in process.env whose values are secret (masked in `plan`). */
  secretEnv: string[];
  /** Written before the process is started. Parents are created with 0700. */
  files: FileSpec[];
  /** Removed before that: what an agent may have left where its engine would load it. Absolute, in the agent's directory. */
  cleared?: string[];
  /** What its processes use of the host's files besides the workspace and `files`: a sandbox shows them. */
  uses: {
    read: string[];
    write: string[];
    /** Files of a sandbox's /etc, by their path there. */
    etc?: Record<string, string>;
  };
  /** What its repository sets up for its engine: obeyed where the agent trusts it, otherwise left out. */
  repository?: { trusted: boolean; items: RepositoryItem[] };
  /** How this process is ended politely. */
  stop: StopLadder;
  /** Which log-in is used, for `plan` and `doctor`: 'ANTHROPIC_API_KEY from the host environment'. */
  authNote: string;
  /** How messages are typed into it, for `plan`; absent: they are not. */
  messagesNote?: string;
  /** URLs where the engine reaches its models, as far as they are known: they are open in every sandbox. */
  endpoints?: string[];
  /** First frames to write once it runs (the goal, or "continue"). */
  opening: Frame[];
  /** Of a terminal that stands beside its engine: written to the engine first, which then lets it in. */
  admitted?: Frame;
  /** What its observer has to know of it: in the engine's state from the start on. */
  observing?: Record<string, unknown>;
}

/** One whole message to a structured engine, or bytes for a PTY. `id` deduplicates in the shim. */
export interface Frame {
  id: string;
  data: string;
  /** Begins no turn: written also to an agent that is held. */
  handshake?: true;
  /** A message of whose reading the observer tells under the frame's id, as it does of an inject. */
  receipt?: true;
}

/** How a message is put into a program on a terminal; or that it is not to be: `now`, or by itself `ever`. */
export type Typing =
  | (Frame & {
      /** Typed first; each is waited for until the program has drawn it. The frame itself has the id of the message. */
      before?: Frame[];
      /** How long it is to rest after it has drawn, before the next key; absent: the host's usual time. */
      rest_ms?: number;
      /** What is done, for the receipt. */
      how: string;
    })
  | { not: 'now' | 'ever'; why: string };

export interface Detection {
  /** Name of its definition. */
  runtime: string;
  /** True when an agent of this runtime could start now. */
  usable: boolean;
  binary: string | null;
  version: string | null;
  /** True only when proven (a key or token is present and of the right form, or no log-in is needed). */
  canLogIn: boolean;
  /** It talks to a model. */
  model: boolean;
  /** Each: what is missing, and the command or step that mends it. */
  missing: { what: string; mend: string }[];
}

export type Activity =
  | 'starting'
  | 'thinking'
  | 'tool'
  | 'idle'
  | 'waiting-for-operator'
  | 'rate-limited'
  | 'held'
  | 'paused'
  | 'unknown';

/**
 * What a runtime's observer tells the host. `key`, where given, makes the fact idempotent within the run
 * (transcript uuid, request id): two sources may report the same thing.
 */
export type ObservedEvent =
  | { kind: 'ready' }
  | { kind: 'activity'; activity: Activity; evidence: string; tool?: string }
  /** The engine's own conversation id; kept for resume and takeover. */
  | { kind: 'session'; session: string }
  | {
      kind: 'message';
      role: 'user' | 'assistant';
      text: string;
      key?: string;
      injectId?: string;
      thinking?: boolean;
    }
  | { kind: 'tool-call'; toolUseId: string; tool: string; input: unknown }
  | { kind: 'tool-result'; toolUseId: string; text: string; isError: boolean }
  /** The engine asks whether a tool may run and waits. */
  | {
      kind: 'permission-asked';
      requestId: string;
      tool: string;
      input: unknown;
      toolUseId?: string;
    }
  /** It no longer waits (interrupted, answered elsewhere). */
  | { kind: 'permission-withdrawn'; requestId: string }
  /**
   * A tool call stands at the gate: it does not run before the host has answered. `subagent` names the part of
   * the engine that called, where that is not the agent's own turn.
   */
  | {
      kind: 'gate-asked';
      requestId: string;
      tool: string;
      input: unknown;
      toolUseId: string;
      subagent?: string;
      /** Where relative paths of the call start, where that is not the workspace. */
      cwd?: string;
    }
  /** A part of the engine that works in a conversation of its own, for the agent. */
  | ({ kind: 'subagent' } & SubagentTold)
  /** It left the gate without an answer (interrupted, the engine's own time-out): the tool did not run. */
  | { kind: 'gate-withdrawn'; requestId: string }
  /**
   * The engine takes what is remembered into its context now, and waits a few seconds for it; `patient`: until it has an
   * answer. `words`: the message that it is about to work on.
   */
  | { kind: 'recall-asked'; requestId: string; at: RecallMoment; words?: string; patient?: boolean }
  /**
   * `taken`: the engine works on it and has shown it to no model yet, so that an interrupt now would lose it. `dropped`:
   * that has happened; the engine has it no more, and may ignore the same id from now on.
   */
  | {
      kind: 'inject';
      injectId: string;
      stage: 'delivered' | 'taken' | 'seen' | 'acted' | 'cancelled' | 'dropped';
      evidence: string;
    }
  /** `interrupted` also when an operator took the floor. */
  | { kind: 'turn-ended'; outcome: TurnOutcome; text?: string }
  | { kind: 'interrupted'; requestId: string }
  | { kind: 'mcp-status'; servers: { name: string; status: string }[] }
  | {
      kind: 'usage';
      model: string;
      input_tokens: number;
      output_tokens: number;
      cache_read_tokens: number;
      cache_write_tokens: number;
      cost_usd: number | null;
      key?: string;
    }
  | { kind: 'retrying'; attempt: number; delay_ms: number; why: string }
  /** Something a person should read: a bad line, a failed hook, an engine's own warning. */
  | { kind: 'note'; level: 'info' | 'warn' | 'error'; text: string };

/** start: the first message of a process; later: another one; compaction: the conversation was summarised. */
export type RecallMoment = 'start' | 'later' | 'compaction';

/** JSON only. `session` is shared with terminal(), resume and the next run. */
export interface EngineState {
  session: string | null;
  [key: string]: unknown;
}

export interface Observer {
  /** @param before what was known of the process that it follows, or of the launch (`observing`) */
  initial(session: string | null, before?: EngineState): EngineState;
  /**
   * One line of a structured engine's output (without '\n'), or one chunk of a PTY. Pure: returns the next
   * state and what it means. A malformed line becomes a `note`, never an exception.
   */
  line(
    state: EngineState,
    source: 'out' | 'err',
    text: string,
  ): { state: EngineState; events: ObservedEvent[] };
}

/**
 * A second source of evidence read while it runs, here: a JSONL file the engine appends to. Used while a
 * human holds the terminal and the structured channel is closed.
 */
export interface TranscriptTail {
  path: string;
  line(state: EngineState, text: string): { state: EngineState; events: ObservedEvent[] };
}

export interface Capabilities {
  /** How a run is driven while it is not taken over. */
  engine: 'structured' | 'pty';
  /**
   * How a human attaches. swap: the engine gives way to a terminal process over the same conversation; beside: that
   * process stands beside the engine, which goes on; direct: the engine is a terminal itself.
   */
  takeover: 'swap' | 'beside' | 'direct';
  /** The farthest stage an inject can be proven to reach. */
  receipts: 'delivered' | 'seen' | 'acted';
  /** A later run can continue the same conversation. */
  resume: boolean;
  /** Absent: a program on a terminal, of whose turns nothing is known. */
  turns?: TurnHabits;
  /**
   * What the processes of one agent take of the machine's memory, about: so much that its starts wait for each other.
   * Absent: too little for that.
   */
  memory_bytes?: number;
  /**
   * Every tool call of the structured engine asks the host first and does not run without an answer. It is
   * waited for this long, then the engine refuses the call by itself; null: without end. Absent: there is no gate.
   */
  gate?: { wait_ms_max: number | null };
  /** When it asks for what is remembered (`recall-asked`). Absent: never; the agent has to search by itself. */
  recall?: readonly Exclude<RecallMoment, 'later'>[];
}

/** The outcome of a call that waits at the gate. */
export interface GateAnswer {
  requestId: string;
  /**
   * pass: the engine's own rules decide; allow: a person allowed it, only a rule that denies it still stands;
   * deny: it does not run and the turn goes on; stop: it does not run and the turn ends.
   */
  verdict: 'pass' | 'allow' | 'deny' | 'stop';
  /** For the model, where it does not run. */
  message: string | null;
}

/** What the host has to know of a tool call to judge who may ask for it. */
export interface CallFacts {
  /** Name of the `aether_*` tool it is; null for a tool of the engine. */
  aether: string | null;
  /**
   * The paths that it only looks at, absolute or from the working directory, which no engine asks about where they lie in
   * the workspace. Empty: it looks at nothing but the engine itself. Null: it does more, or where it looks is not known.
   */
  looks: readonly string[] | null;
  /** What the pattern of a rule is checked against: a command line or a path; null where there is nothing of the kind. */
  subject: string | null;
  /** The subject is a command line. */
  shell: boolean;
}

export interface Runtime {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Looks at this machine; never runs the engine against a network. */
  detect(environment: Record<string, string | undefined>): Promise<Detection>;
  /**
   * The engine process. `resume` continues `state.session`; its opening frame then tells the agent why
   * (`resume.note`) instead of the goal; an empty note sends nothing.
   */
  prepare(
    agent: AgentSpec,
    place: RunPlace,
    state: EngineState | null,
    resume: { note: string } | null,
  ): Promise<LaunchSpec>;
  /** Unless `takeover` is direct: the terminal process over the same conversation. */
  terminal?(
    agent: AgentSpec,
    place: RunPlace,
    state: EngineState,
    size: { cols: number; rows: number },
  ): Promise<LaunchSpec>;
  /**
   * From where it loads code, settings or rights and never writes. What of it lies in a workspace, a sandbox shows
   * read-only, whether it exists or not; what lies in the agent's own directory, `prepare` writes or clears.
   */
  loadsFrom?(agent: Pick<AgentSpec, 'workspace' | 'options'>, place: RunPlace): LoadedPath[];
  readonly observer: Observer;
  tail?(agent: AgentSpec, place: RunPlace, state: EngineState): TranscriptTail | null;
  /** A message for the agent. priority: now aborts the running tool, next is folded in after it, later is a turn of its own. */
  message(inject: { id: string; text: string; priority: 'now' | 'next' | 'later' }): Frame;
  /** On a terminal: how it is typed as the program stands now. Used instead of `message`. `options`: the agent's own. */
  typing?(
    inject: { id: string; text: string },
    to: { state: EngineState; options: Record<string, unknown> },
  ): Typing;
  /** Cancels the running turn; the process lives. */
  interrupt?(requestId: string): Frame;
  /** On a terminal: the keys that do it, each typed by itself, where the program is known. */
  interruptKeys?(options: Record<string, unknown>): readonly string[] | null;
  /** The answer to `permission-asked`. */
  permission?(answer: { requestId: string; allow: boolean; message: string | null; input: unknown }): Frame;
  /** The answer to `gate-asked`. With `capabilities.gate`. */
  gate?(answer: GateAnswer): Frame;
  /** The answer to `recall-asked`; null: nothing. With `capabilities.recall`. */
  recall?(answer: { requestId: string; at: RecallMoment; text: string | null }): Frame;
  /** With `capabilities.gate`. */
  callFacts?(tool: string, input: unknown): CallFacts;
  /** Puts the gate into an engine that was started without one (by an older host). */
  installGate?(requestId: string): Frame;
  /** Takes back a message that was delivered and not taken up yet. The observer then says `inject` cancelled. */
  cancel?(injectId: string): Frame;
  /** It can go on with a conversation that a person began by hand. Needs `capabilities.resume`. */
  readonly adoption?: Adoption;
}

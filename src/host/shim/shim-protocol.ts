/**
 * What the host and a shim say to each other, and what a shim writes to disk. Types and constants only: both
 * sides import it, and the shim may import nothing else of ours.
 *
 * The journal is the stream. Everything a run's processes print, everything written into them and everything
 * that happens to them is appended to the journal; the socket carries requests, and one notification: "the
 * journal is now this long". The host reads the file at its own pace from the offset it has processed, so a
 * live host, a slow host and a host that was dead for an hour all take the same path, and no byte can be lost
 * or doubled between them.
 */

import type { EgressPolicy, Upstreams } from '../egress/egress-protocol.ts';

export const SHIM_PROTOCOL = 1;

/** The longest request line a shim reads: a frame of FRAME_BYTES_MAX in base64, and room around it. */
export const SHIM_LINE_BYTES_MAX = 48 * 1024 * 1024;
/** The longest frame of one `write`. */
export const FRAME_BYTES_MAX = 32 * 1024 * 1024;
/** Frames accepted by the shim that the process has not yet read; beyond it a write is refused (`busy`). */
export const WRITE_QUEUE_BYTES_MAX = 64 * 1024 * 1024;

/** What a process of a run is for. */
export type ProcessRole = 'engine' | 'terminal' | 'desktop';

/**
 * What stdin and stdout are; stderr is a pipe with both, because programs that a process starts write to it.
 *
 * `pipe`: programs that open /dev/stdin or /dev/stdout work. So does a program that opens /proc/PID/fd/0 of this
 * process and writes: it answers in the host's place.
 * `socketpair`: opening them gives ENXIO. For a process that takes answers of the host from its stdin.
 */
export type Stdio = 'pipe' | 'socketpair';

/**
 * What the process finds open: handle 0 at this descriptor, the next one at the next. High, so that a shim can keep
 * the numbers free for good.
 */
export const HANDLE_FD_MIN = 100;
export const HANDLES_MAX = 64;
/** The longest content of one handle. */
export const HANDLE_BYTES_MAX = 1024 * 1024;

/**
 * What a process is given as an open descriptor instead of a path, because an agent could replace what the path
 * leads to between the look and the use. The shim opens it immediately before the start.
 */
export type HandleSpec =
  /**
   * The place (O_PATH) of a directory or a regular file below `root`, to be bound: no part of `path` may be a link.
   * `root` is absolute, and links on the way to it are followed.
   */
  | {
      kind: 'directory' | 'file';
      root: string;
      /** Relative, without `..`; empty: the root itself. */
      path: string;
      /** It has to be this very one: device and inode number, in decimal. */
      identity?: { device: string; inode: string };
    }
  /** A sealed file that holds these bytes, in base64: a filter, a configuration, arguments. */
  | { kind: 'content'; name: string; base64: string };

/** How one process is started. Lives in the shim's memory only: env holds secrets. */
export interface ProcessSpec {
  role: ProcessRole;
  argv: string[];
  /** The complete environment: nothing is inherited from the shim. */
  env: Record<string, string>;
  cwd: string;
  io: { kind: 'pipes'; stdio: Stdio } | { kind: 'pty'; cols: number; rows: number };
  /**
   * Open in the process from its start, at HANDLE_FD_MIN and the numbers after it. What does not use up or close
   * them hands them on to its children: a directory is then a way out of a sandbox.
   */
  handles?: HandleSpec[];
  /** The program only makes a sandbox and waits for what runs inside: it is not asked to end, it ends with that. */
  launcher?: true;
  /** It is started in the network of the run, which is made for it if need be. Absent: it has the shim's. */
  ownNetwork?: true;
}

/**
 * One end of a relay. `inside`: a TCP port on the loopback address of the run's own network, or of the shim's where
 * the run has none; port 0 takes a free one, to listen only. `outside`: a unix socket or a TCP port that the shim
 * reaches; it listens on loopback addresses only.
 */
export type RelayEnd =
  | { where: 'inside'; port: number }
  | { where: 'outside'; path: string }
  | { where: 'outside'; host: string; port: number };

/** What a run's own network has from before its first process until its end. */
export interface NetworkSpec {
  /**
   * The proxy, the port inside where it listens, and through which of the operator’s it goes out. Null: nothing but the
   * relays leads out.
   */
  egress: { port: number; policy: EgressPolicy; upstreams?: Upstreams } | null;
  /** Raw TCP, UDP and DNS through passt. Absent: none. */
  direct?: {
    /** Absolute path of pasta. */
    program: string;
    /** IPv4 addresses and blocks that nothing leads to all the same. */
    unreachable: string[];
  };
  /** Ports inside that are carried to a TCP port outside. */
  relays: { port: number; to: { host: string; port: number } }[];
}

/** An open relay. */
export interface RelayStatus {
  opId: string;
  /** Where it listens; the port is the real one. */
  from: RelayEnd;
  to: RelayEnd;
}

/** How a process and everything below it is ended: each step that is given is tried, then the next. */
export interface StopLadder {
  /** First close stdin (pipes) and wait this long for an exit. */
  close_stdin_ms?: number;
  /** Then SIGTERM to the process's tree and wait. */
  term_ms: number;
  /** Then SIGKILL, repeated until nothing is left, at most this long. */
  kill_ms: number;
}

/** Host → shim: one JSON line each. `id` is chosen by the host and echoed. */
export type ShimRequest =
  /** Must be first. A shim serves one host: a higher generation replaces the connection of a lower one. */
  | { id: number; op: 'hello'; protocol: number; generation: number }
  | { id: number; op: 'status' }
  /** `opId` makes it idempotent: a repeated start with the same opId answers with the first one's result. */
  | { id: number; op: 'start'; opId: string; spec: ProcessSpec }
  /**
   * Starts a further process beside the one that has the floor: it gets no floor, its exit does not end the run, and
   * a swap leaves it alone. Pause and stop are of the whole run and reach it too.
   */
  | { id: number; op: 'beside'; opId: string; spec: ProcessSpec }
  /** Ends one process that was started beside, with its descendants. Answered with its ProcessExit. */
  | { id: number; op: 'end'; opId: string; process: number; stop: StopLadder }
  /** Whole frames; `frame` is deduplicated for the life of the process. Acknowledged once journalled and handed to the kernel. */
  | { id: number; op: 'write'; process: number; frame: string; data: string; encoding: 'utf8' | 'base64' }
  | { id: number; op: 'resize'; process: number; cols: number; rows: number }
  /**
   * Ends process `from`, starts `to`; when `to` cannot be started or exits within `settle_ms`, starts
   * `fallback`. The intent is in the journal before anything happens; the shim finishes or rolls back
   * without the host. Answered at once with {accepted:true}; the outcome is a `swap` record.
   */
  | {
      id: number;
      op: 'swap';
      opId: string;
      from: number;
      stop: StopLadder;
      to: ProcessSpec;
      fallback: ProcessSpec;
      settle_ms: number;
    }
  /**
   * Stops every process of the run where it is, at once, without asking it. Answered with the PauseRecord once it is
   * proven, or refused (`not-still`) with everything going on as before. A paused run can be stopped.
   */
  | { id: number; op: 'pause'; opId: string; by: string }
  /** Lets a paused run go on. Answered with the ThawRecord. */
  | { id: number; op: 'thaw'; opId: string; by: string }
  /** Ends the run: every process and every descendant. Answered when zero are left (or kill_ms has passed). */
  | { id: number; op: 'stop'; opId: string; stop: StopLadder; reason: string }
  /**
   * Listens at `from` and carries each connection to `to`, until the run ends: *listening inside* is `from` inside,
   * *dialling inside* is `to` inside. The shim holds both ends, so that connections outlive the host. Answered with
   * the RelayStatus once it listens.
   */
  | { id: number; op: 'relay'; opId: string; from: RelayEnd; to: RelayEnd }
  /** Makes the run's own network, before its first process. Answered once all of it listens. */
  | { id: number; op: 'network'; opId: string; network: NetworkSpec }
  /** What the proxy lets the next connections through to, besides the model. */
  | { id: number; op: 'policy'; allow: string[] }
  /** The host has durably processed the journal up to here: older segments may be deleted. */
  | { id: number; op: 'ack'; offset: number };

export type ShimReply =
  | { id: number; ok: true; result: unknown }
  | { id: number; ok: false; code: string; message: string };

/** Shim → host, its door refused a peer. It has the form of an answer to no request, which older hosts pass over. */
export interface ShimRefusal {
  id: 0;
  ok: false;
  code: string;
  message: string;
  report: { pid: number | null; refused: number; phase: 'first' | 'flood' | 'over' | 'replaced' };
}

/** Shim → host, unasked. */
export type ShimNotice =
  | { notice: 'journal'; offset: number }
  /** Last line of a connection: another host of this generation took over. */
  | { notice: 'fenced'; generation: number };

export interface ProcessStatus {
  index: number;
  role: ProcessRole;
  pid: number;
  /** /proc/<pid>/stat field 22, so that a reused pid is never taken for it. 0 where unknown. */
  start_ticks: number;
  io: 'pipes' | 'pty';
  /** Of its terminal, at its start. Absent from a shim of an earlier version. */
  size?: { cols: number; rows: number };
  running: boolean;
  exit?: ProcessExit;
  /** It has a network of its own. */
  ownNetwork?: true;
  /** It was started beside the process that has the floor. */
  beside?: true;
}

export interface ProcessExit {
  code: number | null;
  signal: string | null;
}

/** The result of `hello` and `status`. */
export interface ShimStatus {
  protocol: number;
  run: string;
  pid: number;
  start_ticks: number;
  /** Logical length of the journal in bytes. */
  offset: number;
  processes: ProcessStatus[];
  /** The process that has the floor: writes to another are refused, unless it stands beside. */
  current: number | null;
  swapping: boolean;
  stopping: boolean;
  /** Why the journal cannot be written at present (disk full); absent when all is well. */
  trouble?: string;
  /** Absent from a shim that was started before there was a choice. */
  containment?: ContainmentRecord;
  /** Present while the run is paused. */
  paused?: PauseRecord;
  /** Absent from a shim of a version without relays. */
  relays?: RelayStatus[];
  /** The run has a network of its own. */
  ownNetwork?: true;
}

/** What holds the run's processes together. */
export interface ContainmentRecord {
  means: 'cgroup2' | 'freezer' | 'descent';
  /** Directory of the run's control group; null with `descent`. */
  path: string | null;
}

/** A run that stands still, and how that is known. */
export interface PauseRecord {
  opId: string;
  by: string;
  means: ContainmentRecord['means'];
  /** Living processes, all of them stopped. */
  processes: number;
  /** CPU time they used together during the sample, in clock ticks of 10 ms. */
  ticks: number;
  sample_ms: number;
  took_ms: number;
}

export interface ThawRecord {
  opId: string;
  by: string;
  /** 'stop': it goes on for as long as it takes to end politely. */
  reason: 'resume' | 'stop';
}

/** An orphan that came to the shim and lives: where no group holds it, this is how it is found again. */
export interface AdoptedRecord {
  pid: number;
  start_ticks: number;
}

/** What a shim is told on its stdin, once, as one JSON line. Never in argv: argv is public. */
export interface ShimStart {
  run: string;
  agent: string;
  /** Directory of the journal (in the state directory). */
  dir: string;
  /** The unix socket to listen on. */
  socket: string;
  journal_segment_bytes: number;
  journal_bytes_max: number;
  /** Which control groups to try, in this order; absent: none. */
  containment?: {
    /** Common name of the groups of one state directory. */
    scope: string;
    kinds: ('cgroup2' | 'freezer')[];
    /** One of them that held an earlier run of the same host, so that it need not be tried again. */
    proven?: 'cgroup2' | 'freezer';
  };
  /** The run's own network, opened at once as the operation `NETWORK_OPERATION`; the host asks for its outcome. */
  network?: NetworkSpec;
}

export const NETWORK_OPERATION = 'network';

/**
 * A journal record on disk, little endian, in files named `<16 hex digits of the logical offset>.journal`:
 *   u32 payload length · u32 crc32 of everything after it · u8 type · u8 0 · u16 process index ·
 *   f64 time (ms since the epoch) · payload
 * The first record that is short or fails its crc is the torn tail: everything from it on is cut. A record never
 * spans two files.
 */
export const RECORD_HEADER_BYTES = 20;

export const RecordType = {
  /** JSON ProcessStatus */ spawned: 1,
  /** bytes: stdout of pipes, or everything of a PTY */ out: 2,
  /** bytes: stderr of pipes */ err: 3,
  /** JSON {frame} then '\n' then the bytes written */ in: 4,
  /** JSON ProcessExit */ exited: 5,
  /** JSON RunExit: the last record of a run, exactly once */ runExited: 6,
  /** JSON SwapRecord */ swap: 7,
  /** JSON {cols, rows} */ resized: 8,
  /** JSON {pid, code, signal}: an adopted orphan that was reaped */ reaped: 9,
  /** JSON {cause}: the shim could not do something it must tell of (disk full, spawn failed) */ trouble: 10,
  /** JSON ContainmentRecord: before the first process, and whenever it changes */ contained: 11,
  /** JSON PauseRecord */ paused: 12,
  /** JSON ThawRecord */ thawed: 13,
  /** JSON AdoptedRecord */ adopted: 14,
  /** JSON EgressDecision */ egress: 15,
} as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

export interface SwapRecord {
  opId: string;
  phase: 'begun' | 'done' | 'rolledBack' | 'failed';
  from: number;
  /** Index of the process that has the floor afterwards. */
  to?: number;
  why?: string;
}

export interface RunExit {
  /** The exit of the last process that had the floor. */
  code: number | null;
  signal: string | null;
  /** 'exited' by itself, 'stopped' on request, 'spawnFailed'. */
  cause: 'exited' | 'stopped' | 'spawnFailed';
  reason?: string;
  /** Descendants killed at the end. */
  killed: number;
  /** Descendants that could not be killed: 0 unless something is stuck in the kernel. */
  survivors: number;
}

export interface JournalRecord {
  type: RecordType;
  process: number;
  at_ms: number;
  payload: Buffer;
  /** Logical offset just after this record: what to remember as processed. */
  end: number;
}

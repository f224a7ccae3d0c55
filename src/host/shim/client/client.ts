/**
 * The host's side of a shim's socket: requests and their answers, and the notice that the journal has grown.
 * It reads no output: that is JournalReader's.
 */
import type { Socket } from 'node:net';
import { connectUnix } from '../../doors/connect.ts';
import { AetherError, messageOf } from '../../errors.ts';
import { LineReader } from '../../line-reader.ts';
import { peerCredentials } from '../../process/peer.ts';
import type { ProcessIdentity } from '../../process/proc.ts';
import {
  type NetworkSpec,
  type PauseRecord,
  type ProcessExit,
  type ProcessSpec,
  type ProcessStatus,
  type RelayEnd,
  type RelayStatus,
  type RunExit,
  SHIM_LINE_BYTES_MAX,
  SHIM_PROTOCOL,
  type ShimNotice,
  type ShimRefusal,
  type ShimReply,
  type ShimRequest,
  type ShimStatus,
  type StopLadder,
  type ThawRecord,
} from '../shim-protocol.ts';

const CONNECT_MS = 5_000;

/** A request without the number that the connection gives it. */
type Unnumbered<R> = R extends unknown ? Omit<R, 'id'> : never;

interface Waiting {
  op: string;
  resolve(result: unknown): void;
  reject(error: AetherError): void;
}

export class ShimClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #refusalListeners = new Set<(refusal: ShimRefusal) => void>();
  readonly #noticeListeners = new Set<(notice: 'journal', offset: number) => void>();
  readonly #closeListeners = new Set<(why: AetherError) => void>();
  #next = 1;
  #closed: AetherError | null = null;
  #fenced: number | null = null;
  #offset = 0;
  /** What the shim said when this connection began. */
  readonly status: ShimStatus;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.status = {
      protocol: 0,
      run: '',
      pid: 0,
      start_ticks: 0,
      offset: 0,
      processes: [],
      current: null,
      swapping: false,
      stopping: false,
    };
    const lines = new LineReader(SHIM_LINE_BYTES_MAX);
    lines.onLine = (line) => this.#line(line);
    lines.onTooLong = () => this.#end('it sent a line without end');
    socket.on('data', (chunk: Buffer) => lines.push(chunk));
    socket.on('error', (error) => this.#end(`the connection failed: ${messageOf(error)}`));
    socket.on('close', () => this.#end('the shim closed the connection'));
  }

  /**
   * Connects and says hello. `generation` is the host's: a shim serves the highest it has heard of.
   * @param shim which process it is; null where that was never noted down
   * @throws AetherError `shim.unreachable` when no shim listens, `shim.unproven` when another process does,
   *   `shim.fenced` when a newer host is connected, `shim.protocol` when the shim speaks another version
   */
  static async connect(
    socketPath: string,
    generation: number,
    shim: ProcessIdentity | null = null,
  ): Promise<ShimClient> {
    const socket = await open(socketPath);
    // Nothing is sent before: what is to be started comes with its secrets.
    if (shim !== null) requireShim(socket, shim);
    const client = new ShimClient(socket);
    const timer = setTimeout(
      () => client.#end(`it did not answer hello within ${CONNECT_MS} ms`),
      CONNECT_MS,
    );
    try {
      const hello = await client.#ask<ShimStatus>({ op: 'hello', protocol: SHIM_PROTOCOL, generation });
      if (!isStatus(hello)) throw refused('protocol', 'The shim answered hello with something else.');
      Object.assign(client.status, hello);
      client.#offset = Math.max(client.#offset, hello.offset);
      return client;
    } catch (error) {
      client.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Logical length of the journal in whole records, as the shim said last. */
  get offset(): number {
    return this.#offset;
  }

  /** Now, while `status` is of the moment of connecting. */
  currentStatus(): Promise<ShimStatus> {
    return this.#ask<ShimStatus>({ op: 'status' });
  }

  /** Starts the run's first process. The same opId again answers with the first one's result. */
  start(opId: string, spec: ProcessSpec): Promise<ProcessStatus> {
    return this.#ask<ProcessStatus>({ op: 'start', opId, spec });
  }

  /** Starts a process beside the one that has the floor. */
  beside(opId: string, spec: ProcessSpec): Promise<ProcessStatus> {
    return this.#ask<ProcessStatus>({ op: 'beside', opId, spec });
  }

  /** Ends a process that was started beside, with its descendants. */
  end(opId: string, process: number, stop: StopLadder): Promise<ProcessExit> {
    return this.#ask<ProcessExit>({ op: 'end', opId, process, stop });
  }

  /**
   * Writes one whole frame into a process. Resolves once it is journalled and the kernel has it; the same
   * frame id again writes nothing and answers `duplicate`.
   */
  write(process: number, frame: string, data: string | Uint8Array): Promise<{ duplicate: boolean }> {
    const encoded =
      typeof data === 'string'
        ? ({ data, encoding: 'utf8' } as const)
        : ({ data: Buffer.from(data).toString('base64'), encoding: 'base64' } as const);
    return this.#ask<{ duplicate: boolean }>({ op: 'write', process, frame, ...encoded });
  }

  resize(process: number, cols: number, rows: number): Promise<void> {
    return this.#ask<void>({ op: 'resize', process, cols, rows });
  }

  /** Resolves once the intent is durable; the outcome is a `swap` record in the journal. */
  swap(swap: {
    opId: string;
    from: number;
    stop: StopLadder;
    to: ProcessSpec;
    fallback: ProcessSpec;
    settle_ms: number;
  }): Promise<{ accepted: true }> {
    return this.#ask<{ accepted: true }>({ op: 'swap', ...swap });
  }

  /**
   * Stops every process of the run where it is; resolves with the proof. `by` is written down with it.
   * @throws AetherError `shim.not-still`, and the run goes on as before
   */
  pause(opId: string, by: string): Promise<PauseRecord> {
    return this.#ask<PauseRecord>({ op: 'pause', opId, by });
  }

  /** Listens at `from` and carries connections to `to`; resolves once it listens. */
  relay(opId: string, from: RelayEnd, to: RelayEnd): Promise<RelayStatus> {
    return this.#ask<RelayStatus>({ op: 'relay', opId, from, to });
  }

  /** Makes the run's own network, before its first process; resolves once all of it listens. */
  network(opId: string, network: NetworkSpec): Promise<void> {
    return this.#ask<void>({ op: 'network', opId, network });
  }

  /** What the run's proxy lets the next connections through to, besides the model. */
  policy(allow: string[]): Promise<void> {
    return this.#ask<void>({ op: 'policy', allow });
  }

  /** Lets a paused run go on. */
  thaw(opId: string, by: string): Promise<ThawRecord> {
    return this.#ask<ThawRecord>({ op: 'thaw', opId, by });
  }

  /** Ends the run; resolves when nothing of it is left (see `survivors`). */
  stop(opId: string, stop: StopLadder, reason: string): Promise<RunExit> {
    return this.#ask<RunExit>({ op: 'stop', opId, stop, reason });
  }

  /**
   * Everything up to `offset` is durably processed; the shim may delete it. Resolves also when the connection
   * breaks: a shim that is gone deletes nothing, and the next connection acknowledges more.
   */
  async ack(offset: number): Promise<void> {
    try {
      await this.#ask<void>({ op: 'ack', offset });
    } catch (error) {
      if (error !== this.#closed) throw error;
    }
  }

  /** `listener('journal', offset)`: the journal holds whole records up to `offset`. Returns unsubscribe. */
  onNotice(listener: (notice: 'journal', offset: number) => void): () => void {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  }

  /** The shim's door has refused a peer. */
  onRefused(listener: (refusal: ShimRefusal) => void): void {
    this.#refusalListeners.add(listener);
  }

  /** Called once, also when the connection is already gone. `why.code`: `shim.closed` or `shim.fenced`. */
  onClose(listener: (why: AetherError) => void): () => void {
    const closed = this.#closed;
    if (closed) queueMicrotask(() => listener(closed));
    else this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /** Disconnects; the run goes on. */
  close(): void {
    this.#end('the host disconnected');
  }

  #ask<T>(request: Unnumbered<ShimRequest>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closed);
        return;
      }
      const id = this.#next;
      this.#next += 1;
      const line = `${JSON.stringify({ id, ...request })}\n`;
      const bytes = Buffer.byteLength(line);
      if (bytes > SHIM_LINE_BYTES_MAX) {
        reject(refused('too-large', `A request of ${bytes} bytes is more than a shim reads.`));
        return;
      }
      this.#waiting.set(id, { op: request.op, resolve: resolve as (result: unknown) => void, reject });
      this.#socket.write(line);
    });
  }

  #line(line: string): void {
    if (this.#closed) return;
    const message = parsed(line);
    if (isReply(message)) this.#reply(message);
    else if (isNotice(message)) this.#notice(message);
    else this.#end('it sent something that is neither an answer nor a notice');
  }

  #notice(message: ShimNotice): void {
    if (message.notice === 'fenced') {
      this.#fenced = message.generation;
      return;
    }
    this.#offset = Math.max(this.#offset, message.offset);
    for (const listener of this.#noticeListeners) listener('journal', message.offset);
  }

  #reply(message: ShimReply | ShimRefusal): void {
    if ('report' in message) {
      for (const listener of this.#refusalListeners) listener(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    if (message.ok) waiting.resolve(message.result);
    else waiting.reject(refused(message.code, message.message));
  }

  #end(why: string): void {
    if (this.#closed) return;
    const closed =
      this.#fenced === null
        ? new AetherError({
            code: 'shim.closed',
            who: 'host',
            message: `The shim of the run cannot be asked any more: ${why}.`,
            next: 'Read its journal to the end: it tells whether the run has exited; otherwise connect again.',
          })
        : refused('fenced', `A host of generation ${this.#fenced} took this run over.`);
    this.#closed = closed;
    this.#socket.destroy();
    for (const waiting of this.#waiting.values()) waiting.reject(closed);
    this.#waiting.clear();
    for (const listener of this.#closeListeners) listener(closed);
    this.#closeListeners.clear();
  }
}

async function open(socketPath: string): Promise<Socket> {
  try {
    return await connectUnix(socketPath, CONNECT_MS);
  } catch (error) {
    throw new AetherError(
      {
        code: 'shim.unreachable',
        who: 'host',
        message: `No shim answers on ${socketPath}: ${messageOf(error)}.`,
        next: 'Its journal tells whether the run has exited or the shim was killed.',
      },
      { cause: error },
    );
  }
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // What listens on that socket is no shim: the caller decides what follows.
  }
  return {};
}

const isOffset = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function isReply(message: object): message is ShimReply {
  const { id, ok, code, message: text } = message as Record<string, unknown>;
  if (!isOffset(id) || typeof ok !== 'boolean') return false;
  return ok || (typeof code === 'string' && typeof text === 'string');
}

function isNotice(message: object): message is ShimNotice {
  const { notice, offset, generation } = message as Record<string, unknown>;
  return notice === 'journal' ? isOffset(offset) : notice === 'fenced' && isOffset(generation);
}

function isStatus(status: unknown): status is ShimStatus {
  const { pid, start_ticks, offset, processes } = (status ?? {}) as Partial<ShimStatus>;
  return [pid, start_ticks, offset].every(isOffset) && Array.isArray(processes);
}

/** What the host is to do about a shim's refusals. */
const NEXT: Record<string, string> = {
  unproven:
    'Look at that process: an agent without a sandbox can have put it there. `aether kill` ends what is left of the run.',
  fenced: 'This host was replaced: end it, and talk to the new one.',
  protocol: 'Stop the agent with the host version that started it, then start it again.',
  'no-process': 'Ask for the status: the process has exited or never was.',
  'no-floor': 'Ask for the status: another process has the floor now.',
  swapping: 'Wait for the swap to end, then try again.',
  stopping: 'The run is ending: start the agent again.',
  paused: 'Resume the agent first.',
  'not-paused': 'Ask for the status: it runs already.',
  'not-still':
    'Something of it waits in the kernel (a slow disk, a network mount): try again, or kill the agent.',
  'bad-request': 'Its shim is of an older version: restart the agent, then ask again.',
  'relay-network':
    'See `aether doctor`. A network with passt that cannot be attached: write `network: ["*"]`, which does without.',
  busy: 'The process does not read its input: wait, interrupt it, or stop it.',
  'disk-full': 'Free space on the disk of the state directory; the shim tries again by itself.',
  'spawn-failed': 'Check the command, its working directory and their permissions.',
  'too-large': 'Send less at once.',
};

function refused(code: string, message: string): AetherError {
  return new AetherError({
    code: `shim.${code}`,
    who: code === 'disk-full' ? 'user' : code === 'spawn-failed' ? 'config' : 'host',
    message,
    next: NEXT[code] ?? 'This is a defect of the host or its shim: report it with host.log.',
  });
}

/** Without a sandbox an agent can kill its shim and listen in its place. Where start times are not known nothing is compared. */
function requireShim(socket: Socket, shim: ProcessIdentity): void {
  if (process.platform !== 'linux' || shim.start_ticks === 0) return;
  try {
    const { pid, start_ticks } = peerCredentials(socket);
    if (pid === shim.pid && start_ticks === shim.start_ticks) return;
    throw refused(
      'unproven',
      `Process ${pid} listens in the place of the shim ${shim.pid}; nothing was sent to it.`,
    );
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * The other end of the control socket, for the command line: typed calls, streams as async iterators. Errors
 * of the host arrive as the AetherError they were.
 */
import type { Socket } from 'node:net';
import { AetherError, messageOf, type WireError } from '../errors.ts';
import { limits } from '../limits.ts';
import { LineReader } from '../line-reader.ts';
import type { CallName, Calls, StreamName, Streams } from '../verbs/client.ts';
import { CONTROL_PROTOCOL, type ControlHello, type ControlReply } from './control-protocol.ts';
import { connectToHost } from './host-proof.ts';

/** Replies carry whole fleets and plans; the host is trusted, this only bounds a mistake. */
const REPLY_LINE_BYTES_MAX = 16 * limits.control_line_bytes_max;
const HELLO_MS = 10_000;

interface Waiting {
  item(value: unknown): void;
  done(value: unknown): void;
  fail(error: Error): void;
}

/** The input may be left out where all of it may. */
// biome-ignore lint/complexity/noBannedTypes: {} is the question here, whether nothing is required
type Given<Input> = {} extends Input ? [input?: Input] : [input: Input];

/** Items of one stream, in order. Ends when the host ends it; throws when the connection is lost. */
export interface ControlStream<Item> extends AsyncIterable<Item> {
  /** Tells the host to stop sending; the iteration ends. */
  cancel(): void;
}

export class ControlClient {
  readonly hello: ControlHello;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  /** Calls in progress: while there are any, the socket is read, or their answers would never come. */
  #calls = 0;
  #lost: Error | null = null;

  private constructor(socket: Socket, hello: ControlHello) {
    this.#socket = socket;
    this.hello = hello;
  }

  /**
   * @throws AetherError `host.absent` when no host listens there, `control.unproven` when something else does,
   * `control.refused` inside a run,
   * `control.protocol` when the host is of another version.
   */
  static async connect(socketPath: string, stateDir: string): Promise<ControlClient> {
    try {
      return await ControlClient.#greet(await connectToHost(socketPath, stateDir, HELLO_MS), stateDir);
    } catch (error) {
      if (error instanceof AetherError) throw error;
      throw connectError(error as NodeJS.ErrnoException, stateDir);
    }
  }

  static #greet(socket: Socket, stateDir: string): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      let client: ControlClient | null = null;
      const timer = setTimeout(() => fail(brokenOff(`The host of ${stateDir} does not answer`)), HELLO_MS);
      function fail(error: Error): void {
        clearTimeout(timer);
        socket.destroy();
        if (client) client.#lose(error);
        else reject(error);
      }
      const reader = new LineReader(REPLY_LINE_BYTES_MAX);
      reader.onLine = (line) => {
        const message = JSON.parse(line) as ControlHello | ControlReply;
        if (client) client.#receive(message as ControlReply);
        else if ('error' in message) fail(new AetherError(message.error));
        else {
          const hello = message as ControlHello;
          if (hello.protocol !== CONTROL_PROTOCOL) {
            fail(otherProtocol(hello));
            return;
          }
          clearTimeout(timer);
          client = new ControlClient(socket, hello);
          resolve(client);
        }
      };
      reader.onTooLong = () => {
        reader.close();
        fail(brokenOff('The host sent a reply that is too long'));
      };
      socket.on('data', (chunk: Buffer) => {
        try {
          reader.push(chunk);
        } catch (error) {
          fail(brokenOff(`The host sent something that is not JSON (${messageOf(error)})`));
        }
      });
      socket.on('error', (error: NodeJS.ErrnoException) => fail(connectError(error, stateDir)));
      socket.on('close', () => fail(brokenOff('The host ended the connection')));
    });
  }

  /** @throws AetherError as the host threw it, or `control.lost`. */
  call<N extends CallName>(verb: N, ...[input]: Given<Calls[N]['input']>): Promise<Calls[N]['output']> {
    return this.#call(verb, input) as Promise<Calls[N]['output']>;
  }

  #call(verb: string, input: unknown): Promise<unknown> {
    this.#calls += 1;
    this.#socket.resume();
    return new Promise((resolve, reject) => {
      this.#request(verb, input, { item: () => undefined, done: resolve, fail: reject });
    }).finally(() => {
      this.#calls -= 1;
    });
  }

  stream<N extends StreamName>(
    verb: N,
    ...[input]: Given<Streams[N]['input']>
  ): ControlStream<Streams[N]['item']> {
    type Item = Streams[N]['item'];
    const queue: Item[] = [];
    let ended = false;
    let failure: Error | null = null;
    let wake: (() => void) | null = null;
    const notify = () => {
      wake?.();
      wake = null;
    };
    const id = this.#request(verb, input, {
      item: (value) => {
        queue.push(value as Item);
        // The reader of the iterator sets the pace: the host stops when the socket is full.
        if (queue.length > QUEUE_MAX && this.#calls === 0) this.#socket.pause();
        notify();
      },
      done: () => {
        ended = true;
        notify();
      },
      fail: (error) => {
        failure = error;
        notify();
      },
    });
    const cancel = () => {
      if (ended || failure) return;
      ended = true;
      notify();
      this.#socket.resume();
      if (!this.#lost) this.#call('cancel', { id }).catch(() => undefined); // the connection went away: it is ended
    };
    const socket = this.#socket;
    return {
      cancel,
      async *[Symbol.asyncIterator]() {
        try {
          for (;;) {
            const item = queue.shift();
            if (item !== undefined) {
              if (queue.length === 0) socket.resume();
              yield item;
            } else if (failure) throw failure;
            else if (ended) return;
            else await new Promise<void>((resolve) => (wake = resolve));
          }
        } finally {
          cancel();
        }
      },
    };
  }

  /** Resolves once the connection is gone, whichever side ended it. */
  closed(): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /** The connection alone does not keep this process alive. */
  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#lose(brokenOff('The connection was closed'));
    this.#socket.destroy();
  }

  #request(verb: string, input: unknown, waiting: Waiting): number {
    const id = this.#next++;
    if (this.#lost) {
      const lost = this.#lost;
      queueMicrotask(() => waiting.fail(lost));
      return id;
    }
    this.#waiting.set(id, waiting);
    this.#socket.write(`${JSON.stringify({ id, verb, input })}\n`);
    return id;
  }

  #receive(reply: ControlReply): void {
    if ('error' in reply && reply.id === 0) {
      this.#lose(new AetherError(reply.error));
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return; // a stream that was cancelled a moment ago
    if ('event' in reply) {
      waiting.item(reply.event);
      return;
    }
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting.fail(new AetherError(reply.error));
    else waiting.done(reply.ok);
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.fail(error);
  }
}

/** Items of one stream kept for a slow reader before the socket is paused. */
const QUEUE_MAX = 1_000;

export function noHost(stateDir: string): AetherError {
  return new AetherError({
    code: 'host.absent',
    who: 'user',
    message: `No host is running for ${stateDir}.`,
    next: 'Start one with `aether up`.',
  });
}

function connectError(error: NodeJS.ErrnoException, stateDir: string): AetherError {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTDIR') {
    return noHost(stateDir);
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new AetherError({
      code: 'control.refused',
      who: 'user',
      message: `The control socket of ${stateDir} belongs to another user.`,
      next: 'Run this command as the user who started the host.',
    });
  }
  return brokenOff(`The connection to the host broke (${error.message})`);
}

function brokenOff(what: string): AetherError {
  const wire: WireError = {
    code: 'control.lost',
    who: 'host',
    message: `${what}.`,
    next: 'See `aether ps` for whether it still runs, and host.log in the state directory for why.',
  };
  return new AetherError(wire);
}

function otherProtocol(hello: ControlHello): AetherError {
  return new AetherError({
    code: 'control.protocol',
    who: 'user',
    message: `The running host is Aether ${hello.version}, which speaks another control protocol (${hello.protocol}; this command speaks ${CONTROL_PROTOCOL}).`,
    next: `End that host with \`kill ${hello.pid}\` (what runs in the background goes on), then \`aether up\` takes its agents over; or use the \`aether\` of that version.`,
  });
}

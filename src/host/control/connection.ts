/** One admitted control connection: reads requests, runs them, and keeps its streams within its buffer. */
import type { Socket } from 'node:net';
import { z } from 'zod';
import type { HostApi } from '../api.ts';
import { AetherError, messageOf, toWireError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import { LineReader } from './lines.ts';
import { type OpenStream, openerOf, unknownVerb } from './streams.ts';
import { handlerOf, parseArguments } from './verbs.ts';
import type { ControlReply, ControlRequest } from './wire.ts';

const requestShape = z.object({
  id: z.int().positive(),
  verb: z.string().max(100),
  args: z.array(z.unknown()).max(16),
});

export class ControlConnection {
  readonly #socket: Socket;
  readonly #host: HostApi;
  readonly #log: Log;
  /** Requests in progress; a stream has an OpenStream. */
  readonly #open = new Map<number, OpenStream | null>();

  constructor(socket: Socket, host: HostApi, log: Log) {
    this.#socket = socket;
    this.#host = host;
    this.#log = log;
    const reader = new LineReader(
      limits.control_line_bytes_max,
      (line) => this.#request(line),
      () =>
        this.#breakOff(
          new AetherError({
            code: 'control.line',
            who: 'user',
            message: `A request is longer than ${limits.control_line_bytes_max} bytes.`,
            next: 'Send less at once; long texts belong in a file the agent can read.',
          }),
        ),
    );
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      // A client that asks without reading the answers is not read either.
      if (this.#full()) socket.pause();
    });
    socket.on('drain', () => {
      socket.resume();
      for (const stream of [...this.#open.values()]) stream?.drained();
    });
    socket.on('close', () => this.#closeStreams());
  }

  close(): void {
    this.#closeStreams();
    this.#socket.destroySoon();
  }

  #full(): boolean {
    return this.#socket.writableLength > limits.control_unsent_bytes_max;
  }

  #send(reply: ControlReply): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(`${JSON.stringify(reply)}\n`);
  }

  #breakOff(error: AetherError): void {
    this.#send({ id: 0, error: toWireError(error) });
    this.close();
  }

  #request(line: string): void {
    let request: ControlRequest;
    try {
      request = parseArguments(requestShape, parseJson(line));
    } catch (error) {
      this.#breakOff(error as AetherError);
      return;
    }
    const { id, verb, args } = request;
    if (this.#open.has(id)) {
      this.#breakOff(
        new AetherError({
          code: 'control.id',
          who: 'user',
          message: `The request id ${id} is already in use on this connection.`,
          next: 'Number the requests of a connection upwards from 1.',
        }),
      );
      return;
    }
    if (this.#open.size >= limits.control_requests_max) {
      const error = new AetherError({
        code: 'control.busy',
        who: 'user',
        message: `This connection already has ${limits.control_requests_max} requests in progress.`,
        next: 'Wait for some of them to be answered.',
      });
      this.#send({ id, error: toWireError(error) });
      return;
    }
    void this.#run(id, verb, args);
  }

  async #run(id: number, verb: string, args: unknown[]): Promise<void> {
    this.#open.set(id, null);
    try {
      if (verb === 'cancel') {
        const [target] = parseArguments(z.tuple([z.int().positive()]), args);
        this.#endStream(target);
        this.#answer(id, null);
        return;
      }
      const opener = openerOf(verb);
      if (opener) {
        this.#openStream(id, opener, args);
        return;
      }
      const handler = handlerOf(verb);
      if (!handler) throw unknownVerb(verb);
      this.#answer(id, (await handler(this.#host, args)) ?? null);
    } catch (error) {
      this.#fail(id, verb, error);
    }
  }

  #openStream(id: number, opener: NonNullable<ReturnType<typeof openerOf>>, args: unknown[]): void {
    let ended = false;
    const stream = opener(this.#host, args, {
      item: (value) => {
        if (!ended) this.#send({ id, event: value });
      },
      full: () => this.#full(),
      end: (error) => {
        ended = true;
        if (error === undefined) this.#answer(id, null);
        else this.#fail(id, 'stream', error);
      },
    });
    // It may have ended already, or the socket may have closed while it was being opened.
    if (ended) return;
    if (this.#socket.destroyed) stream.close();
    else this.#open.set(id, stream);
  }

  #endStream(id: number): void {
    const stream = this.#open.get(id);
    if (!stream) return;
    stream.close();
    this.#answer(id, null);
  }

  #answer(id: number, value: unknown): void {
    this.#open.delete(id);
    this.#send({ id, ok: value });
  }

  #fail(id: number, verb: string, error: unknown): void {
    this.#open.delete(id);
    if (!(error instanceof AetherError)) {
      this.#log.error(
        { verb, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
        'a control request failed',
      );
    }
    this.#send({ id, error: toWireError(error) });
  }

  #closeStreams(): void {
    for (const stream of this.#open.values()) stream?.close();
    this.#open.clear();
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new AetherError({
      code: 'control.json',
      who: 'user',
      message: 'A line on the control socket is not JSON.',
      next: 'Send one JSON object per line: {"id":1,"verb":"agents","args":[]}.',
    });
  }
}

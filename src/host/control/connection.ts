/** One admitted control connection: reads requests, runs them, and keeps its streams within its buffer. */
import type { Socket } from 'node:net';
import { z } from 'zod';
import type { OpenStream } from '../api.ts';
import { AetherError, messageOf, toWireError } from '../errors.ts';
import { limits } from '../limits.ts';
import { LineReader } from '../line-reader.ts';
import type { Log } from '../log.ts';
import { type Dispatcher, unknownVerb, verbNamed } from '../verbs/dispatch.ts';
import type { AnyStream, Asker } from '../verbs/verb.ts';
import type { ControlReply, ControlRequest } from './control-protocol.ts';

const requestShape = z.strictObject({
  id: z.int().positive(),
  verb: z.string().max(100),
  input: z.unknown().optional(),
  basis: z.unknown().optional(),
});

const cancelShape = z.strictObject({ id: z.int().positive() });

export class ControlConnection {
  readonly #socket: Socket;
  readonly #verbs: Dispatcher;
  readonly #asker: Asker;
  readonly #log: Log;
  /** Requests in progress; a stream has an OpenStream. */
  readonly #open = new Map<number, OpenStream | null>();
  /** Called when a request has been answered, or none will be any more. */
  #settled: (() => void) | null = null;

  constructor(socket: Socket, verbs: Dispatcher, asker: Asker, log: Log) {
    this.#socket = socket;
    this.#verbs = verbs;
    this.#asker = asker;
    this.#log = log;
    const reader = new LineReader(limits.control_line_bytes_max);
    reader.onLine = (line) => this.#request(line);
    reader.onTooLong = () => {
      reader.close();
      this.#breakOff(
        new AetherError({
          code: 'control.line',
          who: 'user',
          message: `A request is longer than ${limits.control_line_bytes_max} bytes.`,
          next: 'Send less at once; long texts belong in a file the agent can read.',
        }),
      );
    };
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

  /** Resolves once the calls in progress are answered and the streams have been given what there is. */
  async drain(): Promise<void> {
    while ([...this.#open.values()].includes(null)) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    }
    // What the last of them appended reaches the streams within this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What was sent is still delivered. Resolves once the connection is gone. */
  close(): Promise<void> {
    this.#closeStreams();
    if (this.#socket.destroyed) return Promise.resolve();
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.destroySoon();
    return closed;
  }

  #full(): boolean {
    return this.#socket.writableLength > limits.control_unsent_bytes_max;
  }

  #send(reply: ControlReply): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(`${JSON.stringify(reply)}\n`);
  }

  #breakOff(error: AetherError): void {
    this.#send({ id: 0, error: toWireError(error) });
    void this.close();
  }

  #request(line: string): void {
    let request: ControlRequest;
    try {
      request = parseRequest(requestShape, parseJson(line));
    } catch (error) {
      this.#breakOff(error as AetherError);
      return;
    }
    const { id } = request;
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
    void this.#run(request);
  }

  async #run({ id, verb: name, input, basis }: ControlRequest): Promise<void> {
    this.#open.set(id, null);
    try {
      if (name === 'cancel') {
        this.#endStream(parseRequest(cancelShape, input).id);
        this.#answer(id, null);
        return;
      }
      const verb = verbNamed(name);
      if (verb === undefined) throw unknownVerb(name);
      if (verb.kind === 'stream') this.#openStream(id, verb, input);
      else this.#answer(id, (await this.#verbs.run(this.#asker, verb, input, basis)) ?? null);
    } catch (error) {
      this.#fail(id, name, error);
    }
  }

  #openStream(id: number, verb: AnyStream, input: unknown): void {
    let ended = false;
    const stream = this.#verbs.open(this.#asker, verb, input, {
      item: (value) => {
        if (!ended) this.#send({ id, event: verb.encode(value) });
      },
      full: () => this.#full(),
      end: (error) => {
        ended = true;
        if (error === undefined) this.#answer(id, null);
        else this.#fail(id, verb.name, error);
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
    this.#settled?.();
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
    this.#settled?.();
  }

  #closeStreams(): void {
    for (const stream of this.#open.values()) stream?.close();
    this.#open.clear();
    this.#settled?.();
  }
}

/** @throws AetherError `control.request` */
function parseRequest<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AetherError({
    code: 'control.request',
    who: 'user',
    message: `A line on the control socket is not a request: ${issue?.path.join('.') || 'the line'}: ${issue?.message ?? 'wrong'}.`,
    next: 'Use the `aether` command of the same version as the host.',
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new AetherError({
      code: 'control.json',
      who: 'user',
      message: 'A line on the control socket is not JSON.',
      next: 'Send one JSON object per line: {"id":1,"verb":"agents","input":{}}.',
    });
  }
}

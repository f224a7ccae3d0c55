/**
 * The egress proxy of one run: HTTP on the connections it is given, CONNECT and plain requests with a whole URL. Every
 * connection is of the same run, which this process serves. A refusal is a sentence, because an agent reads it.
 */
import { createServer, type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { joinSockets } from '../../joined-sockets.ts';
import { cutText } from '../../text.ts';
import type { EgressPolicy, RefusalReason, Upstreams } from '../egress-protocol.ts';
import type { Target } from '../rules.ts';
import { caps } from './caps.ts';
import type { Decisions } from './decisions.ts';
import { type Lookup, NotReached, type Opened, Reach, spelt } from './reach.ts';
import { absoluteTarget, connectTarget, Malformed, passedHeaders } from './request.ts';

const STATUS: Record<RefusalReason, number> = {
  'not-listed': 403,
  address: 403,
  malformed: 400,
  unresolved: 502,
  unreachable: 502,
  busy: 503,
};

const NEXT: Partial<Record<RefusalReason, string>> = {
  'not-listed': 'Ask the operator to add it to `network:` in aether.yaml if the task needs it.',
  address: 'Ask the operator to list the address in `network:` in aether.yaml if the task needs it.',
  busy: 'Close connections, or try again.',
};

export class EgressProxy {
  readonly #server;
  readonly #reach: Reach;
  readonly #decisions: Decisions;
  readonly #sockets = new Set<Socket>();

  constructor(decisions: Decisions, look?: Lookup) {
    this.#decisions = decisions;
    this.#reach = new Reach(look);
    this.#server = createServer({
      maxHeaderSize: caps.head_bytes_max,
      headersTimeout: caps.head_ms,
      keepAliveTimeout: caps.keep_alive_ms,
      requestTimeout: 0,
      connectionsCheckingInterval: 5_000,
      insecureHTTPParser: false,
      // Checked by our own words, with CONNECT too.
      requireHostHeader: false,
      noDelay: true,
    });
    this.#server.maxHeadersCount = caps.headers_max;
    this.#server.on('request', (request, response) => void this.#forward(request, response));
    this.#server.on('connect', (request, socket, head) => void this.#tunnel(request, socket as Socket, head));
    this.#server.on('clientError', (error, socket) => this.#unreadable(error, socket as Socket));
  }

  set policy(policy: EgressPolicy) {
    this.#reach.policy = policy;
  }

  /** What the next connection goes out through. */
  set upstreams(upstreams: Upstreams) {
    this.#reach.upstreams = upstreams;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** A connection of the agent. */
  serve(socket: Socket): void {
    // A client that has said everything still waits for the answer.
    socket.allowHalfOpen = true;
    socket.on('error', () => socket.destroy());
    if (this.#sockets.size >= caps.connections_max) {
      const message = `This agent has ${caps.connections_max} connections through its proxy, the maximum.`;
      this.#note({ host: 'the proxy', port: 0 }, new NotReached('busy', message));
      socket.end(plain(STATUS.busy, `${message} ${NEXT.busy}`));
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setTimeout(caps.idle_ms, () => socket.destroy());
    this.#server.emit('connection', socket);
    // It was accepted paused, so that nothing of it is read before it is here.
    socket.resume();
  }

  async #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    let outside: Socket;
    try {
      outside = (await this.#open(connectTarget(request), 'tunnel')).socket;
    } catch (error) {
      const { status, text } = this.#refused(error, request);
      socket.end(plain(status, text));
      return;
    }
    if (socket.destroyed) {
      outside.destroy();
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) outside.write(head);
    joinSockets(socket, outside);
    outside.setTimeout(caps.idle_ms, () => outside.destroy());
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let outside: Opened;
    let where: { target: Target; path: string };
    try {
      where = absoluteTarget(request);
      outside = await this.#open(where.target, 'plain');
    } catch (error) {
      const { status, text } = this.#refused(error, request);
      // Its body is not read: what follows on this connection would be taken for a request.
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
      response.end(text);
      return;
    }
    if (response.destroyed) outside.socket.destroy();
    else exchange(request, response, where, outside);
  }

  async #open(target: Target, kind: 'tunnel' | 'plain'): Promise<Opened> {
    try {
      const opened = await this.#reach.open(target, kind);
      this.#decisions.note({ outcome: 'reached', host: target.host, port: target.port });
      return opened;
    } catch (error) {
      if (error instanceof NotReached) this.#note(target, error);
      throw error;
    }
  }

  #note({ host, port }: { host: string; port: number }, { reason, address }: NotReached): void {
    this.#decisions.note({ outcome: 'refused', host, port, reason, ...(address ? { address } : {}) });
  }

  #refused(error: unknown, request: IncomingMessage): { status: number; text: string } {
    if (error instanceof NotReached)
      return { status: STATUS[error.reason], text: words(error.message, NEXT[error.reason]) };
    if (!(error instanceof Malformed)) throw error;
    this.#note({ host: printable(request.url ?? ''), port: 0 }, new NotReached('malformed', error.message));
    return { status: STATUS.malformed, text: words(`The request was refused. ${error.message}`) };
  }

  /** What Node's parser does not take for a request. */
  #unreadable(error: NodeJS.ErrnoException, socket: Socket): void {
    if (socket.destroyed || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code?.includes('TIMEOUT') ? 408 : 400;
    if (status !== 408) this.#note({ host: 'a malformed request', port: 0 }, new NotReached('malformed', ''));
    socket.end(plain(status, words('The request was refused: it is not well-formed HTTP.')));
  }
}

/** One request and its answer over a connection of its own, each body framed again. */
function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  { target, path }: { target: Target; path: string },
  { socket, via }: Opened,
): void {
  const host = target.port === 80 ? spelt(target).replace(/:80$/, '') : spelt(target);
  const chunked = request.headers['transfer-encoding'] !== undefined;
  const upstream = requestTo({
    createConnection: () => socket,
    method: request.method ?? 'GET',
    path: via === null ? path : `http://${host}${path}`,
    setHost: false,
    maxHeaderSize: 4 * caps.head_bytes_max,
    headers: [
      ...passedHeaders(request.rawHeaders, ['host']),
      ...['Host', host, 'Connection', 'close'],
      ...(via?.authorization ? ['Proxy-Authorization', via.authorization] : []),
      ...(chunked ? ['Transfer-Encoding', 'chunked'] : []),
    ],
  });
  upstream.setTimeout(caps.idle_ms, () => upstream.destroy());
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, passedHeaders(answer.rawHeaders));
    answer.pipe(response);
    // Cut off in its middle: the agent must not take it for whole.
    answer.on('error', () => response.destroy());
  });
  upstream.on('upgrade', (_answer, socket) => socket.destroy());
  upstream.on('close', () => {
    if (!response.headersSent) failed(response, `${spelt(target)} closed the connection without an answer.`);
    else if (!response.writableEnded) response.destroy();
  });
  upstream.on('error', (error) => failed(response, `${spelt(target)} broke off: ${error.message}.`));
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

function failed(response: ServerResponse, why: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(words(why));
}

function words(what: string, next?: string): string {
  return `${next === undefined ? what : `${what} ${next}`}\n`;
}

/** A whole answer for a connection that no parser has any more. */
function plain(status: number, text: string): string {
  const head = ['content-type: text/plain; charset=utf-8', `content-length: ${Buffer.byteLength(text)}`];
  return [`HTTP/1.1 ${status} ${TITLE[status] ?? 'Refused'}`, ...head, 'connection: close', '', text].join(
    '\r\n',
  );
}

const TITLE: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

function printable(text: string): string {
  return cutText(text.replace(/[^\x20-\x7e]/g, '?'), { chars_max: caps.spelling_chars_max });
}

/**
 * The gateway's WebSocket: requests with an answer each, and events. One connection for the life of the gateway, on
 * loopback; one that breaks is made again, and what was asked meanwhile fails with it.
 */
import { WebSocket } from 'ws';
import { type Payload, record } from './blocks.ts';
import { type GatewayAccess, KEY_HEADER } from './driver-protocol.ts';

const PROTOCOL_MIN = 4;
const PROTOCOL_MAX = 4;
/** Its own largest frame is 25 MiB. */
export const FRAME_BYTES_MAX = 32 * 1024 * 1024;
const REQUEST_MS = 30_000;
const HANDSHAKE_MS = 15_000;
const AGAIN_MS = 200;
/** How long it may say that it is still starting. */
const STARTING_MS = 120_000;
const PENDING_MAX = 1_000;

/** A request that the gateway refused, or that was cut off: then its outcome is not known. */
export class GatewayRefusal extends Error {
  readonly known: boolean;

  constructor(message: string, known: boolean) {
    super(message);
    this.known = known;
  }
}

interface Pending {
  resolve(payload: Payload): void;
  reject(error: Error): void;
}

interface Frame {
  type?: unknown;
  id?: unknown;
  ok?: unknown;
  event?: unknown;
  payload?: unknown;
  error?: { code?: unknown; message?: unknown; retryable?: unknown };
}

export interface ChannelEvents {
  event(name: string, payload: Payload): void;
  /** The connection is lost; `connect` may be called again. */
  lost(why: string): void;
  /** How long an answer is waited for. */
  request_ms?: number;
  /** How long it may take until it takes requests. */
  starting_ms?: number;
}

export class Channel {
  readonly #url: string;
  readonly #token: string;
  readonly #key: string;
  readonly #version: string;
  readonly #events: ChannelEvents;
  readonly #pending = new Map<string, Pending>();
  #socket: WebSocket | null = null;
  #counter = 0;
  #closed = false;

  constructor({ port, token, key }: GatewayAccess, version: string, events: ChannelEvents) {
    this.#url = `ws://127.0.0.1:${port}`;
    this.#token = token;
    this.#key = key;
    this.#version = version;
    this.#events = events;
  }

  /** @returns once the gateway takes requests. @throws GatewayRefusal, for a protocol or a token it does not take */
  async connect(): Promise<void> {
    const { starting_ms = STARTING_MS } = this.#events;
    const until = performance.now() + starting_ms;
    for (;;) {
      try {
        await this.#attempt();
        return;
      } catch (error) {
        const final = error instanceof GatewayRefusal && error.known;
        if (final || this.#closed || performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  #attempt(): Promise<void> {
    const wait_ms = Math.min(HANDSHAKE_MS, this.#events.starting_ms ?? HANDSHAKE_MS);
    return new Promise((resolve, reject) => {
      let why: string | null = null;
      const socket = new WebSocket(this.#url, {
        maxPayload: FRAME_BYTES_MAX,
        perMessageDeflate: false,
        headers: { [KEY_HEADER]: this.#key },
      });
      let greeted = false;
      const silent = () => {
        why = `it said nothing for ${wait_ms / 1000} seconds`;
        socket.terminate();
      };
      const timer = setTimeout(silent, wait_ms);
      const welcome = () => {
        greeted = true;
        clearTimeout(timer);
        resolve();
      };
      const refuse = (error: Error) => {
        reject(error);
        socket.close();
      };
      socket.on('error', (error) => {
        why ??= error.message;
      });
      socket.on('close', (code) => {
        clearTimeout(timer);
        if (this.#socket === socket) this.#socket = null;
        const said = why ?? 'it closed the connection';
        this.#failAll(`The gateway's connection ended (${code}): ${said}.`);
        reject(new GatewayRefusal(`The gateway's connection ended (${code}): ${said}.`, false));
        if (greeted && !this.#closed) this.#events.lost(said);
      });
      socket.on('message', (data) => {
        const frame = parse(data.toString());
        if (frame?.type === 'event' && frame.event === 'connect.challenge' && !greeted) {
          this.#socket = socket;
          this.#greet().then(welcome, refuse);
        } else if (frame !== null) this.#take(frame);
      });
    });
  }

  async #greet(): Promise<void> {
    await this.call('connect', {
      minProtocol: PROTOCOL_MIN,
      maxProtocol: PROTOCOL_MAX,
      client: {
        id: 'gateway-client',
        displayName: 'aether',
        version: this.#version,
        platform: process.platform,
        mode: 'backend',
      },
      role: 'operator',
      scopes: ['operator.read', 'operator.write', 'operator.admin', 'operator.approvals'],
      caps: [],
      auth: { token: this.#token },
    });
  }

  call(method: string, params: Payload): Promise<Payload> {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN)
      return Promise.reject(new GatewayRefusal('The gateway is not connected.', false));
    if (this.#pending.size >= PENDING_MAX)
      return Promise.reject(
        new GatewayRefusal(`${PENDING_MAX} requests to the gateway wait for an answer.`, true),
      );
    this.#counter += 1;
    const id = String(this.#counter);
    const { request_ms = REQUEST_MS } = this.#events;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(
          new GatewayRefusal(
            `The gateway did not answer ${method} within ${request_ms / 1000} seconds.`,
            false,
          ),
        );
      }, request_ms);
      this.#pending.set(id, {
        resolve: (payload) => {
          clearTimeout(timer);
          resolve(payload);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      socket.send(JSON.stringify({ type: 'req', id, method, params }));
    });
  }

  #take(frame: Frame): void {
    if (frame.type === 'event' && typeof frame.event === 'string') {
      this.#events.event(frame.event, record(frame.payload));
      return;
    }
    if (frame.type !== 'res' || typeof frame.id !== 'string') return;
    const pending = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    if (frame.ok === true) pending?.resolve(record(frame.payload));
    else pending?.reject(refusal(frame.error));
  }

  #failAll(why: string): void {
    for (const { reject } of this.#pending.values()) reject(new GatewayRefusal(why, false));
    this.#pending.clear();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }
}

/** The outcome of one that may be repeated is open. */
function refusal(error: Frame['error']): GatewayRefusal {
  const { code = 'no code', message = 'no reason', retryable } = error ?? {};
  return new GatewayRefusal(`${String(message)} (${String(code)})`, retryable !== true);
}

function parse(text: string): Frame | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Frame) : null;
  } catch {
    return null;
  }
}

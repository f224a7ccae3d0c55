/**
 * An MCP transport over one bridge connection (bridge/wire.ts). It knows each open request's sequence number,
 * writes all answers of a turn of the event loop in one go, takes no new request while the peer does not read its
 * answers, and answers what is not JSON-RPC itself, so that the connection survives it.
 */
import type { Socket } from 'node:net';
import type { JSONRPCMessage, RequestId, Transport } from '@modelcontextprotocol/server';
import type { LineReader } from './lines.ts';

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
const OVERLOADED = -32000;

/** While this much is written and not read, no further request is begun. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** Requests begun in one go, before it is looked whether their answers are read. */
const BATCH = 8;
/** Lines that wait beyond this stop the reading of more. */
const WAITING_CHARS_MAX = 1024 * 1024;

export interface TransportLimits {
  mcp_line_bytes_max: number;
  mcp_unanswered_max: number;
}

export class BridgeTransport implements Transport {
  onclose: (() => void) | undefined;
  onerror: ((error: Error) => void) | undefined;
  onmessage: ((message: JSONRPCMessage) => void) | undefined;

  readonly #socket: Socket;
  readonly #lines: LineReader;
  readonly #limits: TransportLimits;
  readonly #sequences = new Map<RequestId, number>();
  #settled = 0;
  #waiting: string[] = [];
  #waitingChars = 0;
  #scheduled = false;
  #outgoing: string[] = [];
  #closed = false;

  constructor(socket: Socket, lines: LineReader, limits: TransportLimits) {
    this.#socket = socket;
    this.#lines = lines;
    this.#limits = limits;
  }

  /** Sequence number of an open request, and up to where the peer has its answers. */
  sequenceOf(id: RequestId): { sequence: number; settled: number } {
    const sequence = this.#sequences.get(id);
    if (sequence === undefined) throw new Error(`request ${id} is not open`);
    return { sequence, settled: this.#settled };
  }

  async start(): Promise<void> {
    this.#lines.onLine = (line) => {
      this.#waiting.push(line);
      this.#waitingChars += line.length;
      if (this.#waitingChars > WAITING_CHARS_MAX) this.#socket.pause();
      this.#schedule(process.nextTick);
    };
    this.#lines.onTooLong = () =>
      this.#refuse(
        null,
        INVALID_REQUEST,
        `Invalid request: the message is longer than ${this.#limits.mcp_line_bytes_max} bytes. Send less at once.`,
      );
    this.#socket.on('drain', () => this.#schedule(process.nextTick));
    this.#socket.on('close', () => this.#end());
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) return;
    let line: string;
    if ('method' in message) line = JSON.stringify(message);
    else {
      const { id } = message;
      if (id !== undefined) this.#sequences.delete(id);
      line = responseLine(message);
      if (line.length * 3 > this.#limits.mcp_line_bytes_max) {
        const bytes = Buffer.byteLength(line);
        if (bytes > this.#limits.mcp_line_bytes_max) {
          this.#refuse(
            id ?? null,
            INTERNAL_ERROR,
            `The answer has ${bytes} bytes, more than the ${this.#limits.mcp_line_bytes_max} that fit. Ask for less at once.`,
          );
          return;
        }
      }
    }
    this.#write(line);
  }

  async close(): Promise<void> {
    this.#flush();
    this.#socket.end();
    this.#end();
  }

  #schedule(soon: (callback: () => void) => unknown): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    soon(() => {
      this.#scheduled = false;
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#closed || this.#socket.writableLength > UNREAD_BYTES_MAX) return; // 'drain' comes back here
    for (const line of this.#waiting.splice(0, BATCH)) {
      this.#waitingChars -= line.length;
      this.#line(line);
    }
    if (this.#waiting.length > 0) this.#schedule(setImmediate);
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #line(line: string): void {
    const first = line.indexOf(' ');
    const second = line.indexOf(' ', first + 1);
    const sequence = first > 0 ? Number(line.slice(0, first)) : Number.NaN;
    const settled = second > 0 ? Number(line.slice(first + 1, second)) : Number.NaN;
    if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(settled) || sequence < 1) {
      this.#refuse(
        null,
        INVALID_REQUEST,
        'This socket speaks the protocol of the aether bridge. Start your MCP client with the bridge as its stdio server ("aether mcp").',
      );
      void this.close();
      return;
    }
    if (settled > this.#settled) this.#settled = settled;
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(line.slice(second + 1)) as Record<string, unknown>;
    } catch {
      this.#refuse(null, PARSE_ERROR, 'Parse error: the line is not valid JSON.');
      return;
    }
    this.#message(message, sequence);
  }

  #message(message: Record<string, unknown>, sequence: number): void {
    if (message === null || typeof message !== 'object' || Array.isArray(message)) {
      this.#refuse(null, INVALID_REQUEST, 'Invalid request: one JSON-RPC object per line; no batches.');
      return;
    }
    const { id, method } = message;
    const named = typeof id === 'string' || typeof id === 'number';
    if (message.jsonrpc !== '2.0' || (method === undefined && !named)) {
      this.#refuse(named ? id : null, INVALID_REQUEST, 'Invalid request: not a JSON-RPC 2.0 message.');
      return;
    }
    if (method !== undefined && id !== undefined) {
      if (!named || this.#sequences.has(id)) {
        const why = named ? 'this id is already in use by an open request' : 'an id is a string or a number';
        this.#refuse(null, INVALID_REQUEST, `Invalid request: ${why}.`);
        return;
      }
      const fault = method === 'initialize' ? handshakeFault(message.params) : null;
      if (fault !== null) {
        this.#refuse(id, INVALID_PARAMS, fault);
        return;
      }
      if (this.#sequences.size >= this.#limits.mcp_unanswered_max) {
        this.#refuse(
          id,
          OVERLOADED,
          `Too many open requests (${this.#sequences.size}). Wait for answers first.`,
        );
        return;
      }
      this.#sequences.set(id, sequence);
    } else if (method === 'notifications/cancelled') {
      // Nothing answers a cancelled request, so this is the end of it.
      const cancelled = (message.params as { requestId?: RequestId } | undefined)?.requestId;
      if (cancelled !== undefined) queueMicrotask(() => this.#sequences.delete(cancelled));
    }
    this.onmessage?.(message as JSONRPCMessage);
  }

  #refuse(id: RequestId | null, code: number, message: string): void {
    this.#write(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }));
  }

  #write(line: string): void {
    this.#outgoing.push(line);
    // After the microtasks: calls that were read together are answered together.
    if (this.#outgoing.length === 1) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    if (this.#outgoing.length === 0 || this.#closed) return;
    const data = `${this.#outgoing.join('\n')}\n`;
    this.#outgoing = [];
    this.#socket.write(data);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#lines.onLine = () => {};
    this.#lines.onTooLong = () => {};
    this.onclose?.();
  }
}

/** What the SDK would refuse with a list of schema issues, in a sentence. */
function handshakeFault(params: unknown): string | null {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(params)) return 'initialize needs params: { protocolVersion, capabilities, clientInfo }.';
  const { protocolVersion, capabilities, clientInfo } = params;
  if (typeof protocolVersion !== 'string')
    return `initialize: protocolVersion must be a text such as "2025-11-25", not ${kindOf(protocolVersion)}.`;
  if (!isObject(capabilities))
    return `initialize: capabilities must be an object, not ${kindOf(capabilities)}.`;
  if (!isObject(clientInfo) || typeof clientInfo.name !== 'string' || typeof clientInfo.version !== 'string')
    return 'initialize: clientInfo must be an object with a name and a version, both texts.';
  return null;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** id first: the bridge finds it without parsing the result. */
function responseLine(message: Exclude<JSONRPCMessage, { method: string }>): string {
  const id = JSON.stringify(message.id ?? null);
  return 'result' in message
    ? `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(message.result)}}`
    : `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(message.error)}}`;
}

/**
 * An MCP transport over one bridge connection (bridge-protocol.ts). It knows each open request's sequence number,
 * writes all answers of a turn of the event loop in one go, takes no new request while the peer does not read its
 * answers, and answers what is not JSON-RPC itself, so that the connection survives it.
 */
import type { Socket } from 'node:net';
import type { JSONRPCMessage, RequestId, Transport } from '@modelcontextprotocol/server';
import type { LineReader } from '../../host/line-reader.ts';
import { INVALID_PARAMS, INVALID_REQUEST, readIncoming, schemaFault } from './incoming.ts';

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
  /** Nothing answers it; its id is free again once its call, which may not have begun yet, has seen it end. */
  #cancelled: RequestId | null = null;
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
    if (this.#cancelled !== null) this.#sequences.delete(this.#cancelled);
    this.#cancelled = null;
    for (let begun = 0; begun < BATCH && this.#cancelled === null; begun += 1) {
      const line = this.#waiting.shift();
      if (line === undefined) break;
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
    this.#message(line.slice(second + 1), sequence);
  }

  #message(json: string, sequence: number): void {
    const incoming = readIncoming(json);
    switch (incoming.kind) {
      case 'ignored':
        return;
      case 'refused':
        this.#write(errorLine(incoming.id, incoming.code, incoming.why));
        return;
      case 'request': {
        const { id } = incoming;
        const open = this.#sequences.size;
        if (this.#sequences.has(id)) {
          this.#refuse(
            null,
            INVALID_REQUEST,
            'Invalid request: this id is already in use by an open request.',
          );
          return;
        }
        if (open >= this.#limits.mcp_unanswered_max) {
          this.#refuse(id, OVERLOADED, `Too many open requests (${open}). Wait for answers first.`);
          return;
        }
        this.#sequences.set(id, sequence);
        break;
      }
      case 'notification':
        this.#cancelled = incoming.cancels ?? null;
    }
    this.onmessage?.(incoming.message);
  }

  #refuse(id: RequestId | null, code: number, message: string): void {
    this.#write(errorLine(JSON.stringify(id), code, message));
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

/** id first: the bridge finds it without parsing the result. */
function responseLine(message: Exclude<JSONRPCMessage, { method: string }>): string {
  const id = JSON.stringify(message.id ?? null);
  if ('result' in message) return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(message.result)}}`;
  const { code, message: text } = message.error;
  const why = code === INTERNAL_ERROR ? schemaFault(text) : null;
  if (why !== null) return errorLine(id, INVALID_PARAMS, why);
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(message.error)}}`;
}

/** @param id as JSON text */
function errorLine(id: string, code: number, message: string): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message })}}`;
}

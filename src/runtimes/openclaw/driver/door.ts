/**
 * Where the holder's terminal comes in: a WebSocket server on loopback that carries its frames to the gateway. The
 * terminal shows a ticket that was made for it; the gateway's own token it never has, so a command of the agent that
 * reads the terminal's variables has nothing that opens the gateway once the terminal is gone.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { type Payload, record } from './blocks.ts';
import { FRAME_BYTES_MAX } from './channel.ts';
import { type GatewayAccess, KEY_HEADER } from './driver-protocol.ts';

/** A terminal opens one, and another while it looks whether the gateway is there. */
const CONNECTIONS_MAX = 4;
const GREETING_MS = 15_000;
const HELD_FRAMES_MAX = 100;

export class Door {
  readonly #gateway: string;
  readonly #token: string;
  readonly #key: string;
  readonly #server: Server = createServer((_request, response) => response.writeHead(404).end());
  readonly #open = new Set<WebSocket>();
  /** SHA-256 of the ticket; null: no terminal is let in. */
  #ticket: Buffer | null = null;

  constructor({ port, token, key }: GatewayAccess) {
    this.#gateway = `ws://127.0.0.1:${port}`;
    this.#token = token;
    this.#key = key;
    const sockets = new WebSocketServer({ server: this.#server, maxPayload: FRAME_BYTES_MAX });
    sockets.on('connection', (inside) => this.#connected(inside));
  }

  /** @returns its port */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the door has no port');
    return address.port;
  }

  /** One terminal at a time: who came in by the ticket before is shown out. */
  admit(sha256: string): void {
    for (const socket of this.#open) socket.terminate();
    this.#ticket = /^[0-9a-f]{64}$/.test(sha256) ? Buffer.from(sha256, 'hex') : null;
  }

  #connected(inside: WebSocket): void {
    if (this.#ticket === null || this.#open.size >= CONNECTIONS_MAX) {
      inside.close(1008, 'no terminal is let in');
      return;
    }
    this.#open.add(inside);
    const outside = new WebSocket(this.#gateway, {
      maxPayload: FRAME_BYTES_MAX,
      perMessageDeflate: false,
      headers: { [KEY_HEADER]: this.#key },
    });
    const timer = setTimeout(() => inside.terminate(), GREETING_MS);
    let greeted = false;
    const held: string[] = [];
    const forward = (text: string) => {
      if (outside.readyState === WebSocket.OPEN) outside.send(text);
      else if (held.push(text) > HELD_FRAMES_MAX) inside.terminate();
    };
    inside.on('message', (data: RawData) => {
      const text = data.toString();
      if (greeted) return forward(text);
      const greeting = this.#greeting(text);
      if (greeting === null) return inside.close(1008, 'this is not the ticket');
      greeted = true;
      clearTimeout(timer);
      forward(greeting);
    });
    outside.on('open', () => {
      for (const text of held.splice(0)) outside.send(text);
    });
    outside.on('message', (data: RawData) => {
      if (inside.readyState === WebSocket.OPEN) inside.send(data.toString());
    });
    const end = () => {
      clearTimeout(timer);
      this.#open.delete(inside);
      inside.terminate();
      outside.terminate();
    };
    for (const socket of [inside, outside]) socket.on('close', end).on('error', end);
  }

  /** The first frame of a terminal, with the gateway's token in place of the ticket; null where that is not the ticket. */
  #greeting(text: string): string | null {
    let frame: Payload;
    try {
      frame = record(JSON.parse(text));
    } catch {
      return null;
    }
    const params = record(frame.params);
    const { token } = record(params.auth);
    if (frame.method !== 'connect' || typeof token !== 'string' || this.#ticket === null) return null;
    if (!timingSafeEqual(createHash('sha256').update(token).digest(), this.#ticket)) return null;
    // A device signs the token that it shows. It is no device of its own here: the gateway takes this client by its token.
    const { device: _device, ...rest } = params;
    const client = { ...record(params.client), id: 'gateway-client', mode: 'backend' };
    return JSON.stringify({ ...frame, params: { ...rest, client, auth: { token: this.#token } } });
  }

  close(): void {
    for (const socket of this.#open) socket.terminate();
    this.#server.close();
  }
}

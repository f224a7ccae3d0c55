/** A plain client of OpenClaw's gateway: it speaks its protocol over a WebSocket and does nothing else. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

const ANSWER_MS = 30_000;
/** The first turn of a gateway, on a machine that has much else to do. */
const TURN_MS = 240_000;

interface Frame {
  type: string;
  id?: string;
  ok?: boolean;
  event?: string;
  payload?: { runId?: string; state?: string };
  error?: { message?: string };
}

export class GatewayClient {
  readonly #socket: WebSocket;
  readonly #watchers = new Set<(frame: Frame) => void>();
  #count = 0;
  #conversation = '';

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as Frame;
      for (const watch of this.#watchers) watch(frame);
    });
  }

  static async connect(port: number, token: string): Promise<GatewayClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    const client = new GatewayClient(socket);
    const challenged = client.#next(({ event }) => event === 'connect.challenge');
    challenged.catch(() => undefined);
    try {
      await once(socket, 'open');
      await challenged;
      await client.#call('connect', {
        minProtocol: 4,
        maxProtocol: 4,
        client: { id: 'gateway-client', version: '1', platform: process.platform, mode: 'backend' },
        role: 'operator',
        scopes: ['operator.read', 'operator.write', 'operator.admin'],
        caps: [],
        auth: { token },
      });
    } catch (error) {
      socket.terminate();
      throw error;
    }
    return client;
  }

  async open(key: string, cwd: string): Promise<void> {
    this.#conversation = key;
    await this.#call('sessions.create', { key, cwd });
    await this.#call('sessions.messages.subscribe', { key });
  }

  /** @returns once the turn that this begins is over */
  async turn(message: string): Promise<void> {
    const id = crypto.randomUUID();
    const over = this.#next(
      ({ event, payload }) => event === 'chat' && payload?.runId === id && payload.state === 'final',
      TURN_MS,
    );
    over.catch(() => undefined); // told below
    await this.#call('chat.send', { sessionKey: this.#conversation, message, idempotencyKey: id });
    await over;
  }

  close(): void {
    this.#socket.terminate();
  }

  async #call(method: string, params: object): Promise<void> {
    this.#count += 1;
    const id = String(this.#count);
    const answered = this.#next((frame) => frame.type === 'res' && frame.id === id);
    this.#socket.send(JSON.stringify({ type: 'req', id, method, params }));
    const { ok, error } = await answered;
    if (ok !== true) throw new Error(`${method}: ${error?.message}`);
  }

  #next(fits: (frame: Frame) => boolean, limit_ms = ANSWER_MS): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        this.#socket.off('close', lost);
      };
      const look = (frame: Frame) => {
        if (!fits(frame)) return;
        done();
        resolve(frame);
      };
      const fail = (why: string) => {
        done();
        reject(new Error(`the gateway ${why}`));
      };
      const lost = () => fail('closed the connection');
      const timer = setTimeout(() => fail(`said nothing for ${limit_ms} ms`), limit_ms);
      this.#watchers.add(look);
      this.#socket.once('close', lost);
    });
  }
}

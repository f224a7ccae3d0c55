/** A console on a host double, and a browser-like client for it that can also misbehave in every header. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type ConsoleOptions, type RunningConsole, startConsole } from '../../src/console/app.ts';
import { codeOver, randomText } from '../../src/console/auth.ts';
import { PROOF_HEADER, provenText, SUBPROTOCOL } from '../../src/console/console-protocol.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openLog } from '../../src/host/log.ts';
import { HostDouble } from './host-double.ts';

export interface ConsoleFixture {
  host: HostDouble;
  console: RunningConsole;
  port: number;
  stateDir: string;
  /** Starts it again over the same state directory and port, as a restarted host would. */
  start(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function consoleFixture(options: Partial<ConsoleOptions> = {}): Promise<ConsoleFixture> {
  const stateDir = await mkdtemp(join(tmpdir(), 'aether-console-'));
  const host = new HostDouble(stateDir);
  const start = (port: number): Promise<RunningConsole> =>
    startConsole({
      verbs: host.verbs,
      port,
      log: openLog(undefined),
      clock: systemClock,
      webDir: join(stateDir, 'not-built'),
      ...options,
    });
  const fixture: ConsoleFixture = {
    host,
    stateDir,
    console: await start(options.port ?? 0),
    port: 0,
    async start() {
      fixture.console = await start(fixture.port);
    },
    async restart() {
      await fixture.console.close();
      await fixture.start();
    },
    async close() {
      await fixture.console.close();
      host.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
  fixture.port = Number(new URL(fixture.console.url).port);
  host.link = () => fixture.console.loginLink();
  return fixture;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** One request with exactly these headers (fetch would not let a test set Host or Origin). */
export function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent: false,
        host: '127.0.0.1',
        port,
        path,
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (part: string) => {
          text += part;
        });
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** What a page and the host share. */
interface Secret {
  by: 'link' | 'session';
  id: string;
  secret: string;
}

interface Change {
  origin?: string;
  host?: string;
  secret?: Partial<Secret>;
}

/** Signed in: has a session and its key, as a page. */
export class Client {
  readonly port: number;
  readonly id: string;
  readonly key: string;

  constructor(port: number, id: string, key: string) {
    this.port = port;
    this.id = id;
    this.key = key;
  }

  static async signIn(link: string): Promise<Client> {
    const socket = openWith(link);
    const { id, key } = await socket.message('session');
    socket.close();
    return new Client(Number(new URL(link).port), String(id), String(key));
  }

  /** For one request: the code is over method and path. */
  headers(path: string, method = 'GET'): Record<string, string> {
    const nonce = randomText(16);
    const text = provenText('request', `${method} ${path}`, { page: nonce, host: '' });
    return {
      [PROOF_HEADER]: `${this.id}.${nonce}.${codeOver(this.key, text)}`,
      origin: `http://127.0.0.1:${this.port}`,
      'content-type': 'application/json',
    };
  }

  async get<T>(path: string): Promise<{ status: number; body: T }> {
    const answer = await ask(this.port, path, { headers: this.headers(path) });
    return { status: answer.status, body: JSON.parse(answer.text) as T };
  }

  async post<T>(path: string, body: unknown): Promise<{ status: number; body: T }> {
    const answer = await ask(this.port, path, {
      method: 'POST',
      headers: this.headers(path, 'POST'),
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse(answer.text) as T };
  }

  /** A verb, as another program calls it. */
  call<T>(name: string, input: unknown, basis?: unknown): Promise<{ status: number; body: T }> {
    return this.post<T>(`/api/verbs/${name}`, { input, basis });
  }

  socket(path: string, change: Change = {}): Socket {
    const secret: Secret = { by: 'session', id: this.id, secret: this.key, ...change.secret };
    return shaken(this.port, path, secret, change);
  }
}

/** A page that opens a link. */
export function openWith(link: string, change: Change = {}): Socket {
  const url = new URL(link);
  const [id = '', secret = ''] = url.hash.replace('#link=', '').split('.');
  return shaken(Number(url.port), '/ws', { by: 'link', id, secret, ...change.secret }, change);
}

function shaken(port: number, path: string, { by, id, secret }: Secret, change: Change): Socket {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, [SUBPROTOCOL], {
    headers: {
      origin: change.origin ?? `http://127.0.0.1:${port}`,
      ...(change.host === undefined ? {} : { host: change.host }),
    },
  });
  const nonce = randomText(24);
  const socket = new Socket(ws);
  ws.on('open', () => socket.send({ type: 'hello', by, id, nonce }));
  void socket
    .until(() => socket.shown ?? undefined, 'what the host shows')
    .then(
      (shown) => {
        const nonces = { page: nonce, host: String(shown.nonce) };
        if (shown.code !== codeOver(secret, provenText('host', path, nonces)))
          socket.json.push({ type: 'not-the-host' });
        socket.send({ type: 'proof', code: codeOver(secret, provenText('page', path, nonces)) });
      },
      () => undefined, // the test that waits for more says so
    );
  return socket;
}

/** Messages as they come, waited for by condition. */
export class Socket {
  readonly ws: WebSocket;
  readonly json: Record<string, unknown>[] = [];
  /** What the host showed of itself before it said anything. */
  shown: Record<string, unknown> | null = null;
  /** All that came; has room for more, because to copy everything for each frame costs seconds. */
  #all = Buffer.alloc(64 * 1024);
  #length = 0;
  closed: { code: number; reason: string } | null = null;
  /** HTTP status of a refused upgrade. */
  refused: number | null = null;
  #waiters = new Set<() => void>();

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#append(data);
      else this.#took(JSON.parse(data.toString('utf8')) as Record<string, unknown>);
      this.#wake();
    });
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString('utf8') };
      this.#wake();
    });
    ws.on('unexpected-response', (_request, response) => {
      this.refused = response.statusCode ?? 0;
      response.resume();
      this.#wake();
    });
    ws.on('error', () => this.#wake());
  }

  /** Resolves with the first value that is not undefined; looked at after every message. */
  async until<T>(condition: () => T | undefined, what: string, deadline_ms = 10_000): Promise<T> {
    const found = condition();
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        reject(
          new Error(`waited ${deadline_ms} ms for ${what}; got ${JSON.stringify(this.json).slice(0, 500)}`),
        );
      }, deadline_ms);
      const look = (): void => {
        const value = condition();
        if (value === undefined) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(value);
      };
      this.#waiters.add(look);
    });
  }

  message(type: string): Promise<Record<string, unknown>> {
    return this.until(() => this.json.find((message) => message.type === type), `a "${type}" message`);
  }

  get bytes(): Buffer {
    return this.#all.subarray(0, this.#length);
  }

  #append(data: Buffer): void {
    const length = this.#length + data.length;
    if (length > this.#all.length) {
      const larger = Buffer.alloc(2 * length);
      this.#all.copy(larger, 0, 0, this.#length);
      this.#all = larger;
    }
    data.copy(this.#all, this.#length);
    this.#length = length;
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  close(): void {
    this.ws.close();
  }

  #took(message: Record<string, unknown>): void {
    if (message.type === 'proof') this.shown = message;
    else if (message.type !== 'admitted') this.json.push(message);
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}

/** A console on a host double, and a browser-like client for it that can also misbehave in every header. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type ConsoleOptions, type RunningConsole, startConsole } from '../../src/console/app.ts';
import { KEY_HEADER, KEY_PREFIX, SUBPROTOCOL } from '../../src/console/console-protocol.ts';
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

/** Signed in: knows the cookie and the page's key. */
export class Client {
  readonly port: number;
  readonly cookie: string;
  readonly key: string;

  constructor(port: number, cookie: string, key: string) {
    this.port = port;
    this.cookie = cookie;
    this.key = key;
  }

  static async signIn(link: string): Promise<Client> {
    const url = new URL(link);
    const port = Number(url.port);
    const answer = await ask(port, url.pathname + url.search);
    if (answer.status !== 303) throw new Error(`sign-in answered ${answer.status}: ${answer.text}`);
    const cookie = String(answer.headers['set-cookie']).split(';')[0]!;
    const key = new URL(String(answer.headers.location), link).hash.replace('#key=', '');
    return new Client(port, cookie, key);
  }

  get headers(): Record<string, string> {
    return {
      cookie: this.cookie,
      [KEY_HEADER]: this.key,
      origin: `http://127.0.0.1:${this.port}`,
      'content-type': 'application/json',
    };
  }

  async get<T>(path: string): Promise<{ status: number; body: T }> {
    const answer = await ask(this.port, path, { headers: this.headers });
    return { status: answer.status, body: JSON.parse(answer.text) as T };
  }

  async post<T>(path: string, body: unknown): Promise<{ status: number; body: T }> {
    const answer = await ask(this.port, path, {
      method: 'POST',
      headers: this.headers,
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse(answer.text) as T };
  }

  /** A verb, as the page calls it. */
  call<T>(name: string, input: unknown, basis?: unknown): Promise<{ status: number; body: T }> {
    return this.post<T>(`/api/verbs/${name}`, { input, basis });
  }

  socket(
    path: string,
    change: { origin?: string; host?: string; cookie?: string; key?: string } = {},
  ): Socket {
    return new Socket(
      new WebSocket(
        `ws://127.0.0.1:${this.port}${path}`,
        [SUBPROTOCOL, `${KEY_PREFIX}${change.key ?? this.key}`],
        {
          headers: {
            origin: change.origin ?? `http://127.0.0.1:${this.port}`,
            cookie: change.cookie ?? this.cookie,
            ...(change.host === undefined ? {} : { host: change.host }),
          },
        },
      ),
    );
  }
}

/** Messages as they come, waited for by condition. */
export class Socket {
  readonly ws: WebSocket;
  readonly json: Record<string, unknown>[] = [];
  bytes = Buffer.alloc(0);
  closed: { code: number; reason: string } | null = null;
  /** HTTP status of a refused upgrade. */
  refused: number | null = null;
  #waiters = new Set<() => void>();

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.bytes = Buffer.concat([this.bytes, data]);
      else this.json.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>);
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

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  close(): void {
    this.ws.close();
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}

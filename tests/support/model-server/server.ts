/**
 * A model that costs nothing and does exactly what the message tells it to (see directives.ts), behind the
 * HTTP protocols of four providers. Loopback only. Every request is kept, whole, for the test to look at.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './anthropic.ts';
import { type Conversation, cueFor, type Lesson } from './conversation.ts';
import { type Dialect, Output } from './dialect.ts';
import { gemini } from './gemini.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';
import { perform, tokensOf } from './perform.ts';

const DIALECTS: Dialect[] = [anthropic, openai, gemini, ollama];
const REQUESTS_MAX = 100_000;

export interface LoggedRequest {
  index: number;
  at_ms: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Parsed JSON, or the text when it is none. */
  body: unknown;
  /** null for a path no protocol serves (answered 404). */
  dialect: Dialect['name'] | null;
  conversation: Conversation | null;
  /** `open` while it is being answered; `aborted` when the client went away first. */
  outcome: 'open' | 'done' | 'aborted';
  status: number;
}

export interface ModelServer {
  port: number;
  /** http://127.0.0.1:PORT — Claude Code's ANTHROPIC_BASE_URL; other clients append their own prefix. */
  url: string;
  requests: LoggedRequest[];
  /** The first request, past or future, that fits; an Error naming what was seen instead after `deadline_ms`. */
  waitFor(fits: (request: LoggedRequest) => boolean, deadline_ms?: number): Promise<LoggedRequest>;
  /** Whatever is said from now on and contains `text` is answered as if it held `script`. */
  teach(text: string, script: string): void;
  /** Lets every `[[hang NAME]]`, present and future, go on. */
  release(name: string): void;
  close(): Promise<void>;
}

/** Everything a person or a program said to the model in this request: for `includes`. */
export function saidIn(request: LoggedRequest): string {
  return (request.conversation?.turns ?? []).map((turn) => turn.text).join('\n');
}

/** Every tool result in this request, in order. */
export function resultsIn(request: LoggedRequest): string[] {
  return (request.conversation?.turns ?? []).flatMap((turn) => turn.results);
}

export async function startModelServer(options: { port?: number } = {}): Promise<ModelServer> {
  const requests: LoggedRequest[] = [];
  const watchers = new Set<() => void>();
  const released = new Set<string>();
  const hanging = new Map<string, Set<() => void>>();
  const failures = new Map<string, number>();
  const lessons: Lesson[] = [];
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const release = (name: string) => {
    released.add(name);
    for (const wake of hanging.get(name) ?? []) wake();
    hanging.delete(name);
  };

  async function answer(request: LoggedRequest, dialect: Dialect, response: ServerResponse): Promise<void> {
    const conversation = dialect.read(request.body, request.path);
    request.conversation = conversation;
    changed();
    const out = new Output(response);
    const cue = cueFor(conversation, lessons);
    const pieces = perform(cue.actions, {
      shouldFail(times) {
        const key = `${dialect.name}:${cue.key}`;
        const failed = failures.get(key) ?? 0;
        failures.set(key, failed + 1);
        return failed < times;
      },
      async sleep(delay_ms) {
        out.waiting();
        await untilGone(response, (wake) => {
          const timer = setTimeout(wake, delay_ms);
          return () => clearTimeout(timer);
        });
      },
      async hang(name) {
        out.waiting();
        if (released.has(name)) return;
        await untilGone(response, (wake) => {
          const wakers = hanging.get(name) ?? new Set();
          hanging.set(name, wakers.add(wake));
          return () => wakers.delete(wake);
        });
      },
    });
    await dialect.write(out, request.body, conversation, pieces);
    request.status = response.statusCode;
    if (out.cutOff) request.outcome = 'done';
    else response.end();
  }

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(message.url ?? '/', 'http://model').pathname;
    if (path.startsWith('/__')) return inspect(path, response);
    const request: LoggedRequest = {
      index: requests.length,
      at_ms: Date.now(),
      method: message.method ?? '',
      path,
      headers: message.headers,
      body: null,
      dialect: null,
      conversation: null,
      outcome: 'open',
      status: 0,
    };
    request.body = parse(await readBody(message));
    if (requests.length >= REQUESTS_MAX) throw new Error(`more than ${REQUESTS_MAX} model requests`);
    request.index = requests.push(request) - 1;
    response.once('close', () => {
      request.status = response.statusCode;
      if (request.outcome === 'open') request.outcome = response.writableFinished ? 'done' : 'aborted';
      changed();
    });
    const dialect = DIALECTS.find((candidate) => candidate.matches(path));
    if (dialect && request.method === 'POST') {
      request.dialect = dialect.name;
      return answer(request, dialect, response);
    }
    if (/^\/v1\/messages\/count_tokens$/.test(path)) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ input_tokens: tokensOf(request.body) }));
      return;
    }
    response.statusCode = 404;
    response.end(JSON.stringify({ type: 'error', error: { type: 'not_found_error', message: path } }));
    changed();
  }

  /** For a test in another process: the log, and the release of a hang. */
  function inspect(path: string, response: ServerResponse): void {
    if (path.startsWith('/__release/')) release(decodeURIComponent(path.slice('/__release/'.length)));
    response.setHeader('content-type', 'application/json');
    response.end(path === '/__requests' ? JSON.stringify(requests) : '{}');
  }

  const server = createServer((message, response) => {
    serve(message, response).catch((error: unknown) => {
      // A client that went away in mid-stream is an ordinary event; anything else is a bug of this server.
      if (response.destroyed) return;
      process.stderr.write(`model-server: ${error instanceof Error ? error.stack : String(error)}\n`);
      response.destroy();
    });
  });
  // Engines keep connections for longer than Node's default five seconds: a reset would look like a failure.
  server.keepAliveTimeout = 300_000;
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    teach: (text, script) => void lessons.push({ text, script }),
    release,
    waitFor(fits, deadline_ms = 10_000) {
      return new Promise((resolve, reject) => {
        const stop = () => {
          clearTimeout(timer);
          watchers.delete(look);
        };
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`no such model request within ${deadline_ms} ms; seen:\n${summary(requests)}`));
        }, deadline_ms);
        const look = () => {
          const found = requests.find(fits);
          if (!found) return;
          stop();
          resolve(found);
        };
        watchers.add(look);
        look();
      });
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Resolves when woken, rejects when the client is gone: whichever comes first. */
function untilGone(response: ServerResponse, arm: (wake: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = () => {
      disarm();
      reject(new Error('the client went away'));
    };
    const disarm = arm(() => {
      response.off('close', gone);
      resolve();
    });
    if (response.destroyed) gone();
    else response.once('close', gone);
  });
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function summary(requests: LoggedRequest[]): string {
  if (requests.length === 0) return '  (none at all)';
  return requests
    .slice(-10)
    .map((request) => {
      const last = request.conversation?.turns.at(-1);
      const text = last ? `${last.role}: ${(last.text || last.results.join(' ')).slice(-200)}` : '';
      return `  ${request.method} ${request.path} ${request.status} ${request.outcome} ${text}`;
    })
    .join('\n');
}

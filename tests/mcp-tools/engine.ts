/**
 * The engine's side of a bridge. `Engine` writes lines by hand, as a client in another language would;
 * `connectClient` is the SDK's own client. Both start the real bridge as a child process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { until } from './rig.ts';

export const BRIDGE_SOURCE = fileURLToPath(new URL('../../src/mcp-tools/bridge/main.cts', import.meta.url));
/** As it is published where dist/ is of these sources: a start of the source costs twice as much. */
export const BRIDGE =
  process.env.AETHER_TEST_DIST === '1'
    ? fileURLToPath(new URL('../../dist/mcp-tools/bridge/main.cjs', import.meta.url))
    : BRIDGE_SOURCE;
export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

export interface Reply {
  jsonrpc: '2.0';
  id?: string | number | null;
  method?: string;
  params?: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  result?: any;
  error?: { code: number; message: string; data?: Record<string, unknown> };
}

type Message = Record<string, unknown>;

export class Engine {
  readonly process: ChildProcess;
  /** Every line that came out, parsed. */
  readonly received: Reply[] = [];
  stderr = '';
  #rest = '';
  #id = 0;

  constructor(socketPath: string, options: { args?: string[]; env?: Record<string, string> } = {}) {
    this.process = spawn(process.execPath, [BRIDGE, socketPath, ...(options.args ?? [])], {
      stdio: 'pipe',
      env: { PATH: process.env.PATH, ...options.env },
    });
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#rest += text;
      const lines = this.#rest.split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) this.received.push(JSON.parse(line) as Reply);
    });
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.process.stdin!.on('error', () => {}); // it may be gone; the test sees that
  }

  raw(text: string): void {
    this.process.stdin!.write(text);
  }

  send(message: Message): void {
    this.raw(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Sends a request and returns its id. */
  request(method: string, params: Message = {}): number {
    this.#id += 1;
    this.send({ id: this.#id, method, params });
    return this.#id;
  }

  call(tool: string, args: unknown = {}): number {
    return this.request('tools/call', { name: tool, arguments: args });
  }

  /** The same in the modern era: the envelope rides on every request. */
  modern(method: string, params: Message = {}, version = MODERN): number {
    return this.request(method, { ...params, _meta: envelope(version) });
  }

  reply(id: string | number | null, within_ms?: number): Promise<Reply> {
    return until(() => this.replies(id)[0], within_ms);
  }

  replies(id: string | number | null): Reply[] {
    return this.received.filter((message) => message.method === undefined && message.id === id);
  }

  async handshake(version = LEGACY): Promise<Reply> {
    const id = this.request('initialize', {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 'by-hand', version: '1' },
    });
    const reply = await this.reply(id);
    this.send({ method: 'notifications/initialized' });
    return reply;
  }

  end(): void {
    this.process.stdin!.end();
  }

  /** Resolves to [code, signal]. */
  async exited(): Promise<[number | null, NodeJS.Signals | null]> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'close');
    return [this.process.exitCode, this.process.signalCode];
  }

  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited();
  }
}

export function envelope(version = MODERN): Message {
  return {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'by-hand', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
}

/** The SDK's client over a bridge of its own. */
export async function connectClient(
  socketPath: string,
  mode: 'legacy' | 'auto' | { pin: string },
  args: string[] = [],
): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [BRIDGE, socketPath, ...args] }),
  );
  return client;
}

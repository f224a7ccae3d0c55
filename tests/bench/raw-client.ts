/**
 * The smallest MCP client there is: JSON lines into a child's stdin, JSON lines out of its stdout. The same on
 * both sides of every comparison, so that what differs is the server alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export type Era = 'modern' | 'legacy';

const VERSION: Record<Era, string> = { modern: '2026-07-28', legacy: '2025-11-25' };
const CLIENT = { name: 'bench', version: '1' };
const STOP_MS = 5_000;

interface Reply {
  id?: number;
  result?: { isError?: boolean; [key: string]: unknown };
  error?: { code: number; message: string };
}

interface Waiting {
  resolve(result: NonNullable<Reply['result']>): void;
  reject(error: Error): void;
}

export class RawClient {
  readonly child: ChildProcess;
  readonly era: Era;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #rest = '';
  #complaint = '';

  constructor(argv: readonly string[], era: Era, env: Record<string, string> = {}) {
    this.era = era;
    const [file, ...args] = argv;
    this.child = spawn(file!, args, { stdio: 'pipe', env: { PATH: process.env.PATH ?? '', ...env } });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#received(text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2_000);
    });
    this.child.stdin!.on('error', () => undefined); // it is gone: 'close' says so
    this.child.on('error', (error) => this.#lost(error.message));
    this.child.on('close', (code, signal) => this.#lost(`it ended with ${signal ?? code}`));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** What the era wants before the first request; the modern one wants nothing. */
  async open(): Promise<void> {
    if (this.era === 'modern') return;
    const { legacy: protocolVersion } = VERSION;
    await this.request('initialize', { protocolVersion, capabilities: {}, clientInfo: CLIENT });
    this.child.stdin!.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }

  request(method: string, params: Record<string, unknown> = {}): Promise<NonNullable<Reply['result']>> {
    const id = this.#next;
    this.#next += 1;
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': VERSION.modern,
      'io.modelcontextprotocol/clientInfo': CLIENT,
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const body = this.era === 'modern' ? { ...params, _meta } : params;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.child.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: body })}\n`);
    });
  }

  /** @throws Error also when the tool itself says that it failed. */
  async call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const result = await this.request('tools/call', { name, arguments: args });
    if (result.isError === true) throw new Error(`${name} failed: ${JSON.stringify(result).slice(0, 400)}`);
    return result;
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.stdin!.end();
    const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await closed;
    clearTimeout(late);
  }

  #received(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const reply = JSON.parse(line) as Reply;
      const waiting = reply.id === undefined ? undefined : this.#waiting.get(reply.id);
      if (waiting === undefined) continue; // a notification
      this.#waiting.delete(reply.id!);
      if (reply.result !== undefined) waiting.resolve(reply.result);
      else waiting.reject(new Error(reply.error?.message ?? `no result: ${line.slice(0, 200)}`));
    }
  }

  #lost(why: string): void {
    const error = new Error(`the MCP server is gone: ${why}. ${this.#complaint}`.trim());
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

/** One call at a time. @returns milliseconds of each */
export async function oneByOne(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const begun = performance.now();
    await call();
    samples.push(performance.now() - begun);
  }
  return samples;
}

/** `count` calls, always `width` of them open. @returns calls per second */
export async function atOnce(count: number, width: number, call: () => Promise<unknown>): Promise<number> {
  let left = count;
  const begun = performance.now();
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return (count / (performance.now() - begun)) * 1_000;
}

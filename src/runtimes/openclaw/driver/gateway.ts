/**
 * The gateway as a child of the driver: its port, its secrets, and the guard and the plugin inside. The secrets are made
 * here, for one gateway, and are known to this process and to that one; they are sent only to a port on which that gateway
 * says it listens, which it keeps for as long as it lives.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { cutText } from '../../../host/text.ts';
import {
  type DriverSettings,
  type GatewayAccess,
  GUARD_VARIABLE,
  type GuardSettings,
  type PluginNotice,
  type PluginOrder,
} from './driver-protocol.ts';

/** A port that was free a moment ago may be taken when the gateway binds it. */
const ATTEMPTS = 3;
/** On a machine that has much else to do. */
const START_MS = 180_000;
/** A line of its log that is shown. */
const LINE_CHARS_MAX = 2_000;
const LAST_LINES = 12;

export interface GatewayEvents {
  notice(notice: PluginNotice): void;
  /** It has ended by itself. */
  ended(why: string): void;
}

export class Gateway {
  readonly #token = randomBytes(32).toString('base64url');
  readonly #key = randomBytes(32).toString('base64url');
  readonly #settings: DriverSettings;
  readonly #events: GatewayEvents;
  #child: ChildProcess | null = null;
  /** The last lines of its log, for when it ends without being asked. */
  #last: string[] = [];
  #stopping = false;

  constructor(settings: DriverSettings, events: GatewayEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  /** @returns how it is reached, its plugin in place */
  async start(): Promise<GatewayAccess> {
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      const outcome = await this.#attempt(port);
      if (outcome === 'listens') return { port, token: this.#token, key: this.#key };
      if (attempt >= ATTEMPTS || !outcome.includes('EADDRINUSE')) throw new Error(outcome);
    }
  }

  async #attempt(port: number): Promise<string> {
    this.#last = [];
    const child = this.#spawn(port);
    this.#child = child;
    let gate = false;
    const started = new Promise<string>((resolve) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        resolve(`The gateway did not listen within ${START_MS / 1000} seconds.${this.#words()}`);
      }, START_MS);
      child.on('message', (notice: PluginNotice) => {
        if (notice.type === 'gate') gate = true;
        if (notice.type === 'listening') {
          clearTimeout(timer);
          // What it says of another port says nothing of this one.
          resolve(gate && notice.port === port ? 'listens' : 'The gateway runs without the gate.');
        }
        this.#events.notice(notice);
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        resolve(`The gateway ended while it started (${signal ?? `exit ${code}`}).${this.#words()}`);
      });
      child.once('error', (error) => {
        clearTimeout(timer);
        resolve(`The gateway could not be started: ${error.message}.`);
      });
    });
    const outcome = await started;
    if (outcome === 'listens')
      child.once('exit', (code, signal) => {
        if (!this.#stopping)
          this.#events.ended(`The gateway ended (${signal ?? `exit ${code}`}).${this.#words()}`);
      });
    else child.kill('SIGKILL');
    return outcome;
  }

  #spawn(port: number): ChildProcess {
    const { gateway, directory, hiddenEnv, code } = this.#settings;
    const guard: GuardSettings = { for: 'gateway', code, key: this.#key };
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !hiddenEnv.includes(name)));
    const child = spawn(process.execPath, [...gateway, '--port', String(port)], {
      cwd: directory,
      env: { ...env, OPENCLAW_GATEWAY_TOKEN: this.#token, [GUARD_VARIABLE]: JSON.stringify(guard) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const input of [child.stdout!, child.stderr!])
      createInterface({ input }).on('line', (line) =>
        this.#said(cutText(line, { chars_max: LINE_CHARS_MAX })),
      );
    return child;
  }

  /** Its warnings are for its own operator; all of them are in its log. */
  #said(line: string): void {
    if (line.trim() !== '') this.#last = [...this.#last, line].slice(-LAST_LINES);
  }

  #words(): string {
    return this.#last.length === 0 ? '' : ` Its last words: ${this.#last.join(' | ')}`;
  }

  tell(order: PluginOrder): void {
    if (this.#child?.connected) this.#child.send(order);
  }

  get isAlive(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  /** Every session is aborted by now: it has nothing to wait for. */
  async stop(patience_ms: number): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null || !this.isAlive) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.tell({ type: 'stop' });
    const timer = setTimeout(() => child.kill('SIGKILL'), patience_ms);
    await ended;
    clearTimeout(timer);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

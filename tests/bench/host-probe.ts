/**
 * Looks at a host from outside while it works: its event loop (by tests/support/loop-probe.mjs, which Node is
 * told to import), its processor time and its memory. Beside it runs an idle program with the same probe: what that
 * one waits for the processor is the machine's delay, not the host's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';

const PROBE = fileURLToPath(new URL('../support/loop-probe.mjs', import.meta.url));
const IDLE = fileURLToPath(new URL('peers/idle.mjs', import.meta.url));
const TICKS_PER_S = 100;

export interface LoopDelay {
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
}

export class HostProbe {
  readonly env: Record<string, string>;
  /** For the Node of the program that is looked at. */
  readonly flags: string[];
  readonly #socket: string;
  readonly #idleSocket: string;
  readonly #idle: ChildProcess;

  /** @param dir short, private, and there until `close` */
  constructor(dir: string) {
    this.#socket = join(dir, 'probe.sock');
    this.#idleSocket = join(dir, 'idle.sock');
    this.env = { AETHER_LOOP_PROBE: this.#socket };
    this.flags = [`--import=${PROBE}`];
    this.#idle = spawn(process.execPath, [...this.flags, IDLE, 'host'], {
      stdio: 'ignore',
      env: { ...this.env, AETHER_LOOP_PROBE: this.#idleSocket, PATH: process.env.PATH ?? '' },
    });
  }

  async ready(): Promise<void> {
    for (const socket of [this.#socket, this.#idleSocket])
      await eventually('the probe answers', () => ask(socket, 'read').catch(() => null), 20_000);
  }

  async begin(): Promise<void> {
    await Promise.all([ask(this.#socket, 'reset'), ask(this.#idleSocket, 'reset')]);
  }

  /** Since `begin`. */
  async read(): Promise<{ host: LoopDelay; idle: LoopDelay }> {
    const [host, idle] = await Promise.all([ask(this.#socket, 'read'), ask(this.#idleSocket, 'read')]);
    return { host: JSON.parse(host) as LoopDelay, idle: JSON.parse(idle) as LoopDelay };
  }

  close(): void {
    this.#idle.kill('SIGKILL');
  }
}

function ask(socket: string, word: 'read' | 'reset'): Promise<string> {
  return new Promise((resolve, reject) => {
    const peer = connect(socket);
    let answer = '';
    peer.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
      if (answer.includes('\n')) peer.destroy();
    });
    peer.once('error', reject);
    peer.once('close', () => resolve(answer));
    if (word === 'read') peer.write('read\n');
    else peer.end('reset\n');
  });
}

/** Seconds of processor time so far. */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Resident memory, shared pages included. */
export function residentMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

export function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

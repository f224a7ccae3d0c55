/**
 * Connections to servers of the agent, for the operator who looks at one. A process in the network of the run dials
 * and hands each connection out; a page asks for dozens within a second, so it stays a while before it ends.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { Refused } from './refused.ts';

const IDLE_MS = 30_000;
const DIAL_MS = 10_000;

interface Waiting {
  resolve(socket: Socket): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

export class Dialer {
  readonly #start: () => ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | null = null;
  #idle: NodeJS.Timeout | null = null;
  #next = 1;

  constructor(start: () => ChildProcess) {
    this.#start = start;
  }

  /** @throws Refused */
  dial(port: number): Promise<Socket> {
    const child = this.#running();
    const id = this.#next;
    this.#next += 1;
    const answered = new Promise<Socket>((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(failed('no answer')), DIAL_MS);
      this.#waiting.set(id, { resolve, reject, timer });
    });
    child.send({ id, port }, (error) => {
      if (error) this.#settle(id)?.reject(failed(error.message));
    });
    return answered;
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #running(): ChildProcess {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    if (this.#child?.connected) return this.#child;
    const child = this.#start();
    this.#child = child;
    child.on('message', (message: { id: number; error?: string }, handle) => {
      const waiting = this.#settle(message.id);
      if (waiting === undefined) (handle as Socket | undefined)?.destroy();
      else if (handle === undefined) waiting.reject(failed(message.error ?? 'no connection'));
      else waiting.resolve(handle as Socket);
    });
    const gone = () => {
      if (this.#child === child) this.#child = null;
      for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(failed('the dialer ended'));
    };
    child.once('error', gone);
    child.once('exit', gone);
    return child;
  }

  close(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    if (this.#child?.connected) this.#child.disconnect();
    this.#child = null;
  }
}

function failed(why: string): Refused {
  return new Refused('relay-connect', `Nothing answers there: ${why}.`);
}

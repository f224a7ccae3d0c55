/**
 * A TCP port of the host: who is at the other end is known only once it has shown a secret. Until then a connection is
 * a newcomer. Newcomers have few places and little time, and the one that waits longest gives its place to the next: a
 * program that only opens connections loses its own, and a browser, which speaks at once, gets through. Connections
 * that have shown their secret have places of their own.
 *
 * * Which process is at the other end of a TCP connection takes a search of all descriptors of all processes: too
 * expensive for each connection, and every one comes from 127.0.0.1. So the bound is on all newcomers together.
 */
import type { Server, Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { leavesRoom } from './descriptors.ts';
import { type RefusalReport, Refusals } from './refusals.ts';

export interface TcpDoorOptions {
  name: string;
  /** Connections that have shown who they are. */
  known_max: number;
  newcomers_max: number;
  /** A newcomer that has not shown who it is by then is closed. */
  newcomer_ms: number;
  clock: Clock;
  report(report: RefusalReport): void;
}

interface Newcomer {
  since_ms: number;
  asking: boolean;
}

/** Watches over the connections of a server, which listens already or will. */
export class TcpDoor {
  readonly #o: TcpDoorOptions;
  readonly #refusals: Refusals;
  readonly #known = new Set<Socket>();
  /** In the order in which they came. */
  readonly #newcomers = new Map<Socket, Newcomer>();
  #cancelSweep: (() => void) | null = null;

  constructor(server: Server, options: TcpDoorOptions) {
    this.#o = options;
    this.#refusals = new Refusals(options.name, options.clock, options.report);
    server.on('connection', (socket: Socket) => this.#came(socket));
  }

  get newcomers(): number {
    return this.#newcomers.size;
  }

  get connections(): number {
    return this.#newcomers.size + this.#known.size;
  }

  /** This connection has shown who it is. @returns false when all places are taken, and it is closed */
  known(socket: Socket): boolean {
    if (this.#known.has(socket)) return true;
    if (socket.destroyed) return false;
    if (this.#known.size >= this.#o.known_max) {
      this.#drop(socket, `${this.#o.known_max} connections are signed in`);
      return false;
    }
    this.#newcomers.delete(socket);
    this.#known.add(socket);
    return true;
  }

  /** False for a newcomer that has asked already: it gets one answer at a time. */
  mayAsk(socket: Socket): boolean {
    if (socket.destroyed) return false;
    const newcomer = this.#newcomers.get(socket);
    if (newcomer === undefined) return this.#known.has(socket);
    if (newcomer.asking) {
      this.#drop(socket, 'it sent several requests at once without signing in');
      return false;
    }
    newcomer.asking = true;
    return true;
  }

  /** The answer is out. */
  answered(socket: Socket): void {
    const newcomer = this.#newcomers.get(socket);
    if (newcomer !== undefined) newcomer.asking = false;
  }

  /** Ends the newcomers that wait for no answer, and reports what is not reported yet. */
  close(): void {
    this.#cancelSweep?.();
    for (const [socket, { asking }] of this.#newcomers) if (!asking) socket.destroy();
    this.#refusals.close();
  }

  #came(socket: Socket): void {
    if (!leavesRoom(socket)) {
      this.#drop(socket, 'the host has few file descriptors left');
      return;
    }
    const { clock, newcomers_max } = this.#o;
    this.#newcomers.set(socket, { since_ms: clock.elapsed(), asking: false });
    socket.once('close', () => this.#forget(socket));
    if (this.#newcomers.size > newcomers_max)
      this.#drop(
        this.#newcomers.keys().next().value!,
        `more than ${newcomers_max} connections have not signed in`,
      );
    this.#expectSweep();
  }

  #drop(socket: Socket, why: string): void {
    this.#refusals.done(this.#refusals.note(why, null));
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    this.#newcomers.delete(socket);
    this.#known.delete(socket);
  }

  /** The oldest newcomer's time ends first. */
  #expectSweep(): void {
    const { clock, newcomer_ms } = this.#o;
    const oldest = this.#newcomers.values().next().value;
    if (this.#cancelSweep !== null || oldest === undefined) return;
    const wait_ms = Math.max(1, oldest.since_ms + newcomer_ms - clock.elapsed());
    this.#cancelSweep = clock.after(wait_ms, () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelSweep = null;
    const { clock, newcomer_ms } = this.#o;
    const before = clock.elapsed() - newcomer_ms;
    for (const [socket, { since_ms }] of this.#newcomers) {
      if (since_ms > before) break;
      this.#drop(socket, `it did not sign in within ${newcomer_ms} ms`);
    }
    this.#expectSweep();
  }
}

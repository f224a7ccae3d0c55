/**
 * A TCP port of the host: who is at the other end is known only once it has shown a secret. Until then a
 * connection is a newcomer. Newcomers have few places and little time, and the one that waits longest gives its
 * place to the next: a program that only opens connections loses its own, and a browser, which speaks at once, gets
 * through. Connections that have shown their secret have places of their own.
 *
 * Which process is at the other end of a TCP connection takes a search of all descriptors of all processes: too
 * dear for each connection, and every one comes from 127.0.0.1. So the bound is on all newcomers together.
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

export interface TcpDoor {
  /** This connection has shown who it is. @returns false when all places are taken, and it is closed */
  known(socket: Socket): boolean;
  /** False for a newcomer that has asked already: it gets one answer at a time. */
  mayAsk(socket: Socket): boolean;
  /** The answer is out. */
  answered(socket: Socket): void;
  readonly newcomers: number;
  readonly connections: number;
  /** Ends the newcomers that wait for no answer, and reports what is not reported yet. */
  close(): void;
}

interface Newcomer {
  since_ms: number;
  asking: boolean;
}

/** Watches over the connections of a server, which listens already or will. */
export function tcpDoor(server: Server, options: TcpDoorOptions): TcpDoor {
  const { known_max, newcomers_max, newcomer_ms, clock } = options;
  const refusals = new Refusals(options.name, clock, options.report);
  const known = new Set<Socket>();
  /** In the order in which they came. */
  const newcomers = new Map<Socket, Newcomer>();
  let cancel: (() => void) | null = null;

  function drop(socket: Socket, why: string): void {
    refusals.done(refusals.note(why, null));
    newcomers.delete(socket);
    known.delete(socket);
    socket.destroy();
  }

  function sweep(): void {
    cancel = null;
    const before = clock.elapsed() - newcomer_ms;
    for (const [socket, { since_ms }] of newcomers) {
      if (since_ms > before) break;
      drop(socket, `it did not sign in within ${newcomer_ms} ms`);
    }
    expect();
  }

  function expect(): void {
    const oldest = newcomers.values().next().value;
    if (cancel !== null || oldest === undefined) return;
    cancel = clock.after(Math.max(1, oldest.since_ms + newcomer_ms - clock.elapsed()), sweep);
  }

  server.on('connection', (socket: Socket) => {
    if (!leavesRoom(socket)) {
      drop(socket, 'the host has few file descriptors left');
      return;
    }
    newcomers.set(socket, { since_ms: clock.elapsed(), asking: false });
    socket.once('close', () => {
      newcomers.delete(socket);
      known.delete(socket);
    });
    if (newcomers.size > newcomers_max)
      drop(newcomers.keys().next().value!, `more than ${newcomers_max} connections have not signed in`);
    expect();
  });

  return {
    known(socket) {
      if (known.has(socket)) return true;
      if (socket.destroyed) return false;
      if (known.size >= known_max) {
        drop(socket, `${known_max} connections are signed in`);
        return false;
      }
      newcomers.delete(socket);
      known.add(socket);
      return true;
    },
    mayAsk(socket) {
      if (socket.destroyed) return false;
      const newcomer = newcomers.get(socket);
      if (newcomer === undefined) return known.has(socket);
      if (newcomer.asking) {
        drop(socket, 'it sent several requests at once without signing in');
        return false;
      }
      newcomer.asking = true;
      return true;
    },
    answered(socket) {
      const newcomer = newcomers.get(socket);
      if (newcomer !== undefined) newcomer.asking = false;
    },
    get newcomers() {
      return newcomers.size;
    },
    get connections() {
      return newcomers.size + known.size;
    },
    close() {
      cancel?.();
      for (const [socket, { asking }] of newcomers) if (!asking) socket.destroy();
      refusals.close();
    },
  };
}

/**
 * Carries connections between the network of a run and what lies outside it. The shim holds the listeners, because it
 * lives as long as the run: a host that dies breaks no stream, and no program of the agent can take the port in
 * between.
 */
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { listenUnix } from '../../doors/unix-listener.ts';
import { messageOf } from '../../errors.ts';
import { joinSockets } from '../../joined-sockets.ts';
import type { RelayEnd, RelayStatus, ShimRequest } from '../shim-protocol.ts';
import { connected, type RunNetwork } from './network.ts';
import { Refused } from './refused.ts';

const RELAYS_MAX = 64;
/** Open at once, of all relays of the run. */
const CONNECTIONS_MAX = 512;
const PORT_MAX = 65_535;

interface Relay {
  status: RelayStatus;
  server: Server;
}

export class Relays {
  readonly #network: RunNetwork;
  readonly #relays: Relay[] = [];
  readonly #sockets = new Set<Socket>();
  #opening = 0;
  #closed = false;

  constructor(network: RunNetwork) {
    this.#network = network;
  }

  list(): RelayStatus[] {
    return this.#relays.map((relay) => relay.status);
  }

  /** @throws Refused */
  async open({ opId, from, to }: Extract<ShimRequest, { op: 'relay' }>): Promise<RelayStatus> {
    if (this.#relays.length + this.#opening >= RELAYS_MAX)
      throw new Refused('relay-limit', `This run has ${RELAYS_MAX} relays, the maximum.`);
    checkEnd(from, 0);
    checkEnd(to, 1);
    if (from.where === 'outside' && 'host' in from && !isLoopback(from.host))
      throw new Refused('bad-request', `A relay listens on loopback addresses only, not on ${from.host}.`);
    this.#opening += 1;
    try {
      return this.carry(opId, from, to, await this.#listen(from));
    } finally {
      this.#opening -= 1;
    }
  }

  /** What `server` accepts goes to `to`, until the run ends. */
  carry(opId: string, from: RelayEnd, to: RelayEnd, server: Server): RelayStatus {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const status: RelayStatus = { opId, from: 'port' in from ? { ...from, port } : from, to };
    server.on('connection', (socket: Socket) => this.#carry(socket, to));
    // A listener that fails later serves no connection; the run goes on.
    server.on('error', (error) => console.error(`relay ${opId}: ${error.message}`));
    if (this.#closed) {
      server.close();
      throw new Refused('stopping', 'The run is ending.');
    }
    this.#relays.push({ status, server });
    return status;
  }

  async #listen(from: RelayEnd): Promise<Server> {
    if (from.where === 'inside') return await this.#network.listen(from.port);
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    try {
      if ('path' in from) await listenUnix(server, from.path);
      else await listenTcp(server, from.host, from.port);
    } catch (error) {
      throw new Refused('relay-listen', messageOf(error));
    }
    return server;
  }

  #carry(socket: Socket, to: RelayEnd): void {
    socket.on('error', () => socket.destroy());
    if (this.#sockets.size >= CONNECTIONS_MAX * 2) {
      socket.destroy();
      return;
    }
    this.#keep(socket);
    socket.pause();
    this.#dial(to).then(
      (other) => {
        other.allowHalfOpen = true;
        other.on('error', () => other.destroy());
        if (socket.destroyed || this.#closed) {
          other.destroy();
          return;
        }
        this.#keep(other);
        joinSockets(socket, other);
      },
      // The peer sees its connection end: that is what a refused connection looks like through a relay.
      () => socket.destroy(),
    );
  }

  async #dial(to: RelayEnd): Promise<Socket> {
    if (to.where === 'inside') return await this.#network.dial(to.port);
    const where = 'path' in to ? { path: to.path } : { host: to.host, port: to.port, noDelay: true };
    return await connected(connect({ ...where, allowHalfOpen: true }));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  close(): void {
    this.#closed = true;
    for (const { server, status } of this.#relays) {
      server.close();
      if ('path' in status.from) rmSync(status.from.path, { force: true });
    }
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** @throws Refused */
function checkEnd(end: RelayEnd, portMin: number): void {
  if ('path' in end) {
    if (end.path.startsWith('/')) return;
    throw new Refused('bad-request', 'The socket of a relay is an absolute path.');
  }
  if (Number.isInteger(end.port) && end.port >= portMin && end.port <= PORT_MAX) return;
  throw new Refused('bad-request', `A relay's port is ${portMin} to ${PORT_MAX}, not ${end.port}.`);
}

const isLoopback = (host: string) => /^127(\.\d{1,3}){3}$/.test(host) || host === '::1';

function listenTcp(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

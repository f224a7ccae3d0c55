/**
 * Carries connections between the network of a sandbox and unix sockets outside it. The shim holds the listeners,
 * because it lives as long as the run: a host that dies breaks no stream, and no program of the agent can take the
 * port in between.
 */
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { listenUnix } from '../../doors/unix-listener.ts';
import { messageOf } from '../../errors.ts';
import { joinSockets } from '../../joined-sockets.ts';
import type { ProcessStatus, RelayEnd, RelayStatus, ShimRequest } from '../shim-protocol.ts';
import { connected, connectInside, listenInside } from './network.ts';
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
  readonly #processOf: (index: number) => ProcessStatus | null;
  readonly #relays: Relay[] = [];
  readonly #sockets = new Set<Socket>();
  #opening = 0;
  #closed = false;

  constructor(processOf: (index: number) => ProcessStatus | null) {
    this.#processOf = processOf;
  }

  list(): RelayStatus[] {
    return this.#relays.map((relay) => relay.status);
  }

  /** @throws Refused */
  async open({ opId, from, to }: Extract<ShimRequest, { op: 'relay' }>): Promise<RelayStatus> {
    if (this.#relays.length + this.#opening >= RELAYS_MAX)
      throw new Refused('relay-limit', `This run has ${RELAYS_MAX} relays, which is the most.`);
    this.#check(from, 0);
    this.#check(to, 1);
    this.#opening += 1;
    try {
      const server = await this.#listen(from);
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const status: RelayStatus = { opId, from: from.where === 'inside' ? { ...from, port } : from, to };
      server.on('connection', (socket: Socket) => this.#carry(socket, to));
      // A listener that fails later serves no connection; the run goes on.
      server.on('error', (error) => console.error(`relay ${opId}: ${error.message}`));
      if (this.#closed) {
        server.close();
        throw new Refused('stopping', 'The run is ending.');
      }
      this.#relays.push({ status, server });
      return status;
    } finally {
      this.#opening -= 1;
    }
  }

  #check(end: RelayEnd, portMin: number): void {
    if (end.where === 'outside') {
      if (end.path.startsWith('/')) return;
      throw new Refused('bad-request', 'The socket of a relay is an absolute path.');
    }
    this.#running(end.process);
    if (Number.isInteger(end.port) && end.port >= portMin && end.port <= PORT_MAX) return;
    throw new Refused('bad-request', `A relay's port is ${portMin} to ${PORT_MAX}, not ${end.port}.`);
  }

  #running(index: number): ProcessStatus {
    const status = this.#processOf(index);
    if (status?.running) return status;
    throw new Refused('no-process', `Process ${index} does not run.`);
  }

  async #listen(from: RelayEnd): Promise<Server> {
    if (from.where === 'inside') {
      const { pid, ownNetwork } = this.#running(from.process);
      return await listenInside(pid, ownNetwork === true, from.port);
    }
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    try {
      await listenUnix(server, from.path);
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
    if (to.where === 'outside') return await connected(connect({ path: to.path, allowHalfOpen: true }));
    const { pid, ownNetwork } = this.#running(to.process);
    return await connectInside(pid, ownNetwork === true, to.port);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  close(): void {
    this.#closed = true;
    for (const { server, status } of this.#relays) {
      server.close();
      if (status.from.where === 'outside') rmSync(status.from.path, { force: true });
    }
    for (const socket of this.#sockets) socket.destroy();
  }
}

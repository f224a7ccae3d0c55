/**
 * The operator's door: a unix socket that speaks wire.ts. It decides nothing: who may come in is `admit`'s
 * answer (the peer's credentials, never an argument), what can be asked for is the table in verbs.ts, and the
 * host does it.
 */
import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { HostApi } from '../api.ts';
import { AetherError, messageOf, toWireError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import { ControlConnection } from './connection.ts';
import { CONTROL_PROTOCOL, type ControlHello, type ControlReply } from './wire.ts';

export interface ControlDoorOptions {
  host: HostApi;
  /** Absolute, at most 107 bytes; its directory exists with mode 0700. A socket left behind there is replaced. */
  socketPath: string;
  /** Whether this peer is an operator: true, or why not (a peer inside any run never is). */
  admit(socket: Socket): true | string;
  log: Log;
  version: string;
}

export interface ControlDoor {
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/** @throws AetherError `control.listen` when the socket cannot be made. */
export async function openControlDoor(options: ControlDoorOptions): Promise<ControlDoor> {
  const { host, socketPath, log } = options;
  const connections = new Set<ControlConnection>();

  const server = createServer((socket) => {
    socket.on('error', (error) => log.debug({ error: messageOf(error) }, 'control connection broke'));
    const admitted = connections.size < limits.control_connections_max ? options.admit(socket) : null;
    if (admitted !== true) {
      refuse(socket, admitted);
      log.warn({ why: admitted ?? 'too many connections' }, 'control connection refused');
      return;
    }
    const hello: ControlHello = {
      aether: 'control',
      protocol: CONTROL_PROTOCOL,
      version: options.version,
      pid: process.pid,
    };
    socket.write(`${JSON.stringify(hello)}\n`);
    const connection = new ControlConnection(socket, host, log);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });

  removeLeftover(socketPath);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new AetherError(
          {
            code: 'control.listen',
            who: 'host',
            message: `The control socket ${socketPath} cannot be made: ${messageOf(error)}.`,
            next: 'Check that its directory is yours and writable; `aether doctor` looks at both.',
          },
          { cause: error },
        ),
      ),
    );
    server.listen(socketPath, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => log.error({ error: messageOf(error) }, 'control socket failed'));
      resolve();
    });
  });
  chmodSync(socketPath, 0o600);

  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.close();
      }),
  };
}

/** The caller holds the state directory's lock, so a socket that is already there belongs to nobody alive. */
function removeLeftover(socketPath: string): void {
  try {
    unlinkSync(socketPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new AetherError(
        {
          code: 'control.listen',
          who: 'host',
          message: `The old control socket ${socketPath} cannot be removed: ${messageOf(error)}.`,
          next: 'Remove it by hand, then start the host again.',
        },
        { cause: error },
      );
    }
  }
}

/** @param why null: the door is full. */
function refuse(socket: Socket, why: string | null): void {
  const error =
    why === null
      ? new AetherError({
          code: 'control.busy',
          who: 'user',
          message: `The host already serves ${limits.control_connections_max} control connections.`,
          next: 'Close some `aether` commands, then try again.',
        })
      : new AetherError({
          code: 'control.refused',
          who: 'agent',
          message: `This process may not operate the host: ${why}.`,
          next: 'Agents use the aether_* tools; operators run `aether` outside any agent.',
        });
  const reply: ControlReply = { id: 0, error: toWireError(error) };
  socket.end(`${JSON.stringify(reply)}\n`);
  // Whatever it still sends is thrown away, and it does not get to keep the connection open.
  socket.resume();
  setTimeout(() => socket.destroy(), 1_000).unref();
}

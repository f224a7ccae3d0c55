/**
 * The operator's door: a unix socket that speaks control-protocol.ts. It decides nothing itself: `admit` decides who
 * may connect (by the peer's credentials, never an argument), and only the verbs of the host can be asked for.
 */
import type { Socket } from 'node:net';
import type { RefusalReport } from '../doors/refusals.ts';
import { type Admit, openUnixDoor, type Refusal } from '../doors/unix-door.ts';
import { AetherError, messageOf, toWireError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import type { Dispatcher } from '../verbs/dispatch.ts';
import type { Asker } from '../verbs/verb.ts';
import { localOperator } from './asker.ts';
import { ControlConnection } from './connection.ts';
import { CONTROL_PROTOCOL, type ControlHello, type ControlReply } from './control-protocol.ts';

export interface ControlDoorOptions {
  verbs: Dispatcher;
  /** Who an admitted peer is; default: the operator at this machine. */
  asker?: Asker;
  /** Absolute; its directory exists with mode 0700. A socket left behind there is replaced. */
  socketPath: string;
  /** Whether this peer is an operator: true, or why not (a peer inside any run never is). */
  admit: Admit;
  log: Log;
  version: string;
  report?(report: RefusalReport): void;
}

export interface ControlDoor {
  /**
   * Takes no further connection, answers the calls in progress for as long as that takes, at most
   * `control_drain_ms`, then ends every connection and removes the socket.
   */
  close(): Promise<void>;
}

/** @throws AetherError `socket.not-made`, `socket.path-too-long` */
export async function openControlDoor(options: ControlDoorOptions): Promise<ControlDoor> {
  const { verbs, asker = localOperator(), log } = options;
  const connections = new Set<ControlConnection>();

  function serve(socket: Socket): void {
    socket.on('error', (error) => log.debug({ error: messageOf(error) }, 'control connection broke'));
    const hello: ControlHello = {
      aether: 'control',
      protocol: CONTROL_PROTOCOL,
      version: options.version,
      pid: process.pid,
    };
    socket.write(`${JSON.stringify(hello)}\n`);
    const connection = new ControlConnection(socket, verbs, asker, log);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  }

  const door = await openUnixDoor({
    name: 'control',
    path: options.socketPath,
    caps: {
      connections_max: limits.control_connections_max,
      connections_per_peer_max: limits.control_connections_per_peer_max,
    },
    operators: true,
    admit: options.admit,
    serve,
    refusal,
    report: options.report ?? (() => undefined),
    failed: (error) => log.error({ error: messageOf(error) }, 'the control socket failed'),
  });
  return {
    close: async () => {
      door.shut();
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, limits.control_drain_ms);
      const all = [...connections].map((connection) => connection.drain().then(() => connection.close()));
      await Promise.race([Promise.all(all), patience.promise]);
      clearTimeout(timer);
      await door.close();
    },
  };
}

function refusal({ why, full }: Refusal): string {
  const error =
    full === null
      ? new AetherError({
          code: 'control.refused',
          who: 'agent',
          message: `This process may not operate the host: ${why}.`,
          next: 'Agents use the aether_* tools; operators run `aether` outside any agent.',
        })
      : new AetherError({
          code: 'control.busy',
          who: 'user',
          message: `The host takes no further control connection: ${why}.`,
          next: 'Close some `aether` commands, then try again.',
        });
  const reply: ControlReply = { id: 0, error: toWireError(error) };
  return `${JSON.stringify(reply)}\n`;
}

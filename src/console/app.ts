/**
 * The console: an unprivileged client of the host with a page to look at. Anything it does, the command line
 * can do; all it has of the host are its verbs. Listens on 127.0.0.1 only.
 */
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import type { Clock } from '../host/clock.ts';
import type { RefusalReport } from '../host/doors/refusals.ts';
import { TcpDoor } from '../host/doors/tcp-door.ts';
import { AetherError } from '../host/errors.ts';
import { limits } from '../host/limits.ts';
import type { Log } from '../host/log.ts';
import type { Dispatcher } from '../host/verbs/dispatch.ts';
import { Auth } from './auth.ts';
import { CONSOLE, type ConsoleContext } from './context.ts';
import { consoleApp } from './server.ts';
import { fileSessionStore, type SessionStore } from './session-store.ts';
import { serveSockets } from './sockets/upgrade.ts';

export interface ConsoleOptions {
  verbs: Dispatcher;
  /** The first port that is tried; 0 lets the system choose. */
  port: number;
  log: Log;
  clock: Clock;
  /** Told of connections that are not served: once when it begins, not for each. */
  report?(report: RefusalReport): void;
  /** Absolute path of the built browser code (dist/console/web). */
  webDir: string;
  /** Where sessions are kept; by default console-sessions.json in the host's state directory. */
  sessions?: SessionStore;
}

export interface RunningConsole {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** A new link that signs one browser in, once, within ten minutes. */
  loginLink(): string;
  close(): Promise<void>;
}

/** @throws AetherError console.off, when a host without a console is asked for a link into it */
export function consoleOff(): never {
  throw new AetherError({
    code: 'console.off',
    who: 'config',
    message: 'The console of this host is switched off.',
    next: 'Remove `console: {enabled: false}` from the configuration and start the host again.',
  });
}

/** @throws AetherError console.no-port when neither the port nor those after it are free. */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const { verbs, log, clock, webDir } = options;
  const { stateDir } = verbs.call(CONSOLE, 'info', {});
  const sessions = options.sessions ?? fileSessionStore(join(stateDir, 'console-sessions.json'), log);
  const auth = new Auth(clock, sessions);
  let port = 0;
  let door: TcpDoor;
  const context: ConsoleContext = {
    verbs,
    auth,
    clock,
    log,
    webDir,
    port: () => port,
    known: (socket) => door.known(socket),
  };

  // Without its TLS options the adaptor makes a node:http server.
  const server = createAdaptorServer({
    fetch: consoleApp(context).fetch,
    serverOptions: { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 },
    createServer: ((serverOptions, listener) =>
      createServer(serverOptions, (request, response) => {
        const { socket } = request;
        if (!door.mayAsk(socket)) return;
        response.once('close', () => {
          door.answered(socket);
          // A browser would keep the connection for the next request.
          if (!server.listening) socket.destroySoon();
        });
        listener?.(request, response);
      })) as typeof createServer,
  }) as Server;
  door = new TcpDoor(server, {
    name: 'console',
    known_max: limits.console_connections_max,
    newcomers_max: limits.console_newcomers_max,
    newcomer_ms: limits.console_newcomer_ms,
    clock,
    report: options.report ?? (() => undefined),
  });
  const closeSockets = serveSockets(server, context);
  port = await listen(server, options.port);
  const url = `http://127.0.0.1:${port}`;
  log.info({ url }, 'console');

  return {
    url,
    loginLink: () => `${url}/login?token=${auth.newLink()}`,
    close: async () => {
      closeSockets();
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
      });
      door.close();
      // Requests in progress are answered first: the one that ends the host is among them.
      const timer = setTimeout(() => server.closeAllConnections(), limits.console_drain_ms);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** @returns the port that was free. */
async function listen(server: Server, first: number): Promise<number> {
  const last = first === 0 ? 0 : Math.min(65_535, first + limits.console_port_tries_max);
  for (let port = first; port <= last; port += 1) {
    if (await tryPort(server, port)) {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    }
  }
  throw new AetherError({
    code: 'console.no-port',
    who: 'user',
    message: `No port from ${first} to ${last} is free for the console.`,
    next: 'Set `console: {port: …}` in aether.yaml to a free one, or to 0.',
  });
}

function tryPort(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      server.removeListener('listening', listening);
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    };
    const listening = (): void => {
      server.removeListener('error', failed);
      resolve(true);
    };
    server.once('error', failed);
    server.once('listening', listening);
    server.listen({ port, host: '127.0.0.1', exclusive: true });
  });
}

/**
 * The console: an unprivileged client of the host that serves a page. It has only the verbs of the host, so the command
 * line can do all that it does. It listens on loopback only.
 */
import { createServer, type RequestListener } from 'node:http';
import type { Clock } from '../host/clock.ts';
import type { RefusalReport } from '../host/doors/refusals.ts';
import { TcpDoor } from '../host/doors/tcp-door.ts';
import { AetherError, messageOf } from '../host/errors.ts';
import { limits } from '../host/limits.ts';
import type { Log } from '../host/log.ts';
import type { Dispatcher } from '../host/verbs/dispatch.ts';
import { newName, urlOf } from './address.ts';
import { Auth } from './auth.ts';
import { LINK_FRAGMENT } from './console-protocol.ts';
import type { ConsoleContext } from './context.ts';
import { listenLocally } from './listen.ts';
import { serveSockets } from './sockets/upgrade.ts';

export interface ConsoleOptions {
  verbs: Dispatcher;
  /** The first port that is tried; 0 lets the system choose. */
  port: number;
  /** Not these. */
  never?: readonly number[];
  log: Log;
  clock: Clock;
  /** Told of connections that are not served: once when it begins, not for each. */
  report?(report: RefusalReport): void;
  /** Absolute path of the built browser code (dist/console/web). */
  webDir: string;
}

export interface RunningConsole {
  /** `http://NAME.localhost:PORT`, another name with every start. */
  url: string;
  /**
   * A new link that signs one browser in, once, within ten minutes.
   * @param plain with an address in place of the name, for browsers that do not resolve it
   */
  loginLink(plain?: boolean): string;
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

/** With the first request: the classes of fetch, which come with TLS and HTTP/2, are a tenth of what a host's start costs. */
function whenAsked(context: ConsoleContext): RequestListener {
  let loading: Promise<RequestListener> | null = null;
  return (request, response) => {
    loading ??= import('./listener.ts').then(({ listenerOf }) => listenerOf(context));
    loading.then(
      (listener) => listener(request, response),
      (error: unknown) => {
        context.log.error({ why: messageOf(error) }, 'console request');
        response.destroy();
      },
    );
  };
}

/** @throws AetherError console.no-port when neither the port nor those after it are free. */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const { verbs, log, clock, webDir } = options;
  const auth = new Auth(clock);
  const address = { name: newName(), port: 0 };
  let door: TcpDoor;
  const context: ConsoleContext = {
    verbs,
    auth,
    clock,
    log,
    webDir,
    address,
    known: (socket) => door.known(socket),
  };

  const answer = whenAsked(context);
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 },
    (request, response) => {
      const { socket } = request;
      if (!door.mayAsk(socket)) return;
      response.once('close', () => {
        door.answered(socket);
        // A browser would keep the connection for the next request.
        if (!server.listening) socket.destroySoon();
      });
      answer(request, response);
    },
  );
  door = new TcpDoor(server, {
    name: 'console',
    known_max: limits.console_connections_max,
    newcomers_max: limits.console_newcomers_max,
    newcomer_ms: limits.console_newcomer_ms,
    clock,
    report: options.report ?? (() => undefined),
  });
  const closeSockets = serveSockets(server, context);
  const listening = await listenLocally(server, options.port, options.never);
  address.port = listening.port;
  const url = urlOf(address);
  log.info({ url }, 'console');

  return {
    url,
    loginLink: (plain) => `${urlOf(address, plain)}/${LINK_FRAGMENT}${auth.newLink()}`,
    close: async () => {
      closeSockets();
      listening.close();
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

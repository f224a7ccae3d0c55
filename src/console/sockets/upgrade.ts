/** Turns upgrade requests into sockets, after the same guard as HTTP. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { AetherError, type WireError } from '../../host/errors.ts';
import { limits } from '../../host/limits.ts';
import { KEY_PREFIX, SUBPROTOCOL } from '../console-protocol.ts';
import { CONSOLE, type ConsoleContext } from '../context.ts';
import { failure, statusOf } from '../failures.ts';
import { admit, isRefusal, type Refusal } from '../guard.ts';
import { type AgentFeed, agentFeed } from './agent-feed.ts';
import { ConsoleSocket, heartbeat, sendError } from './console-socket.ts';
import { serveLive } from './live.ts';
import { serveTerminal } from './terminal.ts';

/** @returns close: ends every socket with "going away", so that browsers connect again at once. */
export function serveSockets(server: Server, context: ConsoleContext): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.websocket_message_bytes_max,
    WebSocket: ConsoleSocket,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  const feed = agentFeed(context.verbs, context.clock, context.log);

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', (error) => context.log.debug({ why: error.message }, 'console upgrade'));
    // What a client sends before it has signed in may lead to a refusal, never to an error that ends the host.
    try {
      const decision = decide(request, context, feed, sockets.clients.size);
      if (typeof decision !== 'function') return refuse(socket, decision);
      if (!context.known(socket as Socket)) return;
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        heartbeat(webSocket, context.clock);
        try {
          decision(webSocket);
        } catch (error) {
          sendError(webSocket, error, context.log);
          webSocket.close(1011, 'The host could not be read.');
        }
      });
    } catch (error) {
      refuse(socket, failure(error, context.log).body);
    }
  });

  return () => {
    feed.close();
    for (const client of sockets.clients) {
      client.close(1001, 'The host is stopping.');
      client.terminate();
    }
    sockets.close();
  };
}

/** @returns what to do with the socket, or why it is refused. */
function decide(
  request: IncomingMessage,
  context: ConsoleContext,
  feed: AgentFeed,
  open: number,
): ((socket: WebSocket) => void) | Refusal {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
  const admitted = admit(
    {
      host: request.headers.host,
      origin: request.headers.origin,
      site: header(request, 'sec-fetch-site'),
      cookie: request.headers.cookie,
      key: offered.find((word) => word.startsWith(KEY_PREFIX))?.slice(KEY_PREFIX.length),
      needsOrigin: true,
      needsKey: true,
    },
    context.port(),
    context.auth,
  );
  if (isRefusal(admitted)) return admitted;
  if (open >= limits.console_sockets_max) {
    const error: WireError = {
      code: 'console.sockets',
      who: 'user',
      message: `${limits.console_sockets_max} connections to the console are open.`,
      next: 'Close tabs you do not need.',
    };
    return { error };
  }
  const path = (request.url ?? '/').split('?', 1)[0]!;
  const serve = route(path, context, feed, admitted);
  return serve instanceof AetherError ? { error: serve.toWire() } : serve;
}

function route(
  path: string,
  context: ConsoleContext,
  feed: AgentFeed,
  session: Parameters<typeof serveLive>[3],
): ((socket: WebSocket) => void) | AetherError {
  if (path === '/ws') return (socket) => serveLive(socket, context, feed, session);
  const name = /^\/terminal\/([^/]+)$/.exec(path)?.[1];
  if (name !== undefined) {
    try {
      const view = context.verbs.call(CONSOLE, 'agent', { agent: decodeURIComponent(name) });
      return (socket) => serveTerminal(socket, context, view.name, session);
    } catch (error) {
      if (error instanceof AetherError) return error;
      if (!(error instanceof URIError)) throw error;
    }
  }
  return new AetherError({
    code: 'console.unknown-path',
    who: 'user',
    message: `There is no socket at ${path}.`,
    next: 'Use /ws or /terminal/NAME.',
  });
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function refuse(socket: Duplex, { error }: Refusal): void {
  const body = JSON.stringify({ error });
  socket.end(
    `HTTP/1.1 ${statusOf(error)} Refused\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

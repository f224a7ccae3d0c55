/** Turns upgrade requests into sockets, after the same guard as HTTP; a page shows its session on the socket itself. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { AetherError } from '../../host/errors.ts';
import { limits } from '../../host/limits.ts';
import type { Session } from '../auth.ts';
import { SUBPROTOCOL } from '../console-protocol.ts';
import { CONSOLE, type ConsoleContext } from '../context.ts';
import { failure, statusOf } from '../failures.ts';
import { type Refusal, refusal } from '../guard.ts';
import { type AgentFeed, agentFeed } from './agent-feed.ts';
import { ConsoleSocket, heartbeat, sendError } from './console-socket.ts';
import { REFUSED, shakeHands } from './handshake.ts';
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

  const admitted = new Map<WebSocket, Session>();
  context.auth.onSignOut((ended) => {
    for (const [socket, session] of admitted)
      if (session.id === ended.id) socket.close(REFUSED, 'console.signed-out');
  });
  const serve = (socket: WebSocket, transport: Socket, path: string) =>
    shakeHands(socket, path, context.auth, (session) => {
      if (!context.known(transport)) return;
      try {
        if (admitted.size >= limits.console_sockets_max) throw tooMany();
        const serving = route(path, context, feed);
        admitted.set(socket, session);
        socket.once('close', () => admitted.delete(socket));
        heartbeat(socket, context.clock);
        serving(socket, session);
      } catch (error) {
        sendError(socket, error, context.log);
        socket.close(1011, 'The host could not serve it.');
      }
    });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', (error) => context.log.debug({ why: error.message }, 'console upgrade'));
    // What a client sends before it has signed in may lead to a refusal, never to an error that ends the host.
    try {
      const refused = refusedAtOnce(request, context);
      if (refused !== null) return refuse(socket, refused);
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', (error) => context.log.debug({ why: error.message }, 'console socket'));
        serve(webSocket, socket as Socket, pathOf(request));
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

function refusedAtOnce(request: IncomingMessage, context: ConsoleContext): Refusal | null {
  const { host, origin } = request.headers;
  const site = header(request, 'sec-fetch-site');
  const refused = refusal({ host, origin, site, needsOrigin: true, data: true }, context.address);
  if (refused !== null) return refused;
  return PATHS.test(pathOf(request)) ? null : { error: unknownSocket(pathOf(request)).toWire() };
}

/** Whether an agent of that name exists is said to a session alone. */
const PATHS = /^\/(?:ws|terminal\/([^/]+))$/;

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0]!;
}

/** @throws AetherError */
function route(
  path: string,
  context: ConsoleContext,
  feed: AgentFeed,
): (socket: WebSocket, session: Session) => void {
  if (path === '/ws') return (socket, session) => serveLive(socket, context, feed, session);
  const name = PATHS.exec(path)?.[1] ?? '';
  const view = context.verbs.call(CONSOLE, 'agent', { agent: decoded(name, path) });
  return (socket, session) => serveTerminal(socket, context, view.name, session);
}

function decoded(name: string, path: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw unknownSocket(path);
  }
}

function unknownSocket(path: string): AetherError {
  return new AetherError({
    code: 'console.unknown-path',
    who: 'user',
    message: `There is no socket at ${path}.`,
    next: 'Use /ws or /terminal/NAME.',
  });
}

function tooMany(): AetherError {
  return new AetherError({
    code: 'console.sockets',
    who: 'user',
    message: `${limits.console_sockets_max} connections to the console are open.`,
    next: 'Close tabs you do not need.',
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

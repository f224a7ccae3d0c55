/**
 * A unix socket that bridges connect to. A door checks each peer before it reads a byte, tells a refused one why, and
 * serves the rest over the MCP SDK in whatever era they speak. The kind of door decides who a peer is: run-door.ts,
 * client-door.ts.
 */
import type { Socket } from 'node:net';
import type { Server as McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { RefusalReport } from '../../host/doors/refusals.ts';
import { type Admit, openUnixDoor } from '../../host/doors/unix-door.ts';
import { messageOf } from '../../host/errors.ts';
import { limits as hostLimits } from '../../host/limits.ts';
import { LineReader } from '../../host/line-reader.ts';
import { cutText } from '../../host/text.ts';
import { BRIDGE_PROTOCOL, type BridgeHello } from '../bridge/bridge-protocol.ts';
import { createToolServer, type DoorLog, type Identity } from '../server.ts';
import type { Tool, ToolLedger } from '../tool.ts';
import { BridgeTransport, type TransportLimits } from './bridge-transport.ts';

const REFUSED = -32001;

export interface DoorLimits extends TransportLimits {
  mcp_connections_per_run_max: number;
  mcp_connections_of_clients_max: number;
  mcp_connections_per_peer_max: number;
  mcp_hello_ms: number;
}

export interface DoorOptions {
  ledger: ToolLedger;
  /** Of the host, for the handshake. */
  version: string;
  /** Its directory exists, 0700. A socket a dead host left there is replaced. */
  socketPath: string;
  /** Called at accept: true, or why this peer is not served. */
  admit: Admit;
  log: DoorLog;
  /** Told of connections that are not served: once when it begins, not for each. */
  report?(report: RefusalReport): void;
  /** Default: the host's. */
  limits?: DoorLimits;
  /** Default: the whole catalog. */
  tools?: readonly Tool[];
}

export interface Door {
  /** Stops listening and drops every connection; their bridges will try to come back. */
  close(): Promise<void>;
  /** The grants changed: clients that asked to be told list their tools again. */
  toolsChanged(): void;
  /** How many peers are connected now. */
  readonly connections: number;
}

/** What tells one kind of door from another. */
export interface DoorKind {
  /** In reports. */
  name: string;
  connections_max: number;
  /** Who the peer is, by the door and its greeting; or why it is refused. */
  identify(hello: BridgeHello): Identity | string;
}

export async function openDoor(options: DoorOptions, kind: DoorKind): Promise<Door> {
  const { socketPath, log } = options;
  const limits = options.limits ?? hostLimits;
  const servers = new Set<McpServer>();
  const door = await openUnixDoor({
    name: kind.name,
    path: socketPath,
    caps: {
      connections_max: kind.connections_max,
      connections_per_peer_max: limits.mcp_connections_per_peer_max,
    },
    operators: false,
    admit: options.admit,
    serve: (socket) => {
      socket.on('error', (error) => log.warn({ error: messageOf(error) }, 'an MCP connection failed'));
      greet(socket, { ...options, limits }, kind.identify, servers);
    },
    refusal: ({ why, full }) => refusal(full === null ? why : doorIsFull(why)),
    report: options.report ?? (() => undefined),
    failed: (error) => log.error({ socketPath, error: messageOf(error) }, 'an MCP door failed'),
  });
  return {
    close: () => door.close(),
    toolsChanged() {
      for (const each of servers) {
        each.sendToolListChanged().catch((error) => {
          log.warn({ error: messageOf(error) }, 'a client could not be notified of its new tools');
        });
      }
    },
    get connections() {
      return door.connections;
    },
  };
}

function doorIsFull(why: string): string {
  return `This door takes no further connection: ${why}. Close some of this client's MCP servers.`;
}

type Resolved = DoorOptions & { limits: DoorLimits };

/** Waits for the bridge's first line, then hands the connection to a server of its own. */
function greet(
  socket: Socket,
  options: Resolved,
  identify: DoorKind['identify'],
  servers: Set<McpServer>,
): void {
  const lines = new LineReader(options.limits.mcp_line_bytes_max);
  const late = setTimeout(() => refuse(socket, 'No greeting came in time.'), options.limits.mcp_hello_ms);
  socket.on('close', () => clearTimeout(late));
  const stop = (why: string) => {
    lines.onLine = () => {};
    lines.onTooLong = () => {};
    clearTimeout(late);
    refuse(socket, why);
  };
  lines.onTooLong = () =>
    stop('The greeting is too long: this socket speaks the protocol of the aether bridge.');
  lines.onLine = (line) => {
    const hello = parseHello(line);
    if (typeof hello === 'string') return stop(hello);
    const identity = identify(hello);
    if (typeof identity === 'string') return stop(identity);
    clearTimeout(late);
    serve(socket, lines, hello, identity, options, servers);
  };
  socket.on('data', (chunk) => lines.push(chunk));
}

function serve(
  socket: Socket,
  lines: LineReader,
  hello: BridgeHello,
  identity: Identity,
  options: Resolved,
  servers: Set<McpServer>,
): void {
  const { ledger, version, log, limits, tools } = options;
  const { principal } = identity;
  const transport = new BridgeTransport(socket, lines, limits);
  log.info({ principal, instance: hello.instance, resumed: hello.resumed }, 'an MCP client connected');
  serveStdio(
    () => {
      const server = createToolServer({
        ledger,
        identity,
        receiptKey: (id) => ({ instance: hello.instance, ...transport.sequenceOf(id) }),
        ...(tools === undefined ? {} : { tools }),
        version,
        log,
      });
      servers.add(server);
      server.onclose = () => servers.delete(server);
      return server;
    },
    {
      transport,
      maxSubscriptions: limits.mcp_unanswered_max,
      onerror: (error) => log.warn({ principal, error: messageOf(error) }, 'MCP: a message was not served'),
    },
  );
}

/** @returns the greeting, or why it is none. */
function parseHello(line: string): BridgeHello | string {
  let hello: Partial<BridgeHello> | null;
  try {
    hello = JSON.parse(line) as Partial<BridgeHello> | null;
  } catch {
    hello = null;
  }
  if (hello === null || typeof hello !== 'object' || hello.aether !== 'bridge') {
    return 'This socket speaks the protocol of the aether bridge. Start your MCP client with the bridge as its stdio server ("aether mcp").';
  }
  if (hello.protocol !== BRIDGE_PROTOCOL) {
    return `This host speaks bridge protocol ${BRIDGE_PROTOCOL}, the bridge ${cutText(String(hello.protocol), { chars_max: 16 })}. Start the client's MCP server again, so that both are of one version.`;
  }
  if (typeof hello.instance !== 'string' || hello.instance === '' || hello.instance.length > 128) {
    return 'The greeting names no bridge instance.';
  }
  if (hello.client !== undefined && typeof hello.client !== 'string')
    return 'The name of a client is a text.';
  return {
    aether: 'bridge',
    protocol: BRIDGE_PROTOCOL,
    instance: hello.instance,
    resumed: hello.resumed === true,
    ...(hello.client === undefined ? {} : { client: hello.client }),
  };
}

/** One JSON-RPC error that says why. */
function refusal(why: string): string {
  const error = { code: REFUSED, message: why, data: { refused: true } };
  return `${JSON.stringify({ jsonrpc: '2.0', id: null, error })}\n`;
}

function refuse(socket: Socket, why: string): void {
  socket.end(refusal(why));
  socket.destroySoon();
}

/**
 * A unix socket that bridges connect to. A door checks each peer before it reads a byte, tells a refused one
 * why, and serves the rest over the MCP SDK in whatever era they speak. Who a peer is, is up to the kind of door:
 * run-door.ts, client-door.ts.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { Server as McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { AetherError, messageOf } from '../../host/errors.ts';
import { limits as hostLimits } from '../../host/limits.ts';
import { BRIDGE_PROTOCOL, type BridgeHello } from '../bridge/wire.ts';
import { createToolServer, type DoorLog, type Identity } from '../server.ts';
import type { Tool, ToolHost } from '../tool.ts';
import { BridgeTransport, type TransportLimits } from './bridge-transport.ts';
import { LineReader } from './lines.ts';

const REFUSED = -32001;
/** From accept to the first line. */
const HELLO_MS = 10_000;

export interface DoorLimits extends TransportLimits {
  mcp_connections_per_run_max: number;
}

export interface DoorOptions {
  host: ToolHost;
  /** At most 107 bytes; its directory exists, 0700. A socket a dead host left there is replaced. */
  socketPath: string;
  /** Called at accept: true, or why this peer is not served. */
  admit(socket: Socket): true | string;
  log: DoorLog;
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

/** Who the peer is, by the door and its greeting; or why it is nobody. */
export type Identify = (hello: BridgeHello) => Identity | string;

export async function openDoor(options: DoorOptions, identify: Identify): Promise<Door> {
  const { socketPath, admit, log } = options;
  const limits = options.limits ?? hostLimits;
  const sockets = new Set<Socket>();
  const servers = new Set<McpServer>();

  const server = createServer((socket) => {
    socket.on('error', (error) => log.warn({ error: messageOf(error) }, 'an MCP connection failed'));
    if (sockets.size >= limits.mcp_connections_per_run_max) {
      refuse(
        socket,
        `This door already has ${sockets.size} connections. Close some of this client's MCP servers.`,
      );
      return;
    }
    const admitted = judge(admit, socket, log);
    if (admitted !== true) {
      log.warn({ socketPath, why: admitted }, 'an MCP peer was refused');
      refuse(socket, admitted);
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    greet(socket, { ...options, limits }, identify, servers);
  });

  await listen(server, socketPath);
  // After that, what fails is one accept (no file descriptors left, say), not the door.
  server.on('error', (error) =>
    log.error({ socketPath, error: messageOf(error) }, 'an MCP peer was not accepted'),
  );
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    toolsChanged() {
      for (const each of servers) {
        each.sendToolListChanged().catch((error) => {
          log.warn({ error: messageOf(error) }, 'a client could not be told of its new tools');
        });
      }
    },
    get connections() {
      return sockets.size;
    },
  };
}

/** A peer that cannot be judged (it is gone already, say) is not admitted. */
function judge(admit: DoorOptions['admit'], socket: Socket, log: DoorLog): true | string {
  try {
    return admit(socket);
  } catch (error) {
    log.error({ error: messageOf(error) }, 'an MCP peer could not be judged');
    return 'The host could not find out who you are. Connect again.';
  }
}

type Resolved = DoorOptions & { limits: DoorLimits };

/** Waits for the bridge's first line, then hands the connection to a server of its own. */
function greet(socket: Socket, options: Resolved, identify: Identify, servers: Set<McpServer>): void {
  const lines = new LineReader(options.limits.mcp_line_bytes_max);
  const late = setTimeout(() => refuse(socket, 'No greeting came in time.'), HELLO_MS);
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
  const { host, log, limits, tools } = options;
  const { principal } = identity;
  const transport = new BridgeTransport(socket, lines, limits);
  log.info({ principal, instance: hello.instance, resumed: hello.resumed }, 'an MCP client connected');
  serveStdio(
    () => {
      const server = createToolServer({
        host,
        identity,
        receiptKey: (id) => ({ instance: hello.instance, ...transport.sequenceOf(id) }),
        ...(tools === undefined ? {} : { tools }),
        version: host.info().version,
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
    return `This host speaks bridge protocol ${BRIDGE_PROTOCOL}, the bridge ${String(hello.protocol).slice(0, 16)}. Start the client's MCP server again, so that both are of one version.`;
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

/** One JSON-RPC error that says why, and the end. */
function refuse(socket: Socket, why: string): void {
  const error = { code: REFUSED, message: why, data: { refused: true } };
  socket.end(`${JSON.stringify({ jsonrpc: '2.0', id: null, error })}\n`);
  socket.destroySoon();
}

async function listen(server: ReturnType<typeof createServer>, socketPath: string): Promise<void> {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > 107) {
    throw new AetherError({
      code: 'socket.path-too-long',
      who: 'host',
      message: `The socket path ${socketPath} has ${bytes} bytes; the system takes 107.`,
      next: 'Set XDG_RUNTIME_DIR to a shorter directory.',
    });
  }
  if (lstatSync(socketPath, { throwIfNoEntry: false })?.isSocket()) unlinkSync(socketPath);
  // Bound within listen(): with this umask nobody else can connect before the mode is set.
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, resolve);
      process.umask(umask);
    });
  } finally {
    process.umask(umask);
  }
  chmodSync(socketPath, 0o600);
}

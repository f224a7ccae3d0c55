/**
 * The port of the console, on both loopback addresses: a browser that resolves a name below .localhost tries ::1 as
 * well as 127.0.0.1, and another program could listen on an address that the host leaves free.
 */
import type { Server } from 'node:http';
import { createServer, type Server as NetServer } from 'node:net';
import { AetherError } from '../host/errors.ts';
import { limits } from '../host/limits.ts';

/** With port 0 the system chooses one that is free on the first address only. */
const ANY_PORT_TRIES_MAX = 16;

/**
 * @param never ports that lead into the box of an agent
 * @throws AetherError console.no-port when neither the port nor those after it are free.
 */
export async function listenLocally(
  server: Server,
  first: number,
  never: readonly number[] = [],
): Promise<{ port: number; close(): void }> {
  const last = Math.min(65_535, first + limits.console_port_tries_max);
  const ports =
    first === 0
      ? Array.from({ length: ANY_PORT_TRIES_MAX }, () => 0)
      : Array.from({ length: last - first + 1 }, (_, index) => first + index);
  for (const port of ports) {
    if (never.includes(port) || (await tryPort(server, port, '127.0.0.1')) !== 'listens') continue;
    const chosen = portOf(server) ?? port;
    const other = createServer((socket) => server.emit('connection', socket));
    // Without IPv6 no browser gets anywhere at ::1 either.
    if (!never.includes(chosen) && (await tryPort(other, chosen, '::1')) !== 'taken')
      return { port: chosen, close: () => other.close() };
    await new Promise((resolve) => server.close(resolve));
  }
  throw new AetherError({
    code: 'console.no-port',
    who: 'user',
    message:
      first === 0
        ? 'No port is free for the console on 127.0.0.1 and ::1.'
        : `No port from ${first} to ${last} is free for the console on 127.0.0.1 and ::1.`,
    next: 'Set `console: {port: …}` in aether.yaml to a free one, or to 0.',
  });
}

function portOf(server: Server): number | null {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : null;
}

function tryPort(server: NetServer, port: number, host: string): Promise<'listens' | 'taken' | 'no-address'> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      server.removeListener('listening', listening);
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve('taken');
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve('no-address');
      else reject(error);
    };
    const listening = (): void => {
      server.removeListener('error', failed);
      resolve('listens');
    };
    server.once('error', failed);
    server.once('listening', listening);
    server.listen({ port, host, exclusive: true });
  });
}

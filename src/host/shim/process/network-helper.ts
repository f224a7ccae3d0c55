/**
 * Opens one socket in the network namespace that it was started in, hands it to the shim and ends. The listening
 * socket, or the connection, outlives it.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { HelperRequest } from './network.ts';

const { kind, port } = JSON.parse(process.argv[2] ?? '{}') as HelperRequest;

function answer(message: object, handle?: Server | Socket): void {
  process.send?.(message, handle, {}, () => process.exit(0));
}

function failed(error: Error): void {
  answer({ error: error.message });
}

// The shim hangs up once it has the handle.
process.on('disconnect', () => process.exit(0));
if (kind === 'listen') {
  const server = createServer();
  server.on('error', failed);
  server.listen({ host: '127.0.0.1', port }, () => answer({ done: true }, server));
} else {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', failed);
  socket.on('connect', () => answer({ done: true }, socket));
}

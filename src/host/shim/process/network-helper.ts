/**
 * Runs in the network namespace of a run, and nowhere else of its sandbox: opens sockets there and hands them to the
 * shim. `open` also sets the namespace up: loopback, and routes that block destinations. A socket outlives this
 * process.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { loopbackUp } from '../../process/libc.ts';
import type { FromHelper, HelperRequest, Listen } from './network.ts';

const { kind, listen, unreachable, attached } = JSON.parse(process.argv[2] ?? '{}') as HelperRequest;

const NO_IPV6 = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** Resolves once it was handed over. */
function say(message: FromHelper | { id: number; error?: string }, handle?: Server | Socket): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, handle, {}, () => resolve());
  });
}

function listening({ host, port }: Listen): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port }, () => resolve(server));
  });
}

/** A route refuses each attempt at once: no route to host. */
function close(destinations: string[]): Promise<void> {
  if (destinations.length === 0) return Promise.resolve();
  const failed = (why: string) => new Error(`Routes cannot be set (ip, of iproute2): ${why}.`);
  return new Promise((resolve, reject) => {
    const child = execFile('ip', ['-batch', '-'], (error, _stdout, stderr) =>
      error === null ? resolve() : reject(failed(stderr.trim() || error.message)),
    );
    // It has ended before it read all: its end says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(destinations.map((one) => `route add unreachable ${one}\n`).join(''));
  });
}

async function open(): Promise<void> {
  if (kind === 'open') loopbackUp();
  const closed = close(unreachable);
  // Heard of below; a listener that fails first is what is told.
  closed.catch(() => undefined);
  for (const one of listen) {
    const server = await listening(one).catch((error: NodeJS.ErrnoException) => {
      if (one.host === '::1' && NO_IPV6.has(error.code ?? '')) return undefined;
      throw error;
    });
    await say({ listens: server !== undefined }, server);
  }
  await closed;
  if (attached) await wayOut();
  await say({ done: true });
}

const WAY_OUT_MS = 5_000;
const LOOK_MS = 2;

/** Until passt has made its interface and the default route over it. */
async function wayOut(): Promise<void> {
  const deadline = performance.now() + WAY_OUT_MS;
  while (!/^eth0\t00000000\t/m.test(readFileSync('/proc/self/net/route', 'utf8'))) {
    if (performance.now() > deadline) throw new Error('passt did not attach the network.');
    await sleep(LOOK_MS);
  }
}

function dial({ id, port }: { id: number; port: number }): void {
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('error', (error) => void say({ id, error: error.message }));
  // Handed over unread: what the server says first is the other side's.
  socket.once('connect', () => void say({ id }, socket));
  socket.pause();
}

// The shim hangs up once it has what it asked for, and when it ends.
process.on('disconnect', () => process.exit(0));
if (kind === 'dial') process.on('message', dial);
else open().catch((error: Error) => void say({ error: error.message }).then(() => process.exit(1)));

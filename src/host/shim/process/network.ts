/**
 * Sockets inside the network of a process of the run. Where the process has the shim's own network they are opened
 * here. Where its sandbox gave it another one, a helper enters that network, opens the socket, hands it over and
 * ends: no program of the agent is ever started by entering a sandbox, and the shim itself never leaves its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ownerOfNamespace } from '../../process/libc.ts';
import { descendants } from '../../process/proc.ts';
import { cutText } from '../../text.ts';
import { Refused } from './refused.ts';

const HELPER = fileURLToPath(new URL(`./network-helper${extname(import.meta.url)}`, import.meta.url));
const HELPER_MS = 10_000;
/** A sandbox makes its namespaces within milliseconds of its start. */
const NAMESPACE_MS = 5_000;
const NAMESPACE_POLL_MS = 5;
const MESSAGE_CHARS_MAX = 400;

/** What the helper is asked for, in its argument. */
export interface HelperRequest {
  kind: 'listen' | 'connect';
  port: number;
}

/** @returns a server that listens on the loopback address there. @throws Refused */
export async function listenInside(pid: number, ownNetwork: boolean, port: number): Promise<Server> {
  if (!ownNetwork) return await listening(createServer({ pauseOnConnect: true }), port);
  // Handed over with its queue: what connected meanwhile is served.
  const server = (await fromHelper(pid, { kind: 'listen', port })) as Server;
  return server;
}

/** @returns a connection to that port there. @throws Refused */
export async function connectInside(pid: number, ownNetwork: boolean, port: number): Promise<Socket> {
  if (ownNetwork) return (await fromHelper(pid, { kind: 'connect', port })) as Socket;
  return await connected(connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
}

function listening(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Refused('relay-listen', error.message)));
    server.listen({ host: '127.0.0.1', port }, () => {
      server.removeAllListeners('error');
      resolve(server);
    });
  });
}

export function connected(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(new Refused('relay-connect', error.message));
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

async function fromHelper(pid: number, request: HelperRequest): Promise<Server | Socket> {
  const network = await openNetworkOf(pid);
  try {
    const owner = ownerOutside(network);
    try {
      return await runHelper(network, owner, request);
    } finally {
      if (owner !== null) closeSync(owner);
    }
  } finally {
    closeSync(network);
  }
}

/** The network namespace of the box that `pid` is the door of: of the nearest descendant that has one of its own. */
async function openNetworkOf(pid: number): Promise<number> {
  const ours = statSync('/proc/self/ns/net').ino;
  const deadline = performance.now() + NAMESPACE_MS;
  for (;;) {
    for (const candidate of [pid, ...descendants(pid).map((entry) => entry.pid)]) {
      const descriptor = open(`/proc/${candidate}/ns/net`);
      if (descriptor === null) continue;
      if (fstatSync(descriptor).ino !== ours) return descriptor;
      closeSync(descriptor);
    }
    if (performance.now() > deadline)
      throw new Refused('relay-network', `Process ${pid} has no network of its own.`);
    await sleep(NAMESPACE_POLL_MS);
  }
}

function open(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null; // that process is gone
  }
}

/** The user namespace whose rights are needed to enter; null where they are ours already. */
function ownerOutside(network: number): number | null {
  const owner = ownerOfNamespace(network);
  if (fstatSync(owner).ino !== statSync('/proc/self/ns/user').ino) return owner;
  closeSync(owner);
  return null;
}

function runHelper(network: number, owner: number | null, request: HelperRequest): Promise<Server | Socket> {
  const enter = ['--net=/proc/self/fd/4', ...(owner === null ? [] : ['--user=/proc/self/fd/5'])];
  const child = spawn(
    'nsenter',
    [...enter, '--preserve-credentials', process.execPath, HELPER, JSON.stringify(request)],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', network, ...(owner === null ? [] : [owner])],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', MALLOC_ARENA_MAX: '1' },
    },
  );
  return handleFrom(child);
}

/** The one handle that the helper sends; it has ended when this resolves, or is told to. */
function handleFrom(child: ChildProcess): Promise<Server | Socket> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = cutText(said + text, { chars_max: MESSAGE_CHARS_MAX });
  });
  return new Promise<Server | Socket>((resolve, reject) => {
    const fail = (why: string) => reject(new Refused('relay-network', `${why} ${said.trim()}`.trim()));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`The helper in the network of the sandbox did not answer within ${HELPER_MS} ms.`);
    }, HELPER_MS);
    child.once('error', (error) => fail(`The sandbox's network cannot be entered: ${error.message}.`));
    child.once('exit', (code, signal) => fail(`The helper ended with ${signal ?? code}.`));
    child.once('message', (message, handle) => {
      clearTimeout(timer);
      if (handle === undefined) fail(String((message as { error?: unknown }).error));
      else resolve(handle as Server | Socket);
      if (child.connected) child.disconnect();
    });
  });
}

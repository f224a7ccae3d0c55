/**
 * The network namespace of a run, where its sandbox has one of its own. The shim makes it before the first process of
 * the run starts and holds it, with what listens inside, until the run ends: each box of the run is started in it, so a
 * takeover that swaps one box for another loses no listener, and no program of the agent can take a port first.
 *
 * * An ordinary user may make a network namespace only in a user namespace, which then owns it: that is held, too. A
 * helper is started in both, opens the sockets, hands them out and ends. Agent code is never started by entering: what
 * is started in the namespace is the program that builds the box, and that confines what it starts.
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cutText } from '../../text.ts';
import type { NetworkSpec } from '../shim-protocol.ts';
import type { Companions } from './companions.ts';
import { Dialer } from './dialer.ts';
import { attach } from './passt.ts';
import { Refused } from './refused.ts';

const EXTENSION = extname(import.meta.url) === '.ts' ? '.ts' : '.cjs';
const HELPER = fileURLToPath(new URL(`./network-helper${EXTENSION}`, import.meta.url));
const HELPER_MS = 10_000;
const SAY_INSIDE = 'echo; exec "$@" >/dev/null';
const MESSAGE_CHARS_MAX = 400;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Listen {
  host: '127.0.0.1' | '::1';
  /** 0: a free one. */
  port: number;
}

/** What the helper is asked for, in its argument. */
export interface HelperRequest {
  kind: 'open' | 'dial' | 'listen';
  listen: Listen[];
  /** Destinations that have no way out of the namespace, whatever is attached to it later. */
  unreachable: string[];
  /** It stays until there is a way out. */
  attached: boolean;
}

const NOTHING = { listen: [], unreachable: [], attached: false };

/** `listens`: with the listener as its handle; false where there is no such address. */
export type FromHelper = { listens?: boolean; done?: true; error?: string };

export class RunNetwork {
  readonly #companions: Companions;
  readonly #dialer: Dialer;
  #net: number | null = null;
  /** Owner of `#net`, where it is not our own user namespace. */
  #user: number | null = null;

  #attached: ChildProcess | null = null;

  constructor(companions: Companions) {
    this.#companions = companions;
    this.#dialer = new Dialer(() => this.#inside({ ...NOTHING, kind: 'dial' }));
  }

  get isOpen(): boolean {
    return this.#net !== null;
  }

  /**
   * Makes it. `direct`: with a way out.
   * @returns what listens in it, in the order of `listen`; null where the kernel has no IPv6
   * @throws Refused
   */
  async open(listen: Listen[], direct?: NetworkSpec['direct']): Promise<(Server | null)[]> {
    const { unreachable = [] } = direct ?? {};
    // passt attaches a namespace that a user namespace owns, also for root.
    const own =
      process.getuid?.() === 0 && direct === undefined ? [] : ['--user', '--map-current-user', '--keep-caps'];
    const request: HelperRequest = { kind: 'open', listen, unreachable, attached: direct !== undefined };
    // What attaches it starts while the helper does: a shell says first that the namespaces are there.
    const enter = ['unshare', ...own, '--net', '--', '/bin/sh', '-c', SAY_INSIDE, 'sh'];
    const child = this.#start(enter, request, 'pipe');
    return await received(child, listen.length, () => {
      this.#net = openSync(`/proc/${child.pid}/ns/net`, 'r');
      if (own.length > 0) this.#user = openSync(`/proc/${child.pid}/ns/user`, 'r');
      if (direct !== undefined) this.#attached = attach(this.#companions, direct.program, child.pid!);
    });
  }

  /** What stands before the arguments of a process that is started in it. No descriptor is inherited. */
  enter(): string[] {
    if (this.#net === null) throw new Refused('relay-network', 'This run has no network of its own.');
    const path = (fd: number) => `/proc/${process.pid}/fd/${fd}`;
    const owner = this.#user === null ? [] : [`--user=${path(this.#user)}`, '--preserve-credentials'];
    return ['/usr/bin/nsenter', `--net=${path(this.#net)}`, ...owner, '--'];
  }

  /** Takes the way out away, for good; its listeners stay. */
  detach(): void {
    this.#attached?.stdin?.destroy();
    this.#attached = null;
  }

  /** A listener of the run: inside, or on our own loopback address where the run shares our network. @throws Refused */
  async listen(port: number): Promise<Server> {
    if (!this.isOpen)
      return await listening(createServer({ pauseOnConnect: true, allowHalfOpen: true }), port);
    const request: HelperRequest = { ...NOTHING, kind: 'listen', listen: [{ host: '127.0.0.1', port }] };
    const [server] = await received(this.#inside(request), 1);
    return server!;
  }

  /** A connection to that port in the network of the run. @throws Refused */
  async dial(port: number): Promise<Socket> {
    if (this.isOpen) return await this.#dialer.dial(port);
    return await connected(connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
  }

  #inside(request: HelperRequest): ChildProcess {
    return this.#start(this.enter(), request);
  }

  /** @param stdout a pipe where it says something before the helper does */
  #start(enter: string[], request: HelperRequest, stdout: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const [file = '', ...before] = enter;
    const node = ['--disable-sigusr1', '--no-warnings', HELPER, JSON.stringify(request)];
    return this.#companions.spawn(file, [...before, process.execPath, ...node], {
      stdio: ['ignore', stdout, 'pipe', 'ipc'],
      env: { PATH, MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' },
    });
  }

  close(): void {
    this.#dialer.close();
    for (const fd of [this.#net, this.#user]) if (fd !== null) closeSync(fd);
    this.#net = null;
    this.#user = null;
  }
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

/** Made elsewhere without these, which are told to each connection. */
function asOurs(server: Server): Server {
  return Object.assign(server, { pauseOnConnect: true, allowHalfOpen: true });
}

/**
 * The handles that a helper sends, and then its end.
 * @param inside called once, while it lives, as soon as its namespaces are there
 */
function received(
  child: ChildProcess,
  count: number,
  inside: () => void = () => undefined,
): Promise<(Server | null)[]> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = cutText(said + text, { chars_max: MESSAGE_CHARS_MAX });
  });
  const servers: (Server | null)[] = [];
  return new Promise<(Server | null)[]>((resolve, reject) => {
    let settled = false;
    const fail = (why: string) => {
      // Its end is heard of after its answer, too.
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      for (const server of servers) server?.close();
      reject(new Refused('relay-network', `${why} ${said.trim()}`.trim()));
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`The helper in the network of the sandbox did not answer within ${HELPER_MS} ms.`);
    }, HELPER_MS);
    child.stdout?.once('data', () => {
      try {
        inside();
      } catch (error) {
        child.kill('SIGKILL');
        fail((error as Error).message);
      }
    });
    child.once('error', (error) => fail(`The sandbox's network cannot be made: ${error.message}.`));
    child.once('exit', (code, signal) => fail(`The helper ended with ${signal ?? code}.`));
    child.on('message', (message: FromHelper, handle) => {
      if (message.error !== undefined) return fail(message.error);
      if (message.listens !== undefined) servers.push(message.listens ? asOurs(handle as Server) : null);
      if (message.done === undefined) return;
      clearTimeout(timer);
      try {
        if (servers.length !== count) throw new Error(`${servers.length} of ${count} sockets arrived`);
        settled = true;
        resolve(servers);
      } catch (error) {
        fail((error as Error).message);
      }
      if (child.connected) child.disconnect();
    });
  });
}

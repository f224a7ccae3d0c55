/**
 * The shim's side of the egress proxy. It holds the port from before the engine starts; the program that reads what
 * comes in is a child, started at the first connection, given each connection whole and started again when it ends:
 * a fault of it reaches neither the run nor what is open elsewhere. What it decides is journalled.
 */
import type { ChildProcess } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  EgressDecision,
  EgressPolicy,
  FromProxy,
  ToProxy,
  Upstreams,
} from '../../egress/egress-protocol.ts';
import { RUN_MARKER } from '../../process/marker.ts';
import type { Companions } from './companions.ts';

const EXTENSION = extname(import.meta.url) === '.ts' ? '.ts' : '.cjs';
const PROGRAM = fileURLToPath(new URL(`../../egress/process/main${EXTENSION}`, import.meta.url));
const NODE_FLAGS = [
  ...['--disable-sigusr1', '--no-warnings'],
  ...['--max-semi-space-size=1', '--max-old-space-size=64'],
];
/** One that fails at once is not started for every connection. */
const RESTART_MS = 1_000;

export class Egress {
  readonly #companions: Companions;
  readonly #noted: (decisions: EgressDecision[]) => void;
  readonly #upstreams: Upstreams | undefined;
  #policy: EgressPolicy;
  #servers: Server[] = [];
  #child: ChildProcess | null = null;
  #startedAt = Number.NEGATIVE_INFINITY;

  constructor(
    companions: Companions,
    { policy, upstreams }: { policy: EgressPolicy; upstreams?: Upstreams },
    noted: (decisions: EgressDecision[]) => void,
  ) {
    this.#companions = companions;
    this.#policy = policy;
    this.#upstreams = upstreams;
    this.#noted = noted;
  }

  /** Takes what arrives there. */
  serve(server: Server): void {
    this.#servers.push(server);
    server.on('connection', (socket: Socket) => this.#hand(socket));
    server.on('error', (error) => console.error(`egress: ${error.message}`));
  }

  /** What is open stays open; the next connection is judged by this. */
  allow(allow: string[]): void {
    this.#policy = { ...this.#policy, allow };
    this.#tell({ kind: 'policy', policy: this.#policy });
  }

  #hand(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (!this.#running()) {
      socket.destroy();
      return;
    }
    this.#child?.send({ kind: 'serve' } satisfies ToProxy, socket, {}, (error) => {
      if (error) socket.destroy();
    });
  }

  #tell(message: ToProxy): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  #running(): boolean {
    if (this.#child?.connected) return true;
    if (performance.now() - this.#startedAt < RESTART_MS) return false;
    this.#startedAt = performance.now();
    const child = this.#companions.spawn(process.execPath, [...NODE_FLAGS, PROGRAM], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { MALLOC_ARENA_MAX: '1', ...variables() },
    });
    child.on('error', (error) => console.error(`egress: ${error.message}`));
    child.on('message', (message: FromProxy) => this.#noted(message.decisions));
    child.once('exit', () => {
      if (this.#child === child) this.#child = null;
    });
    this.#child = child;
    this.#tell({
      kind: 'policy',
      policy: this.#policy,
      ...(this.#upstreams === undefined ? {} : { upstreams: this.#upstreams }),
    });
    return child.connected;
  }

  close(): void {
    for (const server of this.#servers) server.close();
    this.#servers = [];
  }
}

/** How names are resolved here is the user's choice. */
function variables(): Record<string, string> {
  const { [RUN_MARKER]: _ofTheRun, ...given } = process.env;
  return given as Record<string, string>;
}

/**
 * The shim's door: one unix socket, one host at a time. A newer host replaces an older one; processes of other
 * users, of this run and of other runs are turned away whatever they say.
 */
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { RefusalReport } from '../../doors/refusals.ts';
import { openUnixDoor, type UnixDoor } from '../../doors/unix-door.ts';
import { messageOf } from '../../errors.ts';
import { LineReader } from '../../line-reader.ts';
import { runMarkerOf } from '../../process/marker.ts';
import type { PeerCredentials } from '../../process/peer.ts';
import { descendsFrom, startTicks } from '../../process/proc.ts';
import {
  SHIM_LINE_BYTES_MAX,
  SHIM_PROTOCOL,
  type ShimNotice,
  type ShimRefusal,
  type ShimReply,
  type ShimRequest,
} from '../shim-protocol.ts';
import { Refused } from './refused.ts';
import type { Run } from './run.ts';

const HELLO_MS = 5_000;
const CAPS = { connections_max: 64, connections_per_peer_max: 16 };
const NOTICE_MS = 4;
const GOODBYE_MS = 1_000;

export class ShimServer {
  readonly #path: string;
  readonly #run: Run;
  /** The run this shim's own host is in, if any: such a host is not an intruder. */
  readonly #outerRun: string | null;
  #door: UnixDoor | null = null;
  readonly #sockets = new Set<Socket>();
  #host: Socket | null = null;
  #generation = Number.NEGATIVE_INFINITY;
  #grownTo = 0;
  #noticed = 0;
  #noticedAt = 0;
  #noticeSet = false;

  constructor(path: string, run: Run, outerRun: string | null) {
    this.#path = path;
    this.#run = run;
    this.#outerRun = outerRun;
  }

  async listen(): Promise<void> {
    this.#door = await openUnixDoor({
      name: 'shim',
      path: this.#path,
      caps: CAPS,
      operators: true,
      admit: (peer) => this.#judge(peer),
      serve: (socket) => this.#serve(socket),
      refusal: ({ why, full }) =>
        `${JSON.stringify(refusal(0, new Refused(full ? 'busy' : 'not-yours', why)))}\n`,
      report: (report) => this.#report(report),
      failed: (error) => console.error(messageOf(error)),
    });
  }

  /** The host makes an event of it; without one it stays in the shim's own log. */
  #report({ why, pid, refused, phase }: RefusalReport): void {
    if (this.#host === null) console.error(JSON.stringify({ door: 'shim', why, pid, refused, phase }));
    else
      send(this.#host, { id: 0, ok: false, code: 'refused', message: why, report: { pid, refused, phase } });
  }

  get connected(): boolean {
    return this.#host !== null;
  }

  /** Tells the host how long the journal is, soon and not too often; a host that is slow to read is told less. */
  grown(offset: number): void {
    this.#grownTo = offset;
    if (this.#noticeSet || !this.#host) return;
    const wait = NOTICE_MS - (performance.now() - this.#noticedAt);
    if (wait <= 0) {
      this.#notice();
      return;
    }
    this.#noticeSet = true;
    setTimeout(() => {
      this.#noticeSet = false;
      this.#notice();
    }, wait);
  }

  /**
   * Lets answers out, disconnects and removes the socket. Waits for the host to hang up: one that is just
   * writing would otherwise be told of a broken pipe and never read the last answer.
   */
  async close(): Promise<void> {
    this.#notice();
    this.#door?.shut();
    const goodbyes = [...this.#sockets].map((socket) => {
      socket.end();
      return new Promise((resolve) => socket.once('close', resolve));
    });
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, GOODBYE_MS);
    await Promise.race([Promise.all(goodbyes), patience.promise]);
    clearTimeout(timer);
    await this.#door?.close();
    rmSync(this.#path, { force: true });
  }

  #notice(): void {
    const host = this.#host;
    if (!host || this.#noticed === this.#grownTo) return;
    // It has not read the last ones: the newest is enough once it does.
    if (host.writableNeedDrain) {
      host.once('drain', () => this.grown(this.#grownTo));
      return;
    }
    this.#noticed = this.#grownTo;
    this.#noticedAt = performance.now();
    send(host, { notice: 'journal', offset: this.#grownTo });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), HELLO_MS);
    let greeted = false;
    const lines = new LineReader(SHIM_LINE_BYTES_MAX);
    lines.onTooLong = () => {
      throw new Refused('too-large', `A request has at most ${SHIM_LINE_BYTES_MAX} bytes.`);
    };
    lines.onLine = (line) => {
      const request = requestOf(line);
      if (!greeted && request.op === 'hello') {
        greeted = this.#hello(socket, request);
        if (greeted) clearTimeout(timer);
      } else if (!greeted || this.#host !== socket) {
        send(socket, refusal(request.id, new Refused('hello-first', 'Say hello first.')));
      } else {
        void this.#answer(socket, request);
      }
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        lines.push(chunk);
      } catch (error) {
        socket.removeAllListeners('data').resume();
        dismiss(socket, refusal(0, error));
      }
    });
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
      if (this.#host === socket) this.#host = null;
    });
  }

  #judge(peer: PeerCredentials): true | string {
    const self = { pid: process.pid, start_ticks: startTicks(process.pid) };
    if (peer.pid === 0 || descendsFrom(peer.pid, self))
      return 'A process of the run does not command the run.';
    const marker = runMarkerOf(peer.pid);
    return marker === null || marker === this.#outerRun
      ? true
      : `A process of run ${marker} does not command another run.`;
  }

  #hello(socket: Socket, request: Extract<ShimRequest, { op: 'hello' }>): boolean {
    if (request.protocol !== SHIM_PROTOCOL) {
      const message = `This shim speaks protocol ${SHIM_PROTOCOL}, not ${request.protocol}.`;
      send(socket, refusal(request.id, new Refused('protocol', message)));
      return false;
    }
    if (!Number.isSafeInteger(request.generation) || request.generation < this.#generation) {
      const message = `This run is served by a host of generation ${this.#generation}.`;
      send(socket, refusal(request.id, new Refused('fenced', message)));
      return false;
    }
    const before = this.#host;
    this.#generation = request.generation;
    this.#host = socket;
    if (before) {
      dismiss(before, { notice: 'fenced', generation: request.generation });
    }
    const status = this.#run.status();
    this.#noticed = status.offset;
    this.#grownTo = status.offset;
    send(socket, { id: request.id, ok: true, result: status });
    return true;
  }

  async #answer(socket: Socket, request: ShimRequest): Promise<void> {
    let reply: ShimReply;
    try {
      reply = { id: request.id, ok: true, result: (await this.#do(request)) ?? null };
    } catch (error) {
      reply = refusal(request.id, error);
    }
    send(socket, reply);
  }

  #do(request: ShimRequest): unknown {
    const run = this.#run;
    switch (request.op) {
      case 'status':
        return run.status();
      case 'start':
        return run.start(request);
      case 'beside':
        return run.beside(request);
      case 'end':
        return run.end(request);
      case 'write':
        return run.write(request);
      case 'resize':
        return run.resize(request);
      case 'swap':
        return run.swap(request);
      case 'pause':
        return run.pause(request);
      case 'thaw':
        return run.thaw(request);
      case 'stop':
        return run.stop(request);
      case 'relay':
        return run.relay(request);
      case 'network':
        return run.network(request);
      case 'policy':
        return run.policy(request);
      case 'ack':
        return run.ack(request);
      case 'hello':
        throw new Refused('bad-request', 'Hello was said already.');
      default:
        throw new Refused('bad-request', `There is no operation ${(request as { op?: unknown }).op}.`);
    }
  }
}

/** A last line, and time to read it: a peer that is cut off while it writes loses what it was sent. */
function dismiss(socket: Socket, message: ShimReply | ShimNotice): void {
  send(socket, message);
  socket.end();
  const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
  socket.once('close', () => clearTimeout(timer));
}

function send(socket: Socket, message: ShimReply | ShimNotice | ShimRefusal): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function refusal(id: number, error: unknown): ShimReply {
  const code = (error as { code?: unknown }).code;
  return {
    id,
    ok: false,
    code: typeof code === 'string' ? code : 'internal',
    message: error instanceof Error ? error.message : String(error),
  };
}

function requestOf(line: string): ShimRequest {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message === 'object' && message !== null) return message as ShimRequest;
  } catch {
    // Told below, in words that do not repeat what was sent: it may hold secrets.
  }
  throw new Refused('bad-request', 'A request is one JSON object on one line.');
}

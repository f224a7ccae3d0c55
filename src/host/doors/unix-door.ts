/**
 * A unix socket that the host serves: bound for this user only, each peer identified by the kernel at accept and
 * judged before a byte is read, a bound on connections in all and for each peer, and refusals that cost little.
 * What is spoken on it is up to the kind of door: `serve` and `refusal`.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { type PeerCredentials, peerCredentials } from '../process/peer.ts';
import { leavesRoom } from './descriptors.ts';
import { holdSocket } from './held-socket.ts';
import { keepSocket } from './kept-socket.ts';
import { type Caps, type NoPlace, PeerCounts } from './peer-counts.ts';
import { REFUSAL_DELAY_MS, type RefusalReport, Refusals, type Treatment } from './refusals.ts';
import { listenUnix } from './unix-listener.ts';

/** Judges a peer: true, or why it is not served. Where it throws, the peer is not served either. */
export type Admit = (peer: PeerCredentials) => true | string;

export interface Refusal {
  why: string;
  /** Set when the peer would be served if there were a place. */
  full: NoPlace | null;
}

export interface UnixDoorOptions {
  /** Names the door in reports. */
  name: string;
  /** Its directory exists with mode 0700. */
  path: string;
  caps: Caps;
  /** True: this door may use the descriptors that the others leave free, and proves to its clients whose it is. */
  operators: boolean;
  admit: Admit;
  serve(socket: Socket): void;
  /** The last bytes that a peer that is not served gets. */
  refusal(refusal: Refusal): string;
  report(report: RefusalReport): void;
  /** The door itself failed: one accept, or a peer that could not be judged. */
  failed(error: unknown): void;
  clock?: Clock;
}

export interface UnixDoor {
  /** Peers that are served now. */
  readonly connections: number;
  /** Takes no further connection; those that are open go on. */
  shut(): void;
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/** How long a peer that was refused has to read why. */
const GOODBYE_MS = 1_000;
/** Refused peers whose verdict is kept, so that a loop is not judged again each time. */
const VERDICTS_MAX = 256;
const VERDICT_MS = 1_000;
const LISTEN_AGAIN_MS = 1_000;
const TOLD_AGAIN_MS = 10_000;

/** @throws AetherError `socket.path-too-long`, `socket.not-made` */
export async function openUnixDoor(options: UnixDoorOptions): Promise<UnixDoor> {
  const door = new Listening(options);
  await door.listen();
  return door;
}

class Listening implements UnixDoor {
  readonly #options: UnixDoorOptions;
  readonly #clock: Clock;
  #server: Server;
  #kept: { stop(): void } | null = null;
  #letGo: (() => void) | null = null;
  /** The connection by which the socket was found to be ours is not accepted yet. */
  #ownIsToCome = false;
  #closed = false;
  /** Times that its socket was replaced and that are not told yet, and when it was told last. */
  #replaced = { untold: 0, told_ms: Number.NEGATIVE_INFINITY };
  readonly #counts: PeerCounts;
  readonly #refusals: Refusals;
  readonly #sockets = new Set<Socket>();
  /** Peers that were refused a moment ago, oldest first. */
  readonly #verdicts = new Map<string, { why: string; until_ms: number }>();

  constructor(options: UnixDoorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#counts = new PeerCounts(options.caps);
    this.#refusals = new Refusals(options.name, this.#clock, options.report);
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<void> {
    const { path, failed } = this.#options;
    const { impostor } = await listenUnix(this.#server, path);
    this.#server.on('error', failed);
    if (impostor)
      this.#tellReplaced('another process listened in place of the host; its socket was replaced');
    if (this.#closed) this.#server.close();
    else {
      this.#kept = keepSocket(path, () => void this.#listenAnew());
      if (this.#options.operators) await this.#hold(this.#server);
    }
  }

  async #hold(server: Server): Promise<void> {
    this.#letGo?.();
    this.#letGo = null;
    this.#ownIsToCome = true;
    const letGo = await holdSocket(this.#options.path);
    if (letGo === null) this.#ownIsToCome = false;
    else if (this.#closed || this.#server !== server) letGo();
    else this.#letGo = letGo;
  }

  /** Those that are connected stay; who connects next must not meet another process. */
  async #listenAnew(): Promise<void> {
    this.#kept = null;
    if (this.#closed) return;
    this.#tellReplaced('another process removed or replaced its socket; it was made again');
    // First: closing it removes what is at its path.
    this.#server.close();
    this.#server = createServer((socket) => this.#accept(socket));
    try {
      await this.listen();
    } catch (error) {
      this.#options.failed(error);
      this.#clock.after(LISTEN_AGAIN_MS, () => void this.#listenAnew());
    }
  }

  /** Replacements that follow each other closely are reported together. */
  #tellReplaced(why: string): void {
    const { name, report } = this.#options;
    this.#replaced.untold += 1;
    if (this.#clock.elapsed() - this.#replaced.told_ms < TOLD_AGAIN_MS) return;
    report({ door: name, why, pid: null, refused: this.#replaced.untold, phase: 'replaced' });
    this.#replaced = { untold: 0, told_ms: this.#clock.elapsed() };
  }

  get connections(): number {
    return this.#counts.total;
  }

  shut(): void {
    this.#end();
    this.#server.close();
  }

  #end(): void {
    this.#closed = true;
    this.#kept?.stop();
    this.#kept = null;
    this.#letGo?.();
    this.#letGo = null;
  }

  async close(): Promise<void> {
    this.#end();
    const closed = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
    for (const socket of this.#sockets) socket.destroy();
    this.#refusals.close();
    await closed;
  }

  #accept(socket: Socket): void {
    // What fails on a connection ends that connection: 'close' follows.
    socket.on('error', () => undefined);
    if (!this.#options.operators && !leavesRoom(socket)) {
      this.#refuse(socket, { why: 'the host has few file descriptors left', full: 'door-full' }, null);
      return;
    }
    let peer: PeerCredentials;
    try {
      peer = peerCredentials(socket);
    } catch {
      this.#refuse(socket, { why: 'the process that connected cannot be identified', full: null }, null);
      return;
    }
    if (this.#ownIsToCome && peer.pid === process.pid) {
      this.#ownIsToCome = false;
      socket.destroy();
      return;
    }
    const key = `${peer.pid} ${peer.start_ticks}`;
    const why = this.#judge(peer, key);
    if (why !== null) {
      this.#refuse(socket, { why, full: null }, peer.pid);
      return;
    }
    const full = this.#counts.enter(key);
    if (full !== null) {
      this.#refuse(socket, { why: this.#fullText(full, peer.pid), full }, peer.pid);
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#counts.leave(key);
    });
    this.#options.serve(socket);
  }

  #fullText(full: NoPlace, pid: number): string {
    const { connections_max, connections_per_peer_max } = this.#options.caps;
    return full === 'door-full'
      ? `all ${connections_max} connections are in use`
      : `process ${pid} has ${connections_per_peer_max} connections, which is all it may have`;
  }

  /** @returns null when it is served, or why not */
  #judge(peer: PeerCredentials, key: string): string | null {
    const now = this.#clock.elapsed();
    const known = this.#verdicts.get(key);
    if (known !== undefined && known.until_ms > now) return known.why;
    const verdict = this.#ask(peer);
    this.#verdicts.delete(key);
    if (verdict === true) return null;
    // A pid of 0 names no process: its verdict is not another's.
    if (verdict.lasting && peer.pid !== 0) {
      this.#verdicts.set(key, { why: verdict.why, until_ms: now + VERDICT_MS });
      if (this.#verdicts.size > VERDICTS_MAX) this.#verdicts.delete(this.#verdicts.keys().next().value!);
    }
    return verdict.why;
  }

  #ask(peer: PeerCredentials): true | { why: string; lasting: boolean } {
    if (peer.uid !== process.getuid?.()) return { why: 'it belongs to another user', lasting: true };
    try {
      const verdict = this.#options.admit(peer);
      return verdict === true ? true : { why: verdict, lasting: true };
    } catch (error) {
      this.#options.failed(error);
      return { why: `it could not be judged (${messageOf(error)})`, lasting: false };
    }
  }

  #refuse(socket: Socket, refusal: Refusal, pid: number | null): void {
    const treatment = this.#refusals.note(refusal.why, pid);
    if (treatment === 'drop') {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const answer = () => {
      if (socket.destroyed) return;
      socket.end(this.#options.refusal(refusal));
      // What it still sends is thrown away, and it does not get to keep the connection open.
      socket.resume();
    };
    this.#keep(socket, treatment, answer);
  }

  #keep(socket: Socket, treatment: Treatment, answer: () => void): void {
    let cancel = (): void => undefined;
    const goodbye = () => {
      answer();
      cancel = this.#clock.after(GOODBYE_MS, () => socket.destroy());
    };
    if (treatment === 'delay') cancel = this.#clock.after(REFUSAL_DELAY_MS, goodbye);
    else goodbye();
    socket.once('close', () => {
      cancel();
      this.#sockets.delete(socket);
      this.#refusals.done(treatment);
    });
  }
}

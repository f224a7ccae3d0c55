/**
 * From a target to a connection: the name is checked against the rules, resolved once, each address it resolved to is
 * checked, and one of those very addresses is dialled. Nothing is looked up a second time, so that a name cannot answer
 * with one address for the check and another for the connection.
 */
import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { type Address, PRIVATE, parseAddress, specialKind } from '../addresses.ts';
import type { EgressPolicy, RefusalReason, Upstream, Upstreams } from '../egress-protocol.ts';
import { listsAddress, namesTarget, parseRule, type Rule, type Target } from '../rules.ts';
import { goesDirect, NO_UPSTREAM } from '../upstream.ts';
import { caps } from './caps.ts';

/** A target that is not reached, and why. */
export class NotReached extends Error {
  readonly reason: RefusalReason;
  readonly address: string | undefined;

  constructor(reason: RefusalReason, message: string, address?: string) {
    super(message);
    this.reason = reason;
    this.address = address;
  }
}

/** A connection to a target, or to the operator's proxy that is asked for it. */
export interface Opened {
  socket: Socket;
  /** A plain request names the whole URL there. */
  via: Upstream | null;
}

export type Lookup = (host: string) => Promise<string[]>;

const systemLookup: Lookup = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

export class Reach {
  #rules: Rule[] = [];
  #model: Rule[] = [];
  readonly #lookup: Lookup;
  upstreams: Upstreams = NO_UPSTREAM;

  constructor(look: Lookup = systemLookup) {
    this.#lookup = look;
  }

  /** What is open already stays open; the next connection is checked against these. */
  set policy({ allow, model }: EgressPolicy) {
    this.#model = model.map(parseRule).filter((rule) => typeof rule !== 'string');
    this.#rules = [...allow.map(parseRule).filter((rule) => typeof rule !== 'string'), ...this.#model];
  }

  /** @throws NotReached */
  async open(target: Target, kind: 'tunnel' | 'plain'): Promise<Opened> {
    if (!namesTarget(this.#rules, target))
      throw new NotReached('not-listed', `${spelt(target)} is not on the list of this agent's network.`);
    const via = this.#upstreamFor(target, kind);
    const addresses = await this.#addressesOf(target).catch((error: unknown) => {
      // A name that only the operator's proxy resolves is judged there.
      const unresolved = error instanceof NotReached && error.reason === 'unresolved';
      if (via !== null && unresolved) return null;
      throw error;
    });
    const near = addresses?.some((address) => specialKind(address) !== null) ?? false;
    if (addresses !== null && (via === null || near))
      return { socket: await dialled(addresses, target), via: null };
    const socket = await dialUpstream(via!, target);
    if (kind === 'tunnel') await throughTunnel(socket, via!, target);
    return { socket, via };
  }

  /** What is listed by its address is a neighbour: no proxy stands before it. */
  #upstreamFor(target: Target, kind: 'tunnel' | 'plain'): Upstream | null {
    const via = this.upstreams[kind];
    if (via === null || goesDirect(target, this.upstreams.direct)) return null;
    return target.address !== null && listsAddress(this.#rules, target.address, target.port) ? null : via;
  }

  /** Those that may be reached. @throws NotReached */
  async #addressesOf(target: Target): Promise<Address[]> {
    const found = target.address === null ? await this.#resolve(target.host) : [target.address];
    const own = ownAddresses();
    let refused: NotReached | null = null;
    const good = found.filter((address) => {
      if (listsAddress(this.#rules, address, target.port)) return true;
      const special = specialKind(address);
      // The operator says where the model is; the agent has no part in it.
      if (special === PRIVATE && namesTarget(this.#model, target)) return true;
      const kind = special ?? (own.has(address.text) ? 'this machine' : null);
      if (kind === null) return true;
      const leads = `${spelt(target)} leads to ${address.text}, which is ${kind}`;
      refused ??= new NotReached('address', `${leads}; only a rule that lists it opens it.`, address.text);
      return false;
    });
    if (good.length > 0) return good.slice(0, caps.addresses_max);
    throw refused ?? new NotReached('unresolved', `${target.host} has no address.`);
  }

  async #resolve(host: string): Promise<Address[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), caps.resolve_ms);
    });
    try {
      const texts = await Promise.race([this.#lookup(host), late]);
      return texts.map(parseAddress).filter((address) => address !== null);
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      throw new NotReached('unresolved', `The name ${host} does not resolve (${why}).`);
    } finally {
      clearTimeout(timer);
    }
  }
}

export function spelt({ host, port, address }: Target): string {
  return `${address?.family === 6 ? `[${host}]` : host}:${port}`;
}

/** A service that listens on every address of this machine is no part of the internet. */
function ownAddresses(): Set<string> {
  const own = new Set<string>();
  for (const one of Object.values(networkInterfaces()).flat()) {
    const address = one && parseAddress(one.address.replace(/%.*$/, ''));
    if (address) own.add(address.text);
  }
  return own;
}

async function dialled(addresses: Address[], target: Target): Promise<Socket> {
  let last = '';
  for (const address of addresses) {
    try {
      return await dial(address, target.port);
    } catch (error) {
      last = `${address.text}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`;
    }
  }
  throw new NotReached('unreachable', `${spelt(target)} does not answer (${last}).`);
}

function dial({ text, family }: Address, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: text, family, port, allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), caps.dial_ms);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error').on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

async function dialUpstream({ host, port, tls }: Upstream, target: Target): Promise<Socket> {
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const options = { host, port, allowHalfOpen: true, noDelay: true };
      const socket = tls ? connectTls({ ...options, servername: host }) : connect(options);
      const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), caps.dial_ms);
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error').on('error', () => socket.destroy());
        resolve(socket);
      });
    });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new NotReached(
      'unreachable',
      `The operator's proxy, which leads to ${spelt(target)}, does not answer (${why}).`,
    );
  }
}

/** Asks for the target, and reads the answer up to its empty line. @throws NotReached */
function throughTunnel(socket: Socket, { authorization }: Upstream, target: Target): Promise<void> {
  const login = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${spelt(target)} HTTP/1.1\r\nHost: ${spelt(target)}\r\n${login}\r\n`);
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const fail = (why: string) => {
      done();
      socket.destroy();
      reject(
        new NotReached('unreachable', `The operator's proxy does not lead to ${spelt(target)}: ${why}.`),
      );
    };
    const timer = setTimeout(() => fail('no answer in time'), caps.dial_ms);
    const ended = () => fail('it closed the connection');
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return head.length > caps.head_bytes_max ? fail('its answer is too long') : undefined;
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1', 0, end))?.[1];
      if (status === undefined || !status.startsWith('2')) return fail(`it answers ${status ?? 'no HTTP'}`);
      done();
      const rest = head.subarray(end + 4);
      socket.pause();
      if (rest.length > 0) socket.unshift(rest);
      return resolve();
    };
    const done = () => {
      clearTimeout(timer);
      socket.off('data', read).off('close', ended).off('end', ended);
    };
    socket.on('data', read).on('close', ended).on('end', ended);
  });
}

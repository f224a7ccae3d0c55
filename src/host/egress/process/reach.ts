/**
 * From a target to a connection: the name is held against the rules, resolved once, each address it resolved to is
 * checked, and one of those very addresses is dialled. Nothing is looked up a second time, so that a name cannot
 * answer with one address for the check and another for the connection.
 */
import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Address, PRIVATE, parseAddress, specialKind } from '../addresses.ts';
import type { EgressPolicy, RefusalReason } from '../egress-protocol.ts';
import { listsAddress, namesTarget, parseRule, type Rule, type Target } from '../rules.ts';
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

export type Lookup = (host: string) => Promise<string[]>;

const systemLookup: Lookup = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

export class Reach {
  #rules: Rule[] = [];
  #model: Rule[] = [];
  readonly #lookup: Lookup;

  constructor(look: Lookup = systemLookup) {
    this.#lookup = look;
  }

  /** What is open already stays open; the next connection is held against these. */
  set policy({ allow, model }: EgressPolicy) {
    this.#model = model.map(parseRule).filter((rule) => typeof rule !== 'string');
    this.#rules = [...allow.map(parseRule).filter((rule) => typeof rule !== 'string'), ...this.#model];
  }

  /** @throws NotReached */
  async open(target: Target): Promise<Socket> {
    if (!namesTarget(this.#rules, target))
      throw new NotReached('not-listed', `${spelt(target)} is not on the list of this agent's network.`);
    const addresses = await this.#addressesOf(target);
    return await dialled(addresses, target);
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

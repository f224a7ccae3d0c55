/**
 * What this machine has besides the fleet, and an agent must not reach: a server on loopback, one on a private network,
 * a service of the user on a unix socket by path and by abstract name. Each gives a secret to everybody who asks.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRIVATE = 5;
const SERVICE = fileURLToPath(new URL('programs/service.py', import.meta.url));

/** Where another host would be, as an agent sees it: an address of this one that is no loopback one. */
const OUTSIDE = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;

export class Targets {
  readonly address = OUTSIDE ?? '127.0.0.1';
  readonly secret = `served-${randomBytes(9).toString('hex')}`;
  /** Of the one server that is on the attacker's list. */
  listed = 0;
  /** One for each attack: a refusal is told once for a host and a port. */
  readonly #private: number[] = [];
  #loopback = 0;
  readonly #socket: string;
  readonly #abstract = `aether-hostile-${randomBytes(9).toString('hex')}`;
  readonly #servers: http.Server[] = [];
  #service: ChildProcess | null = null;

  private constructor(root: string) {
    this.#socket = join(root, 'x', 'service.sock');
  }

  static async open(root: string): Promise<Targets> {
    const targets = new Targets(root);
    const { address, secret } = targets;
    for (let count = 0; count < PRIVATE; count += 1)
      targets.#private.push(await targets.#serve(address, (_, response) => response.end(secret)));
    targets.#loopback = await targets.#serve('127.0.0.1', (_, response) => response.end(secret));
    targets.listed = await targets.#serve(address, ({ url }, response) => {
      if (url !== '/away') return response.end('listed');
      return response.writeHead(302, { location: `http://${address}:${targets.#private.at(-1)}/` }).end();
    });
    targets.#service = spawn(
      '/usr/bin/python3',
      ['-B', SERVICE, targets.#socket, targets.#abstract, secret],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(targets.#service.stdout!, 'data');
    return targets;
  }

  async #serve(address: string, answer: http.RequestListener): Promise<number> {
    const server = http.createServer(answer);
    this.#servers.push(server);
    server.listen(0, address);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** For the attacker. */
  get facts(): Record<string, unknown> {
    return {
      ...{ address: this.address, listed: this.listed, private: this.#private, loopback: this.#loopback },
      ...{ socket: this.#socket, abstract: this.#abstract },
    };
  }

  close(): void {
    this.#service?.kill('SIGKILL');
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** What of the network belongs to one run: its namespace, what listens in it, the proxy, the relays. */
import type { EgressDecision, EgressPolicy } from '../../egress/egress-protocol.ts';
import type { NetworkSpec, RelayEnd } from '../shim-protocol.ts';
import type { Companions } from './companions.ts';
import { Egress } from './egress.ts';
import { type Listen, RunNetwork } from './network.ts';
import { Refused } from './refused.ts';
import { Relays } from './relays.ts';

const RELAYS_MAX = 32;
const RULES_MAX = 2_000;

export class RunNet {
  readonly network: RunNetwork;
  readonly relays: Relays;
  readonly #companions: Companions;
  readonly #noted: (decisions: EgressDecision[]) => void;
  #egress: Egress | null = null;
  #opening: Promise<void> | null = null;

  constructor(companions: Companions, noted: (decisions: EgressDecision[]) => void) {
    this.#companions = companions;
    this.#noted = noted;
    this.network = new RunNetwork(companions);
    this.relays = new Relays(this.network);
  }

  /** Once, before the first process. @throws Refused */
  async open({ opId, network }: { opId: string; network: NetworkSpec }): Promise<void> {
    if (this.#opening !== null) throw new Refused('network', 'This run has its network already.');
    this.#opening = this.#open(opId, network);
    await this.#opening.catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
  }

  async #open(opId: string, { egress, direct, relays }: NetworkSpec): Promise<void> {
    if (relays.length > RELAYS_MAX)
      throw new Refused('relay-limit', `A run has at most ${RELAYS_MAX} relays, not ${relays.length}.`);
    if (egress !== null) checkPolicy(egress.policy);
    const ports = [...(egress === null ? [] : [egress.port]), ...relays.map(({ port }) => port)];
    // A program may take either address for localhost.
    const servers = await this.network.open(ports.flatMap(bothLoopbacks), direct);
    if (egress !== null) {
      this.#egress = new Egress(this.#companions, egress, this.#noted);
      for (const server of servers.splice(0, 2)) if (server !== null) this.#egress.serve(server);
    }
    for (const { port, to } of relays) {
      const from: RelayEnd = { where: 'inside', port };
      for (const server of servers.splice(0, 2))
        if (server !== null) this.relays.carry(`${opId}-${port}`, from, { where: 'outside', ...to }, server);
    }
  }

  /** What starts a process in it; a run whose host asked for nothing gets one without any way out. */
  async enter(): Promise<string[]> {
    this.#opening ??= this.network.open([]).then(() => undefined);
    await this.#opening;
    return this.network.enter();
  }

  /** What the proxy lets through from now on, besides the model. @throws Refused */
  allow(allow: string[]): void {
    checkPolicy({ allow, model: [] });
    if (this.#egress === null) throw new Refused('network', 'This run has no proxy.');
    this.#egress.allow(allow);
    // No list stands at that way out.
    if (!allow.includes('*')) this.network.detach();
  }

  async close(): Promise<void> {
    this.relays.close();
    this.#egress?.close();
    this.network.close();
    await this.#companions.close();
  }
}

const bothLoopbacks = (port: number): Listen[] => [
  { host: '127.0.0.1', port },
  { host: '::1', port },
];

function checkPolicy({ allow, model }: EgressPolicy): void {
  if ([...allow, ...model].every((rule) => typeof rule === 'string') && allow.length <= RULES_MAX) return;
  throw new Refused('bad-request', `A policy is at most ${RULES_MAX} rules.`);
}

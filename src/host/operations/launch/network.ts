/**
 * What the network of a run has: which of its ports lead where, what its proxy lets through, and the variables by which
 * programs find that proxy. What the engine needs for its model is open whatever the configuration says; a model server
 * on this machine is at the same address inside as outside.
 */
import { createHash } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { LaunchSpec } from '../../../runtimes/runtime.ts';
import { loopbackPorts, networkOf, portsOf, rulesOf } from '../../config/network.ts';
import type { AgentConfig, NetworkConfig } from '../../config/types.ts';
import { upstreamsOf } from '../../egress/upstream.ts';
import { AetherError, messageOf } from '../../errors.ts';
import type { Run } from '../../runs/run.ts';
import { renewResolver } from '../../sandboxes/etc.ts';
import { findPasst, unreachableFrom } from '../../sandboxes/passt.ts';
import { NETWORK_OPERATION, type NetworkSpec } from '../../shim/shim-protocol.ts';
import type { BoxSpec } from '../../store/run-sandbox.ts';
import type { Wiring } from '../wiring.ts';

const PROXY_PORT = 3128;
/** Inside, where passt takes questions for this machine's resolver. */
const RESOLVER = '198.18.0.1';
const NOT_PROXIED = 'localhost,127.0.0.1,::1';

/** @returns null where the run has the network of this machine */
export function networkSpec(config: AgentConfig, launch: Pick<LaunchSpec, 'endpoints'>): NetworkSpec | null {
  const network = networkOf(config);
  const rules = rulesOf(network);
  if (rules === null) return null;
  const endpoints = (launch.endpoints ?? []).map((url) => endpointOf(url)).filter((one) => one !== null);
  const here = endpoints.filter(({ loopback }) => loopback).map(({ port }) => port);
  const ports = [...new Set([...here, ...loopbackPorts(network)])];
  let port = PROXY_PORT;
  while (ports.includes(port)) port += 1;
  const model = endpoints.filter(({ loopback }) => !loopback).map(({ rule }) => rule);
  return {
    egress: { port, policy: { allow: rules, model: [...new Set(model)] } },
    ...direct(network),
    relays: ports.map((one) => ({ port: one, to: { host: '127.0.0.1', port: one } })),
  };
}

/** Only what may reach every public address gets a way out that no list stands at. */
function direct(network: NetworkConfig): Pick<NetworkSpec, 'direct'> {
  const program = network === 'full' ? findPasst() : null;
  if (typeof program !== 'string') return {};
  const own = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address),
  );
  return { direct: { program, unreachable: unreachableFrom(own.filter((one) => !one.startsWith('127.'))) } };
}

/** Files below /etc of a box: where passt is not, this one leads nowhere, as the machine's own would. */
export function networkFiles(network: BoxSpec['network']): Record<string, string> {
  return network === 'shared' ? {} : { 'resolv.conf': `nameserver ${RESOLVER}\n` };
}

interface Endpoint {
  rule: string;
  port: number;
  loopback: boolean;
}

/** @returns null for what is no URL: the engine says so itself */
function endpointOf(url: string): Endpoint | null {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.hostname === '') return null;
  const port = Number(parsed.port || (parsed.protocol === 'http:' ? 80 : 443));
  const { hostname } = parsed;
  const loopback = hostname === 'localhost' || /^127\./.test(hostname) || hostname === '[::1]';
  return { rule: `${hostname}:${port}`, port, loopback };
}

/** What programs look for: in both cases, because each reads its own. */
export function proxyVariables({ egress }: NetworkSpec): Record<string, string> {
  if (egress === null) return {};
  const url = `http://127.0.0.1:${egress.port}`;
  const names = { HTTP_PROXY: url, HTTPS_PROXY: url, ALL_PROXY: url, NO_PROXY: NOT_PROXIED };
  const lower = Object.entries(names).map(([name, value]) => [name.toLowerCase(), value]);
  // Node looks for them from version 24 on, where it is told to.
  return { ...names, ...Object.fromEntries(lower), NODE_USE_ENV_PROXY: '1' };
}

/**
 * The loopback address at which the operator finds an agent's servers. Each agent has its own: a browser keeps cookies,
 * storage and rights by address and not by port, and what an agent serves must share none of them with the console or
 * with another agent.
 */
function portsAddress(stateDir: string, agent: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(`${stateDir}\0${agent}`).digest();
  return `127.${64 + (a % 128)}.${b}.${1 + (c % 254)}`;
}

/** `http://ADDRESS:PORT` of each. */
export function portUrls(stateDir: string, config: AgentConfig): string[] {
  return portsOf(config).map((port) => `http://${portsAddress(stateDir, config.name)}:${port}`);
}

const UNSAFE =
  'unsafe: the network of this machine, with its loopback servers, abstract sockets and private networks';
const NO_MORE = 'no DNS, no other TCP or UDP';

/** What its processes reach, for `plan`, `ps` and the console. @param confined its sandbox confines the network */
export function networkWords(config: AgentConfig, confined: boolean): string {
  const network = networkOf(config);
  if (network === 'host') return UNSAFE;
  const asked = Array.isArray(network) ? network.join(' ') : network;
  if (!confined) return `not enforced without a sandbox (${asked}): it reaches all that this machine reaches`;
  const out = upstreamWords();
  if (network === 'none') return `none: only its model${out}; ${NO_MORE}`;
  if (network === 'full')
    return typeof findPasst() === 'string'
      ? `full: every public address, HTTP through its proxy${out}, other TCP, UDP and DNS through passt`
      : `full: every public host by HTTP and CONNECT through its proxy${out}; ${NO_MORE}`;
  return `listed: its model and ${asked}, by HTTP and CONNECT through its proxy${out}; ${NO_MORE}`;
}

/** Without the log-in that its address may hold. */
function upstreamWords(): string {
  const { tunnel, plain } = upstreamsOf(process.env);
  const proxies = [tunnel, plain].flatMap((one) => (one === null ? [] : [`${one.host}:${one.port}`]));
  return proxies.length === 0 ? '' : ` and yours (${[...new Set(proxies)].join(', ')})`;
}

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'agents' | 'events' | 'log' | 'stateDir' | 'consolePort'>;

/** With the way out of this host. @returns null where it has the network of this machine */
export function networkOfRun(
  { agents }: Pick<Needs, 'agents'>,
  { record }: Run,
  launch: LaunchSpec,
): NetworkSpec | null {
  const network = networkSpec(agents.get(record.agent).config, launch);
  if (network === null) return null;
  const egress = network.egress && { ...network.egress, upstreams: upstreamsOf(process.env) };
  return { ...network, egress };
}

/** The network of a run, before its first process: its shim makes it since its start. */
export async function openNetwork(wiring: Needs, run: Run, network: NetworkSpec): Promise<void> {
  const { agent } = run.record;
  const { config } = wiring.agents.get(agent);
  const { consolePort } = wiring;
  if (network.relays.some(({ port }) => port === consolePort())) throw namesConsole(agent, consolePort());
  await run.client.network(NETWORK_OPERATION, network);
  const host = portsAddress(wiring.stateDir, agent);
  const hidden: { port: number; why: string }[] = [];
  for (const port of portsOf(config)) {
    try {
      await run.client.relay(`ports-${port}`, { where: 'outside', host, port }, { where: 'inside', port });
    } catch (error) {
      if (!(error instanceof AetherError)) throw error;
      hidden.push({ port, why: error.message });
    }
  }
  if (hidden.length === 0) return;
  const of = { agent, run: run.id, principal: 'host', grade: 'enforced' } as const;
  wiring.events.append({ topic: 'ports.hidden', ...of, data: { ports: hidden } });
}

/** The machine has moved, or joined another network: its runs that share this one find its resolvers. */
export function renewResolvers({ runs }: Pick<Wiring, 'runs'>): void {
  for (const { record } of runs.live())
    for (const { network, own } of record.sandbox.boxes)
      if (record.sandbox.name !== 'none' && network === 'shared' && own !== undefined) renewResolver(own);
}

/** Listed, or the address of its model: either would carry the operator's door into the box. */
function namesConsole(agent: string, port: number | null): AetherError {
  return new AetherError({
    code: 'network.console',
    who: 'config',
    message: `${agent} cannot start: its network would carry 127.0.0.1:${port}, at which the console is.`,
    next: 'Take the port out of its `network:` or its model’s address, or give the console another (`console: { port: … }`) and start the host again.',
  });
}

/** The hosts that this run may reach were edited, perhaps while no host ran: it counts for its next connections. */
export async function changeNetwork(wiring: Pick<Needs, 'agents' | 'log'>, run: Run): Promise<void> {
  const agent = wiring.agents.find(run.record.agent);
  const rules = agent === undefined ? null : rulesOf(networkOf(agent.config));
  if (rules === null || !run.connected || run.box('engine').spec.network !== 'own') return;
  try {
    await run.client.policy(rules);
  } catch (error) {
    wiring.log.warn({ run: run.id, error: messageOf(error) }, 'its proxy keeps the earlier list of hosts');
  }
}

/** What `network:` and `ports:` say of an agent. */
import { parseAddress, within } from '../egress/addresses.ts';
import { parseRule, type Rule } from '../egress/rules.ts';
import type { AgentConfig, NetworkConfig } from './types.ts';

/** What an agent has whose configuration says nothing. */
const DEFAULT: NetworkConfig = 'full';

export function networkOf(config: Pick<AgentConfig, 'network'>): NetworkConfig {
  return config.network ?? DEFAULT;
}

export function portsOf(config: Pick<AgentConfig, 'ports'>): number[] {
  return config.ports ?? [];
}

/** Rules of the hosts that it may reach besides its model; null: it has the network of this machine. */
export function rulesOf(network: NetworkConfig): string[] | null {
  if (network === 'host') return null;
  if (network === 'full') return ['*'];
  return Array.isArray(network) ? network : [];
}

/** @returns a sentence where the rule cannot be kept */
export function hostRuleFault(text: string): string | null {
  const rule = parseRule(text);
  if (typeof rule === 'string') return rule;
  if (isLoopback(rule) && rule.ports?.length !== 1)
    return `"${text}" is on this machine: write its port, as in 127.0.0.1:5432.`;
  return holdsLoopback(rule)
    ? `"${text}" includes this machine: list only the networks that you mean.`
    : null;
}

const LOOPBACK = ['127.0.0.1', '::1'].flatMap((text) => parseAddress(text) ?? []);

/** A block around loopback addresses: all that listens on this machine, the console among it. */
function holdsLoopback(rule: Rule): boolean {
  const { match } = rule;
  return 'block' in match && !isLoopback(rule) && LOOPBACK.some((address) => within(address, match.block));
}

/** A port of this machine: it is carried there, and at the same address inside. @returns null for other rules */
export function loopbackPort(text: string): number | null {
  const rule = parseRule(text);
  return typeof rule !== 'string' && isLoopback(rule) ? (rule.ports?.[0] ?? null) : null;
}

function isLoopback({ match }: Rule): boolean {
  if ('name' in match) return match.name === 'localhost';
  if (!('block' in match)) return false;
  const { family, bytes } = match.block;
  return family === 4 ? bytes[0] === 127 : bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

/** The proxy of a run takes other rules as it is; ports of this machine, and its network, are there from the start. */
export function networkEffect(applied: NetworkConfig, wanted: NetworkConfig): 'restart' | 'live' {
  if (applied === 'host' || wanted === 'host') return 'restart';
  return `${loopbackPorts(applied)}` === `${loopbackPorts(wanted)}` ? 'live' : 'restart';
}

/** Ports of this machine that are carried. */
export function loopbackPorts(network: NetworkConfig): number[] {
  const ports = (rulesOf(network) ?? []).map(loopbackPort).filter((port) => port !== null);
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** Of two, the one that reaches less; a part of a list where that can be told by its text. */
export function narrowedNetwork(applied: NetworkConfig, wanted: NetworkConfig): NetworkConfig {
  if (applied === 'host' || wanted === 'none') return wanted;
  if (wanted === 'host' || applied === 'none') return applied;
  if (wanted === 'full') return applied;
  if (applied === 'full')
    // A list may name what is no part of the public internet.
    return wanted.every(isPublic) ? wanted : 'full';
  return wanted.filter((rule) => applied.includes(rule));
}

function isPublic(text: string): boolean {
  const rule = parseRule(text);
  return typeof rule !== 'string' && !('block' in rule.match) && !isLoopback(rule);
}

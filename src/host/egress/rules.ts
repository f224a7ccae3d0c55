/**
 * The rules of `network:` and how a target is checked against them. A rule is a name (`example.com`), all names below
 * one (`*.example.com`), an address or block (`10.0.0.5`, `10.0.0.0/8`, `[fd00::1]`), or `*` for the whole public
 * internet; `:PORT` or `:*` may follow. Without a port a rule is of 80 and 443.
 *
 * * A name lets through public addresses only: the owner of the name would otherwise choose what of this machine's
 * neighbours is reached. Those are let through by a rule that lists the address.
 */
import { domainToASCII } from 'node:url';
import { type Address, type Block, parseAddress, parseBlock, within } from './addresses.ts';

export const HOST_CHARS_MAX = 253;
const PORT_MAX = 65_535;
const DEFAULT_PORTS = [80, 443];

export interface Target {
  /** Lower case, ASCII, without a trailing dot; an address as the system prints it, without brackets. */
  host: string;
  port: number;
  /** Where `host` is an address. */
  address: Address | null;
}

export interface Rule {
  text: string;
  match: { any: true } | { name: string } | { suffix: string } | { block: Block };
  /** null: every port. */
  ports: number[] | null;
}

/** @returns a sentence where it is no rule */
export function parseRule(text: string): Rule | string {
  const [, host = '', portText] = /^(\[[^\]]*\](?:\/\d+)?|[^:]*)(?::([^:]*))?$/s.exec(text) ?? [];
  if (host === '') return `"${text}" is no host: write example.com, *.example.com, 10.0.0.5 or *.`;
  const ports = portsOf(portText);
  if (ports === undefined) return `"${text}" has no port from 1 to ${PORT_MAX} after its colon.`;
  if (host === '*') return { text, match: { any: true }, ports: portText === undefined ? null : ports };
  const block = parseBlock(host.replace(/^\[([^\]]*)\]/, '$1'));
  if (block !== null) return { text, match: { block }, ports };
  const suffix = host.startsWith('*.');
  const name = normalName(suffix ? host.slice(2) : host);
  if (name === null || parseAddress(name) !== null)
    return `"${text}" is no host: write example.com, *.example.com, 10.0.0.5 or *.`;
  return { text, match: suffix ? { suffix: `.${name}` } : { name }, ports };
}

function portsOf(text: string | undefined): number[] | null | undefined {
  if (text === undefined) return DEFAULT_PORTS;
  if (text === '*') return null;
  return isPort(text) ? [Number(text)] : undefined;
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= PORT_MAX;
}

/** Characters that mean something else in a URL, or nothing. */
const STRANGE = /[\s\\/?#@%<>^|`{}"']|\p{Cc}/u;

/**
 * A host as one spelling: internationalised names in ASCII, addresses in decimal, octal or hexadecimal as dotted ones.
 * @returns null for what is no host
 */
export function normalName(text: string): string | null {
  if (text === '' || text.length > 4 * HOST_CHARS_MAX || STRANGE.test(text)) return null;
  const bracketed = /^\[([^[\]]*)\]$/.exec(text)?.[1];
  if (bracketed !== undefined) {
    const address = parseAddress(bracketed);
    return address?.family === 6 ? address.text : null;
  }
  if (/[[\]:*]/.test(text)) return null;
  const name = domainToASCII(text).replace(/\.$/, '').toLowerCase();
  if (name === '' || name.length > HOST_CHARS_MAX) return null;
  if (parseAddress(name) !== null) return name;
  const labels = name.split('.');
  // Some resolvers read a last label of digits as an address.
  if (/^(\d+|0x[\da-f]*)$/.test(labels.at(-1)!)) return null;
  return labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) ? name : null;
}

/** `host:port` as a client wrote it. @param defaultPort null: the port must be written. @returns null where it is none */
export function parseTarget(text: string, defaultPort: number | null): Target | null {
  const [, hostText = '', portText] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/s.exec(text) ?? [];
  const host = normalName(hostText);
  if (host === null) return null;
  const port = portText === undefined ? defaultPort : isPort(portText) ? Number(portText) : null;
  return port === null ? null : { host, port, address: parseAddress(host) };
}

const onPort = (rule: Rule, port: number) => rule.ports === null || rule.ports.includes(port);

/** Whether a rule lets the target through by what it is called. */
export function namesTarget(rules: readonly Rule[], target: Target): boolean {
  return rules.some((rule) => {
    if (!onPort(rule, target.port)) return false;
    if ('any' in rule.match) return true;
    if ('block' in rule.match) return target.address !== null && within(target.address, rule.match.block);
    if (target.address !== null) return false;
    return 'name' in rule.match
      ? target.host === rule.match.name
      : target.host.endsWith(rule.match.suffix) && target.host.length > rule.match.suffix.length;
  });
}

/** Whether a rule lists this very address, or a block around it. */
export function listsAddress(rules: readonly Rule[], address: Address, port: number): boolean {
  return rules.some(
    (rule) => onPort(rule, port) && 'block' in rule.match && within(address, rule.match.block),
  );
}

/**
 * IP addresses as numbers, and which of them no agent may reach unless they are listed: those that lead to this
 * machine, to its neighbours, or to services that trust every peer that reaches them. IPv6 forms that carry an IPv4 address
 * are judged by the address they carry.
 */
import { isIP } from 'node:net';

export interface Address {
  /** Spelled as the system prints it. */
  text: string;
  family: 4 | 6;
  bytes: Uint8Array;
}

/** A block of addresses of one family. */
export interface Block {
  family: 4 | 6;
  bytes: Uint8Array;
  bits: number;
}

/** @returns null for what is no address in the usual spelling */
export function parseAddress(text: string): Address | null {
  const family = isIP(text);
  if (family === 4) return { text, family, bytes: Uint8Array.from(text.split('.').map(Number)) };
  // A zone (`fe80::1%eth0`) names an interface of this machine: no target of an agent.
  if (family !== 6 || text.includes('%')) return null;
  const bytes = bytesOfV6(text.toLowerCase());
  return { text: printV6(bytes), family, bytes };
}

function bytesOfV6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros: number[] = Array(8 - before.length - after.length).fill(0);
  const bytes = new Uint8Array(16);
  [...before, ...(tail === undefined ? [] : zeros), ...after].forEach((group, at) => {
    bytes[at * 2] = group >> 8;
    bytes[at * 2 + 1] = group & 0xff;
  });
  return bytes;
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** RFC 5952: the longest run of zero groups is left out. */
function printV6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2]! << 8) | bytes[at * 2 + 1]!) >>> 0);
  let best = { at: 0, length: 0 };
  for (let at = 0; at < 8; at += 1) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.length < 2) return hex.join(':');
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`;
}

/** `10.0.0.0/8`, or one address. @returns null for anything else */
export function parseBlock(text: string): Block | null {
  const [left = '', right, more] = text.split('/');
  const address = parseAddress(left);
  if (address === null || more !== undefined) return null;
  const width = address.bytes.length * 8;
  if (right === undefined) return { family: address.family, bytes: address.bytes, bits: width };
  if (!/^\d{1,3}$/.test(right) || Number(right) > width) return null;
  return { family: address.family, bytes: address.bytes, bits: Number(right) };
}

export function within(address: Address, block: Block): boolean {
  if (address.family !== block.family) return false;
  for (let bit = 0; bit < block.bits; bit += 8) {
    const left = block.bits - bit;
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff;
    if ((address.bytes[bit / 8]! & mask) !== (block.bytes[bit / 8]! & mask)) return false;
  }
  return true;
}

export const PRIVATE = 'a private network';

/** The first that holds an address names it. */
const SPECIAL: readonly (readonly [block: string, kind: string])[] = [
  ['169.254.169.254', 'the metadata service of a cloud'],
  ['169.254.170.2', 'the metadata service of a cloud'],
  ['100.100.100.200', 'the metadata service of a cloud'],
  ['192.0.0.192', 'the metadata service of a cloud'],
  ['168.63.129.16', 'the metadata service of a cloud'],
  ['fd00:ec2::254', 'the metadata service of a cloud'],
  ['fd20:ce::254', 'the metadata service of a cloud'],
  ['0.0.0.0/8', 'this machine'],
  ['127.0.0.0/8', 'this machine'],
  ['10.0.0.0/8', PRIVATE],
  ['172.16.0.0/12', PRIVATE],
  ['192.168.0.0/16', PRIVATE],
  ['100.64.0.0/10', 'a network of a provider (CGNAT)'],
  ['169.254.0.0/16', 'the local link'],
  ['192.0.0.0/24', 'a reserved block'],
  ['192.88.99.0/24', 'a retired relay'],
  ['198.18.0.0/15', 'a block for benchmarks'],
  ['224.0.0.0/4', 'a multicast group'],
  ['240.0.0.0/4', 'a reserved block'],
  ['::/128', 'this machine'],
  ['::1/128', 'this machine'],
  ['fe80::/10', 'the local link'],
  ['fec0::/10', PRIVATE],
  ['fc00::/7', PRIVATE],
  ['ff00::/8', 'a multicast group'],
  ['100::/64', 'a reserved block'],
  ['64:ff9b:1::/48', 'a private translation to IPv4'],
  ['2001::/32', 'a tunnel (Teredo)'],
  ['2001:2::/48', 'a block for benchmarks'],
  ['2001:10::/28', 'a reserved block'],
  ['5f00::/16', 'a reserved block'],
];

/** IPv4 blocks that are no part of the public internet, none within another. */
export const RESERVED_V4: readonly string[] = SPECIAL.flatMap(([text]) =>
  text.includes('.') && text.includes('/') ? [text] : [],
).concat(['100.100.100.200', '168.63.129.16']);

const special = SPECIAL.map(([text, kind]) => ({ block: parseBlock(text)!, kind }));

/** Where an IPv6 form holds its IPv4 address. */
const CARRIERS: readonly (readonly [block: string, at: number])[] = [
  ['::ffff:0:0/96', 12],
  ['::ffff:0:0:0/96', 12],
  ['64:ff9b::/96', 12],
  ['::/96', 12],
  ['2002::/16', 2],
];

const carriers = CARRIERS.map(([text, at]) => ({ block: parseBlock(text)!, at }));

/** The IPv4 address that an IPv6 form leads to; the address itself where it carries none. */
export function carried(address: Address): Address {
  for (const { block, at } of carriers) {
    if (!within(address, block) || isUnspecifiedOrLoopback(address)) continue;
    const bytes = address.bytes.subarray(at, at + 4);
    return { text: [...bytes].join('.'), family: 4, bytes };
  }
  return address;
}

function isUnspecifiedOrLoopback({ bytes }: Address): boolean {
  return bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! <= 1;
}

/** What such an address leads to; null for one of the public internet. */
export function specialKind(address: Address): string | null {
  const judged = carried(address);
  return special.find(({ block }) => within(judged, block))?.kind ?? null;
}

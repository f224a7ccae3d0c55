/**
 * Whether a request is one that two readers understand alike. Node's parser refuses most of what is ambiguous (both
 * lengths, bare line feeds, folded headers); what it lets through and a server behind may read otherwise is refused
 * here. Headers that are of one hop end at the proxy.
 */
import type { IncomingMessage } from 'node:http';
import { parseTarget, type Target } from '../rules.ts';

/** A sentence that says what is wrong with it. */
export class Malformed extends Error {}

const HTTP_PORT = 80;

const ONE_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function valuesOf(raw: string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < raw.length; at += 2) if (raw[at]!.toLowerCase() === name) values.push(raw[at + 1]!);
  return values;
}

/** @throws Malformed */
function checkFraming(request: IncomingMessage): void {
  const lengths = valuesOf(request.rawHeaders, 'content-length');
  const codings = valuesOf(request.rawHeaders, 'transfer-encoding');
  if (lengths.length > 1 || (lengths[0] !== undefined && !/^\d{1,16}$/.test(lengths[0])))
    throw new Malformed('It has more than one length, or a length that is no number.');
  if (codings.length > 1 || (codings[0] !== undefined && codings[0].toLowerCase() !== 'chunked'))
    throw new Malformed('Its transfer coding is not plain "chunked".');
  if (codings.length > 0 && (lengths.length > 0 || request.httpVersion !== '1.1'))
    throw new Malformed('It has a length and a transfer coding, or a coding that its version does not know.');
}

/** @throws Malformed */
function hostHeader(request: IncomingMessage): string | null {
  const hosts = valuesOf(request.rawHeaders, 'host');
  if (hosts.length > 1) throw new Malformed('It has more than one Host header.');
  if (hosts.length === 0 && request.httpVersion === '1.1') throw new Malformed('It has no Host header.');
  return hosts[0] ?? null;
}

const same = (a: Target | null, b: Target) => a !== null && a.host === b.host && a.port === b.port;

/** Target of `CONNECT host:port`. @throws Malformed */
export function connectTarget(request: IncomingMessage): Target {
  checkFraming(request);
  if (
    valuesOf(request.rawHeaders, 'transfer-encoding').length + Number(request.headers['content-length'] ?? 0)
  )
    throw new Malformed('CONNECT has no body.');
  const target = parseTarget(request.url ?? '', null);
  if (target === null) throw new Malformed('Its target is not HOST:PORT.');
  const header = hostHeader(request);
  // Clients write the port here, leave it out, or send no Host at all with HTTP/1.0.
  if (header !== null && parseTarget(header, target.port)?.host !== target.host)
    throw new Malformed('Its Host header names another host than its target.');
  return target;
}

/** Target and path of `GET http://host/path`. @throws Malformed */
export function absoluteTarget(request: IncomingMessage): { target: Target; path: string } {
  checkFraming(request);
  const [, scheme = '', authority = '', path = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/i.exec(request.url ?? '') ?? [];
  if (scheme === '')
    throw new Malformed('This is a proxy: its requests name a whole URL, as `curl -x` does.');
  if (scheme.toLowerCase() !== 'http')
    throw new Malformed(`${scheme}: goes through this proxy with CONNECT only.`);
  const target = parseTarget(authority, HTTP_PORT);
  if (target === null) throw new Malformed('Its URL names no host, or one in an odd spelling.');
  const header = hostHeader(request);
  if (header !== null && !same(parseTarget(header, HTTP_PORT), target))
    throw new Malformed('Its Host header names another host than its URL.');
  return { target, path: path.startsWith('/') ? path : `/${path}` };
}

/** Name and value in turn, without those that end here; `Connection` may name further ones. */
export function passedHeaders(raw: string[], leave: string[] = []): string[] {
  const named = valuesOf(raw, 'connection').flatMap((value) =>
    value.split(',').map((name) => name.trim().toLowerCase()),
  );
  const gone = new Set([...ONE_HOP, ...leave, ...named.filter((name) => !KEPT.has(name))]);
  const passed: string[] = [];
  for (let at = 0; at < raw.length; at += 2)
    if (!gone.has(raw[at]!.toLowerCase())) passed.push(raw[at]!, raw[at + 1]!);
  return passed;
}

/** Naming one of these in `Connection` would change what the message is. */
const KEPT = new Set(['host', 'content-length', 'content-type', 'authorization', 'cookie']);

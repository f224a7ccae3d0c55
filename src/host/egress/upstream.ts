/**
 * The proxy that the operator's environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY): many networks have no
 * other way out. An agent's proxy goes through it, and an agent never sees its address or its log-in.
 */
import { parseBlock, within } from './addresses.ts';
import type { Upstream, Upstreams } from './egress-protocol.ts';
import type { Target } from './rules.ts';

type Environment = Record<string, string | undefined>;

export const NO_UPSTREAM: Upstreams = { tunnel: null, plain: null, direct: [] };

export function upstreamsOf(environment: Environment): Upstreams {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined;
  const all = upstreamOf(read('ALL_PROXY'));
  return {
    tunnel: upstreamOf(read('HTTPS_PROXY')) ?? all,
    plain: upstreamOf(read('HTTP_PROXY')) ?? all,
    direct: (read('NO_PROXY') ?? '').split(/[\s,]+/).filter((entry) => entry !== ''),
  };
}

/** Null for what is no proxy that speaks HTTP: SOCKS is not spoken. */
function upstreamOf(text: string | undefined): Upstream | null {
  if (text === undefined) return null;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || url.hostname === '' || !['http:', 'https:'].includes(url.protocol)) return null;
  const tls = url.protocol === 'https:';
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || (tls ? 443 : 80)),
    tls,
    authorization: login === ':' ? null : `Basic ${Buffer.from(login).toString('base64')}`,
  };
}

/** NO_PROXY as curl reads it: a name stands for those below it, too; `*` for all. */
export function goesDirect({ host, port, address }: Target, direct: readonly string[]): boolean {
  return direct.some((written) => {
    if (written === '*') return true;
    const [, entry = '', wanted] = /^(.*?)(?::(\d+))?$/.exec(written) ?? [];
    if (wanted !== undefined && Number(wanted) !== port) return false;
    const block = parseBlock(entry.replace(/^\[(.*)\]$/, '$1'));
    if (address !== null) return block !== null && within(address, block);
    const name = entry.replace(/^\*?\./, '').toLowerCase();
    return name !== '' && (host === name || host.endsWith(`.${name}`));
  });
}

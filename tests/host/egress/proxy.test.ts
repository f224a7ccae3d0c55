/** The proxy with real connections: what it carries, what it refuses and in which words, and what it tells the host. */
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EgressDecision } from '../../../src/host/egress/egress-protocol.ts';
import { caps } from '../../../src/host/egress/process/caps.ts';
import { Decisions } from '../../../src/host/egress/process/decisions.ts';
import { EgressProxy } from '../../../src/host/egress/process/proxy.ts';

const closers: (() => void)[] = [];
const sockets: Socket[] = [];
let told: EgressDecision[];
let names: Record<string, string[]>;
let lookups: string[];
let proxy: EgressProxy;
let port: number;
let echo: number;

function listening(server: Server | http.Server): Promise<number> {
  server.on('connection', (socket: Socket) => sockets.push(socket));
  closers.push(() => server.close());
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

/** Says what it was asked: request line, headers and body. */
const echoServer = () =>
  http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.setHeader('x-seen', 'yes');
      response.end(
        JSON.stringify({ line: `${request.method} ${request.url}`, raw: request.rawHeaders, body }),
      );
    });
  });

beforeEach(async () => {
  told = [];
  names = {};
  lookups = [];
  proxy = new EgressProxy(new Decisions(caps, (decisions) => told.push(...decisions)), async (host) => {
    lookups.push(host);
    const found = names[host];
    if (found === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return found;
  });
  const door = createServer({ pauseOnConnect: true }, (socket) => proxy.serve(socket));
  port = await listening(door);
  echo = await listening(echoServer());
  allow(`127.0.0.1:${echo}`, `echo.test:${echo}`);
  names['echo.test'] = ['127.0.0.1'];
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

function allow(...rules: string[]): void {
  proxy.policy = { allow: rules, model: [] };
}

/** Writes bytes as they are, and reads until the proxy hangs up or `enough` is there. */
function said(bytes: string, enough?: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    let heard = '';
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (enough !== undefined && heard.includes(enough)) socket.destroy();
    });
    socket.write(bytes);
  });
}

const get = (url: string, more = '', host = new URL(url).host) =>
  said(`GET ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`);

describe('what it carries', () => {
  test('a tunnel, both ways, with its ends', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.on('end', () => socket.end(`got ${heard}`));
    });
    const to = await listening(server);
    allow(`127.0.0.1:${to}`);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    // What follows the head at once belongs to the tunnel.
    socket.write(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: 127.0.0.1:${to}\r\n\r\nab`);
    socket.end('cd');
    let heard = '';
    for await (const chunk of socket) heard += chunk;
    expect(heard).toBe('HTTP/1.1 200 Connection established\r\n\r\ngot abcd');
    expect(told).toEqual([{ outcome: 'reached', host: '127.0.0.1', port: to, count: 1 }]);
  });

  test('plain requests with a whole URL, several on one connection', async () => {
    const one = `POST http://echo.test:${echo}/a?b HTTP/1.1\r\nHost: echo.test:${echo}\r\n`;
    const heard = await said(
      `${one}Content-Length: 3\r\n\r\nxyz${one}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    );
    expect(heard.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(heard).toContain('POST /a?b');
    expect(heard).toContain('"body":"xyz"');
    expect(heard).toContain('"body":"hi"');
    expect(heard).toContain('x-seen: yes');
    expect(told).toHaveLength(1);
  });

  test('no header that is of one hop or of the proxy', async () => {
    const more =
      'Proxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nX-Mine: 1\r\n';
    const heard = await said(
      `GET http://echo.test:${echo}/ HTTP/1.1\r\nHost: echo.test:${echo}\r\n${more}Connection: close, X-Gone\r\nX-Gone: 1\r\n\r\n`,
    );
    expect(heard).toContain('X-Mine');
    expect(heard.toLowerCase()).not.toMatch(/proxy-|trailers|x-gone/);
  });

  test('a large body in both directions at the pace of the slower side', async () => {
    const bytes = 8 * 1024 * 1024;
    const server = http.createServer((request, response) => request.pipe(response));
    const to = await listening(server);
    allow(`127.0.0.1:${to}`);
    const got = await new Promise<number>((resolve, reject) => {
      const target = `http://127.0.0.1:${to}/`;
      const request = http.request(
        { port, host: '127.0.0.1', method: 'POST', path: target, headers: { host: `127.0.0.1:${to}` } },
        (response) => {
          let count = 0;
          response.on('data', (chunk: Buffer) => {
            count += chunk.length;
          });
          response.on('end', () => resolve(count));
        },
      );
      request.on('error', reject);
      request.end(Buffer.alloc(bytes, 120));
    });
    expect(got).toBe(bytes);
  });

  test('an answer that breaks off in its middle breaks off here, too', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      setTimeout(() => socket.destroy(), 20);
    });
    const to = await listening(server);
    allow(`127.0.0.1:${to}`);
    const heard = await get(`http://127.0.0.1:${to}/`);
    expect(heard.toLowerCase()).toContain('content-length: 100');
    expect(heard.endsWith('half')).toBe(true);
  });
});

describe('what it refuses', () => {
  test('a host that is not listed, in words, for CONNECT and for a plain request', async () => {
    for (const heard of [
      await said('CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n'),
      await get('http://evil.test:443/'),
    ]) {
      expect(heard).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
      expect(heard).toContain("evil.test:443 is not on the list of this agent's network.");
      expect(heard).toContain('`network:`');
      expect(heard.toLowerCase()).toContain('text/plain');
    }
    expect(lookups).toEqual([]);
    expect(told).toEqual([
      { outcome: 'refused', host: 'evil.test', port: 443, reason: 'not-listed', count: 1 },
    ]);
    told.length = 0;
    await said('CONNECT EVIL.test.:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n');
    expect(told).toEqual([]);
  });

  test.each([
    ['loopback', '127.0.0.1'],
    ['metadata', '169.254.169.254'],
    ['a mapped one', '::ffff:10.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['a provider', '100.64.1.1'],
    ['nothing', '0.0.0.0'],
  ])('a listed name that leads to %s', async (_, address) => {
    allow('rebound.test', '*');
    names['rebound.test'] = [address];
    const heard = await said('CONNECT rebound.test:443 HTTP/1.1\r\nHost: rebound.test\r\n\r\n');
    expect(heard).toMatch(/^HTTP\/1\.1 403/);
    expect(heard).toContain('rebound.test:443 leads to');
    expect(told).toMatchObject([{ outcome: 'refused', host: 'rebound.test', reason: 'address' }]);
    expect(told[0]?.address).toBeDefined();
  });

  test.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0',
    '169.254.169.254',
    '[fd00:ec2::254]',
    'localhost',
  ])('in `full`, the address %s', async (host) => {
    allow('*');
    names.localhost = ['127.0.0.1', '::1'];
    const heard = await said(`CONNECT ${host}:${echo} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(heard).toMatch(/^HTTP\/1\.1 (403|400)/);
    expect(await get(`http://${host}:${echo}/`, '', `${host}:${echo}`)).toMatch(/^HTTP\/1\.1 (403|400)/);
  });

  test('an address of this machine that is no loopback one', async () => {
    const { networkInterfaces } = await import('node:os');
    const own = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal);
    if (own === undefined) return expect(own, 'this machine has no address but loopback').toBeUndefined();
    allow('*');
    expect(await said(`CONNECT ${own.address}:${echo} HTTP/1.1\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (400|403)/);
    return undefined;
  });

  test('looks a name up once, and dials what it checked', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    const rebinding = new EgressProxy(
      new Decisions(caps, () => undefined),
      async () => answers.shift() ?? [],
    );
    rebinding.policy = { allow: ['rebind.test:*', `127.0.0.1:${echo}`], model: [] };
    const to = await listening(createServer({ pauseOnConnect: true }, (socket) => rebinding.serve(socket)));
    port = to;
    expect(await get(`http://rebind.test:${echo}/`)).toMatch(/^HTTP\/1\.1 200/);
    expect(answers).toHaveLength(1);
    expect(await get(`http://rebind.test:${echo}/`)).toMatch(/^HTTP\/1\.1 403/);
  });

  test('drops the addresses of a name that may not be reached, and dials the others', async () => {
    names['mixed.test'] = ['10.0.0.1', '169.254.169.254', '127.0.0.1'];
    allow(`mixed.test:${echo}`, `127.0.0.1:${echo}`);
    expect(await get(`http://mixed.test:${echo}/`)).toMatch(/^HTTP\/1\.1 200/);
  });

  test('what is listed no more, once the policy is narrower; what is open goes on', async () => {
    const server = createServer((socket) => socket.on('data', (chunk) => socket.write(chunk)));
    const to = await listening(server);
    allow(`127.0.0.1:${to}`);
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    const next = () =>
      new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    socket.write(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    expect(await next()).toContain('200');
    allow();
    expect(await said(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 403/,
    );
    socket.write('still');
    expect(await next()).toBe('still');
  });

  const smuggled: [string, string][] = [
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc'],
    ['different lengths', 'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc'],
    ['a list of lengths', 'Content-Length: 3, 3\r\n\r\nabc'],
    ['a signed length', 'Content-Length: +3\r\n\r\nabc'],
    ['a length and a coding', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an unknown coding', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a disguised coding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['two codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n'],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a folded header', 'X: a\r\n Transfer-Encoding: chunked\r\n\r\n'],
    ['a bare line feed', 'X: a\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a bare carriage return', 'X: a\rY: b\r\n\r\n'],
    ['a null byte', 'X: a\u0000b\r\n\r\n'],
    ['a second Host', 'Host: other.test\r\n\r\n'],
    ['a large head', `X: ${'a'.repeat(caps.head_bytes_max)}\r\n\r\n`],
  ];
  test.each(smuggled)('a request with %s', async (_, rest) => {
    const head = `POST http://echo.test:${echo}/ HTTP/1.1\r\nHost: echo.test:${echo}\r\n`;
    expect(await said(head + rest)).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(told.every(({ outcome }) => outcome === 'refused')).toBe(true);
    expect(told).not.toEqual([]);
  });

  test.each([
    ['a path', 'GET / HTTP/1.1\r\nHost: echo.test\r\n\r\n'],
    ['https as a plain request', 'GET https://echo.test/ HTTP/1.1\r\nHost: echo.test\r\n\r\n'],
    ['another scheme', 'GET ftp://echo.test/ HTTP/1.1\r\nHost: echo.test\r\n\r\n'],
    ['a name before the host', 'GET http://echo.test@evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n'],
    ['a Host that is another', 'GET http://evil.test/ HTTP/1.1\r\nHost: echo.test\r\n\r\n'],
    ['no Host', 'GET http://echo.test/ HTTP/1.1\r\n\r\n'],
    ['CONNECT with a Host that is another', 'CONNECT evil.test:443 HTTP/1.1\r\nHost: echo.test\r\n\r\n'],
    ['CONNECT without a port', 'CONNECT echo.test HTTP/1.1\r\nHost: echo.test\r\n\r\n'],
    [
      'CONNECT with a body',
      'CONNECT echo.test:443 HTTP/1.1\r\nHost: echo.test\r\nContent-Length: 3\r\n\r\nabc',
    ],
    ['no HTTP', '\u0016\u0003\u0001\u0002\u0000'],
  ])('%s', async (_, bytes) => {
    expect(await said(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(lookups).toEqual([]);
  });

  test('more connections than an agent may have', async () => {
    const hold = Array.from({ length: caps.connections_max }, () => connect({ port, host: '127.0.0.1' }));
    sockets.push(...hold);
    while (proxy.connections < caps.connections_max) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await said('')).toMatch(/^HTTP\/1\.1 503/);
    hold[0]!.destroy();
    while (proxy.connections === caps.connections_max) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await get(`http://echo.test:${echo}/`)).toMatch(/^HTTP\/1\.1 200/);
  });

  test('a name that does not resolve, and a port where nobody is', async () => {
    allow('nowhere.test', '127.0.0.1:1');
    expect(await get('http://nowhere.test/')).toMatch(/^HTTP\/1\.1 502[\s\S]*does not resolve \(ENOTFOUND\)/);
    expect(await get('http://127.0.0.1:1/')).toMatch(/^HTTP\/1\.1 502[\s\S]*does not answer/);
  });
});

describe('what it tells', () => {
  test('the same refusal once, and then as a count', () => {
    const heard: EgressDecision[][] = [];
    const decisions = new Decisions({ decisions_max: 2, retell_ms: 60_000 }, (some) => heard.push(some));
    const refuse = (host: string) =>
      decisions.note({ outcome: 'refused', host, port: 443, reason: 'not-listed' });
    for (let at = 0; at < 5; at += 1) refuse('a.test');
    expect(heard).toEqual([[expect.objectContaining({ host: 'a.test', count: 1 })]]);
    decisions.flush();
    expect(heard.at(-1)).toEqual([expect.objectContaining({ host: 'a.test', count: 4 })]);
    decisions.flush();
    expect(heard).toHaveLength(2);
    // However many hosts an agent makes up, it fills nothing.
    for (const host of ['b', 'c', 'd', 'e']) refuse(`${host}.test`);
    expect(heard.slice(2).map(([one]) => one!.host)).toEqual(['b.test', 'other hosts']);
    decisions.flush();
    expect(heard.at(-1)).toEqual([expect.objectContaining({ host: 'other hosts', count: 2 })]);
  });
});

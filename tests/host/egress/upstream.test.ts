/** The operator's own proxy: which one is asked for what, over real connections, and what stays direct. */
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { EgressDecision } from '../../../src/host/egress/egress-protocol.ts';
import { caps } from '../../../src/host/egress/process/caps.ts';
import { Decisions } from '../../../src/host/egress/process/decisions.ts';
import { EgressProxy } from '../../../src/host/egress/process/proxy.ts';
import { parseTarget } from '../../../src/host/egress/rules.ts';
import { goesDirect, upstreamsOf } from '../../../src/host/egress/upstream.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const listening = (server: Server | http.Server): Promise<number> => {
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
  });
  closers.push(() => server.close());
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
};

/** A proxy of the operator's that leads every name to one server, and says what it was asked. */
async function upstream(refuses = false): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const end = await listening(
    createServer((socket) => socket.on('data', (data) => socket.write(`echo ${data}`))),
  );
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    response.end('from upstream');
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    if (refuses) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const outside = connect(end, '127.0.0.1');
    outside.on('error', () => socket.destroy());
    socket.on('error', () => outside.destroy());
    // The first bytes come with the answer.
    socket.write('HTTP/1.1 200 OK\r\nVia: test\r\n\r\nhello ');
    return void socket.pipe(outside).pipe(socket);
  });
  return { port: await listening(server), asked };
}

/** The proxy of an agent, in an operator's environment. */
async function agentProxy(
  environment: Record<string, string>,
  allow: string[],
  names: Record<string, string[]>,
) {
  const told: EgressDecision[] = [];
  const look = async (host: string) =>
    names[host] ?? Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
  const proxy = new EgressProxy(new Decisions(caps, (some) => told.push(...some)), look);
  proxy.upstreams = upstreamsOf(environment);
  proxy.policy = { allow, model: [] };
  const port = await listening(createServer({ pauseOnConnect: true }, (socket) => proxy.serve(socket)));
  const said = (bytes: string, enough: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      let heard = '';
      socket.on('close', () => resolve(heard)).on('error', () => undefined);
      socket.on('data', (chunk) => {
        heard += chunk.toString();
        if (heard.includes(enough)) socket.destroy();
      });
      socket.write(bytes);
    });
  return { said, told };
}

describe('through the operator’s proxy', () => {
  test('a tunnel, a plain request, with its log-in; the names of the list count as before', async () => {
    const { port, asked } = await upstream();
    const login = { HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${port}`, http_proxy: `127.0.0.1:${port}` };
    const { said } = await agentProxy(login, ['*.example.com'], { 'a.example.com': ['93.184.216.34'] });
    const tunnel = 'CONNECT a.example.com:443 HTTP/1.1\r\nHost: a.example.com:443\r\n\r\nping';
    expect(await said(tunnel, 'ping')).toMatch(/^HTTP\/1\.1 200[\s\S]*\r\n\r\nhello echo ping$/);
    // A name that only the operator's proxy resolves.
    const plain =
      'GET http://b.example.com/x?y HTTP/1.1\r\nHost: b.example.com\r\nProxy-Authorization: agent\r\n\r\n';
    expect(await said(plain, 'upstream')).toMatch(/200 OK[\s\S]*from upstream$/);
    expect(await said('GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n', 'list')).toContain(
      'is not on the list',
    );
    expect(asked).toEqual([
      `CONNECT a.example.com:443 Basic ${Buffer.from('me:p@ss').toString('base64')}`,
      'GET http://b.example.com/x?y -',
    ]);
  });

  test('what leads to a neighbour is refused, what is listed by address or in NO_PROXY is dialled', async () => {
    const { port, asked } = await upstream();
    const direct = await listening(createServer((socket) => socket.end('direct')));
    const { said } = await agentProxy(
      { ALL_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: 'near.test, .inside.test' },
      ['*:*', `127.0.0.1:${direct}`],
      { 'inner.example.com': ['10.0.0.5'], 'near.test': ['127.0.0.1'] },
    );
    const tunnel = (target: string) => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;
    expect(await said(tunnel('inner.example.com:443'), 'lists it')).toContain('leads to 10.0.0.5');
    expect(await said(tunnel('169.254.169.254:80'), 'lists it')).toContain('403');
    for (const host of ['127.0.0.1', 'near.test'])
      expect(await said(tunnel(`${host}:${direct}`), 'direct')).toContain('direct');
    expect(asked).toEqual([]);
  });

  test('one that refuses, or is not there, is said', async () => {
    const { port } = await upstream(true);
    const names = { 'a.test': ['93.184.216.34'] };
    const tunnel = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n';
    const refusing = await agentProxy({ https_proxy: `http://127.0.0.1:${port}` }, ['*:*'], names);
    expect(await refusing.said(tunnel, '407')).toMatch(
      /502[\s\S]*operator's proxy does not lead to a\.test:443: it answers 407/,
    );
    const gone = await agentProxy({ https_proxy: 'http://127.0.0.1:1' }, ['*:*'], names);
    expect(await gone.said(tunnel, 'ECONNREFUSED')).toContain('does not answer (ECONNREFUSED)');
  });
});

test.each([
  ['a.corp.test:443', '.corp.test', true],
  ['corp.test:443', 'corp.test', true],
  ['notcorp.test:443', 'corp.test', false],
  ['corp.test:443', 'corp.test:80', false],
  ['10.1.2.3:443', '10.0.0.0/8', true],
  ['10.1.2.3:443', '10.1.2.3', true],
  ['a.test:80', '*', true],
  ['a.test:80', '', false],
])('%s with NO_PROXY=%s is dialled: %s', (target, no, direct) => {
  const { direct: entries } = upstreamsOf({ NO_PROXY: no });
  expect(goesDirect(parseTarget(target, null)!, entries)).toBe(direct);
});

test('what is no HTTP proxy is none', () => {
  expect(upstreamsOf({ ALL_PROXY: 'socks5://127.0.0.1:1080', HTTPS_PROXY: '' })).toMatchObject({
    tunnel: null,
    plain: null,
  });
});

/**
 * The network of a run with a real shim: what listens in it before the engine starts, what leads out of it and what
 * does not, and that none of it notices which host is there, or which process has the floor.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { EgressDecision } from '../../../src/host/egress/egress-protocol.ts';
import { upstreamsOf } from '../../../src/host/egress/upstream.ts';
import { descendants, environmentOf } from '../../../src/host/process/proc.ts';
import {
  NETWORK_OPERATION,
  type NetworkSpec,
  type ProcessSpec,
  RecordType,
} from '../../../src/host/shim/shim-protocol.ts';
import { ShimLab, shell, type TestShim, until } from '../../support/shim.ts';

const lab = new ShimLab();
const servers: (Server | http.Server)[] = [];
const PROXY = 3128;
const STOP = { term_ms: 200, kill_ms: 5_000 };

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  lab.clean();
});

async function serve(server: Server | http.Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const hello = () => http.createServer((request, response) => response.end(`hello ${request.url}`));

/** A process in the run's network, as a box is started in it. */
const inside = (script: string): ProcessSpec => ({ ...shell(script), ownNetwork: true });

async function launch(network: NetworkSpec): Promise<TestShim> {
  const shim = await lab.launch();
  await shim.client.network('net', network);
  return shim;
}

const curl = (args: string) => `curl -sS -m 10 ${args}; echo`;
const decisions = (shim: TestShim) => shim.journal.read().all<EgressDecision>(RecordType.egress);

test('is made while the shim starts, and its outcome told to the host that asks', async () => {
  const model = await serve(hello());
  const network = { egress: null, relays: [{ port: model, to: { host: '127.0.0.1', port: model } }] };
  const shim = await lab.launch({ network });
  await until('the network is there', async () => (await shim.client.currentStatus()).ownNetwork === true);
  await shim.client.network(NETWORK_OPERATION, network);
  expect((await shim.client.currentStatus()).relays).toHaveLength(2);
  await shim.client.start('e', inside(`${curl(`http://127.0.0.1:${model}/model`)}; echo over; sleep 60`));
  await shim.printed(0, 'over');
  expect(shim.journal.text(0)).toContain('hello /model');

  const relays = Array.from({ length: 33 }, (_, at) => ({
    port: 4000 + at,
    to: { host: '127.0.0.1', port: 1 },
  }));
  const refused = await lab.launch({ network: { egress: null, relays } });
  await expect(refused.client.network(NETWORK_OPERATION, { egress: null, relays })).rejects.toMatchObject({
    code: 'shim.relay-limit',
  });
});

test('leads out through its proxy and its relays, and nowhere else', async () => {
  const allowed = await serve(hello());
  const model = await serve(hello());
  const other = await serve(hello());
  const shim = await launch({
    egress: { port: PROXY, policy: { allow: [`127.0.0.1:${allowed}`], model: [] } },
    relays: [{ port: model, to: { host: '127.0.0.1', port: model } }],
  });
  const proxied = `-x http://127.0.0.1:${PROXY} --noproxy ''`;
  await shim.client.start(
    'e',
    inside(
      [
        curl(`${proxied} http://127.0.0.1:${allowed}/plain`),
        curl(`${proxied} -p http://127.0.0.1:${allowed}/tunnel`),
        curl(`http://127.0.0.1:${model}/model`),
        curl(`http://localhost:${model}/by-name`),
        `${curl(`http://127.0.0.1:${other}/`)} 2>/dev/null && echo direct-$?`,
        curl(`${proxied} http://127.0.0.1:${other}/`),
        curl(`${proxied} -p http://evil.test/ 2>&1`),
        'cat /proc/net/dev | grep -c :; echo over; sleep 60',
      ].join('\n'),
    ),
  );
  await shim.printed(0, 'over');
  const text = shim.journal.text(0);
  for (const path of ['/plain', '/tunnel', '/model', '/by-name']) expect(text).toContain(`hello ${path}`);
  expect(text.match(/hello/g)).toHaveLength(4);
  expect(text).toContain(`127.0.0.1:${other} is not on the list of this agent's network.`);
  expect(text).toMatch(/403/);
  // Loopback is all the interface there is.
  expect(text).toMatch(/\n1\nover/);
  expect(decisions(shim)).toEqual([
    { outcome: 'reached', host: '127.0.0.1', port: allowed, count: 1 },
    { outcome: 'refused', host: '127.0.0.1', port: other, reason: 'not-listed', count: 1 },
    { outcome: 'refused', host: 'evil.test', port: 80, reason: 'not-listed', count: 1 },
  ]);

  // Narrower, for the next connection and at once.
  await shim.client.policy([]);
  await expect(shim.client.network('again', { egress: null, relays: [] })).rejects.toThrow('begun');
  const { killed, survivors } = await shim.client.stop('s', STOP, 'test');
  expect({ killed, survivors }).toEqual({ killed: 0, survivors: 0 });
  await shim.over();
});

test('keeps its listeners over a swap, and no program takes a port of theirs', async () => {
  const model = await serve(hello());
  const shim = await launch({
    egress: { port: PROXY, policy: { allow: ['*'], model: [] } },
    relays: [{ port: model, to: { host: '127.0.0.1', port: model } }],
  });
  const take = (port: number, host: string) =>
    `${process.execPath} -e 'require("net").createServer().on("error",(e)=>console.log("taken",e.code)).listen(${port},"${host}",()=>console.log("mine"))'`;
  const ask = curl(`http://127.0.0.1:${model}/$WHO`);
  await shim.client.start('e', inside(`WHO=first; ${ask}; sleep 60`));
  await shim.printed(0, 'hello /first');
  const next = inside(
    `WHO=second; ${ask}; ${take(PROXY, '127.0.0.1')}; ${take(model, '::1')}; ${take(PROXY, '0.0.0.0')}; echo over; sleep 60`,
  );
  await shim.client.swap({ opId: 'w', from: 0, stop: STOP, to: next, fallback: next, settle_ms: 50 });
  await shim.printed(1, 'over');
  expect(shim.journal.text(1)).toContain('hello /second');
  expect(shim.journal.text(1)).not.toContain('mine');
  expect(shim.journal.text(1).match(/taken EADDRINUSE/g)).toHaveLength(3);
  // The proxy is no part of what stands still.
  const pause = await shim.client.pause('p', 'test');
  await shim.client.thaw('t', 'test');
  expect(pause.ticks).toBe(0);
  await shim.client.stop('s', STOP, 'test');
  expect((await shim.over()).survivors).toBe(0);
});

test('goes out by the proxy of the operator, whose log-in stands in no environment and not in the journal', async () => {
  const asked: (string | undefined)[] = [];
  const upstream = http.createServer((request, response) => {
    asked.push(request.headers['proxy-authorization']);
    response.end(`through ${request.url}`);
  });
  const login = 'me:log-in-of-a-proxy';
  process.env.HTTP_PROXY = `http://${login}@127.0.0.1:${await serve(upstream)}`;
  try {
    const upstreams = upstreamsOf(process.env);
    const shim = await launch({
      egress: { port: PROXY, policy: { allow: ['far.test'], model: [] }, upstreams },
      relays: [],
    });
    const get = curl(`-x http://127.0.0.1:${PROXY} http://far.test/`);
    await shim.client.start('e', inside(`${get}; echo over; sleep 60`));
    await shim.printed(0, 'over');
    expect(shim.journal.text(0)).toContain('through http://far.test/');
    const encoded = Buffer.from(login).toString('base64');
    expect(asked).toEqual([`Basic ${encoded}`]);
    const all = [shim.identity, ...descendants(shim.identity.pid)].map(({ pid }) => environmentOf(pid));
    expect(all.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(all)).not.toMatch(/log-in-of-a-proxy/);
    const journal = readdirSync(shim.start.dir).map((name) =>
      readFileSync(join(shim.start.dir, name), 'latin1'),
    );
    for (const text of journal) for (const secret of [login, encoded]) expect(text).not.toContain(secret);
    await shim.client.stop('s', STOP, 'test');
    await shim.over();
  } finally {
    delete process.env.HTTP_PROXY;
  }
});

/** Counts upwards, a line every few milliseconds, to whoever connects. */
const counting = () =>
  createServer((socket) => {
    let next = 0;
    socket.on('error', () => undefined);
    const timer = setInterval(() => socket.write(`${next++}\n`), 5);
    socket.on('close', () => clearInterval(timer));
  });

test('carries a tunnel and a relay over twenty hosts', async () => {
  const port = await serve(counting());
  const shim = await launch({
    egress: { port: PROXY, policy: { allow: [`127.0.0.1:${port}`], model: [] } },
    relays: [{ port, to: { host: '127.0.0.1', port } }],
  });
  const script = `
    const { connect } = require('node:net');
    const follow = (name, socket) => {
      let text = '', next = 0;
      socket.on('data', (chunk) => {
        text += chunk;
        for (let at; (at = text.indexOf('\\n')) >= 0; text = text.slice(at + 1)) {
          const line = text.slice(0, at);
          if (/^\\d+$/.test(line) && Number(line) !== next++) console.log(name, 'gap', line);
        }
        if (next % 100 < 2) console.log(name, next);
      });
      socket.on('close', () => console.log(name, 'broken'));
    };
    follow('relay', connect(${port}, '127.0.0.1'));
    const tunnel = connect(${PROXY}, '127.0.0.1');
    tunnel.write('CONNECT 127.0.0.1:${port} HTTP/1.1\\r\\nHost: 127.0.0.1:${port}\\r\\n\\r\\n');
    follow('tunnel', tunnel);`;
  await shim.client.start('e', { ...inside(''), argv: [process.execPath, '-e', script] });
  await shim.printed(0, 'tunnel');
  let client = shim.client;
  for (let host = 2; host <= 21; host += 1) {
    client.close();
    client = await lab.connect(shim.start.socket, host);
  }
  const before = shim.journal.read().text(0).length;
  await until('both go on', () => {
    const text = shim.journal.read().text(0).slice(before);
    return text.includes('relay') && text.includes('tunnel');
  });
  expect(shim.journal.text(0)).not.toMatch(/gap|broken/);
  await client.stop('s', STOP, 'test');
  await shim.over();
});

test('starts its proxy again when that was killed, and goes on', async () => {
  const port = await serve(hello());
  const shim = await launch({
    egress: { port: PROXY, policy: { allow: [`127.0.0.1:${port}`], model: [] } },
    relays: [],
  });
  await shim.client.start(
    'e',
    inside(
      `while read -r line; do ${curl(`-x http://127.0.0.1:${PROXY} --noproxy '' http://127.0.0.1:${port}/$line`)}; done`,
    ),
  );
  await shim.client.write(0, 'a', 'one\n');
  await shim.printed(0, 'hello /one');
  process.kill(proxyOf(shim.identity.pid), 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await shim.client.write(0, 'b', 'two\n');
  await shim.printed(0, 'hello /two');
  await shim.client.stop('s', STOP, 'test');
  await shim.over();
});

test("shows the agent's server on a loopback address of the operator's choice", async () => {
  const shim = await launch({ egress: null, relays: [] });
  const script = `require('http').createServer((q, r) => r.end('from inside ' + q.url)).listen(5173, '127.0.0.1', () => console.log('up'))`;
  await shim.client.start('e', { ...inside(''), argv: [process.execPath, '-e', script] });
  await shim.printed(0, 'up');
  const relay = await shim.client.relay(
    'port',
    { where: 'outside', host: '127.77.0.3', port: 0 },
    { where: 'inside', port: 5173 },
  );
  const { port } = relay.from as { port: number };
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      fetch(`http://127.77.0.3:${port}/${at}`).then((answer) => answer.text()),
    ),
  );
  expect(answers).toEqual(answers.map((_, at) => `from inside /${at}`));
  const half: Socket = connect(port, '127.77.0.3').on('error', () => undefined);
  half.end('GET /half HTTP/1.0\r\n\r\n');
  let heard = '';
  for await (const chunk of half) heard += chunk;
  expect(heard).toContain('from inside /half');
  await shim.client.stop('s', STOP, 'test');
  await shim.over();
});

function proxyOf(shim: number): number {
  const out = execFileSync('ps', ['--ppid', String(shim), '-o', 'pid=,args='], { encoding: 'utf8' });
  return Number(/^\s*(\d+) .*egress/m.exec(out)![1]);
}

/** Connections of a gateway that has just begun, with real sockets. */
import fs from 'node:fs';
import { createServer as createHttpServer, get } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { withholdConnections } from '../../../src/runtimes/openclaw/driver/withhold.ts';
import { eventually } from '../../support/eventually.ts';

async function listening<SERVER extends Server>(server: SERVER, where: number | string = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(where, resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('no connection is made until it is let go, but to itself and to unix sockets', async () => {
  const reached: string[] = [];
  const accept = (name: string) =>
    createServer((socket) => {
      reached.push(name);
      socket.on('error', () => undefined).destroy();
    });
  const model = createHttpServer((_request, response) => {
    reached.push('model');
    response.end('said');
  });
  const [port, plain, own] = [
    await listening(model),
    await listening(accept('plain')),
    await listening(accept('own')),
  ];
  const dir = fs.mkdtempSync(join(tmpdir(), 'aether-withhold-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true }));
  const path = join(dir, 'socket');
  await listening(accept('unix'), path);

  const letGo = withholdConnections(own);
  const fetched = fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text());
  const got = new Promise((resolve) => get(`http://127.0.0.1:${port}/`, resolve));
  for (const socket of [
    connect(plain),
    connect(plain, '127.0.0.1'),
    connect({ port: plain, host: '127.0.0.1' }),
    connectTls({ port: plain, host: '127.0.0.1', rejectUnauthorized: false }),
    connect(own, '127.0.0.1'),
    connect(path),
    connect({ path }),
  ])
    socket.on('error', () => undefined);
  const left = connect(plain, '127.0.0.1');
  left.on('error', () => undefined).destroy();
  await eventually('what is its own is reached', () => reached.length >= 3);
  await turn();
  expect(reached.toSorted()).toEqual(['own', 'unix', 'unix']);

  letGo();
  expect(await fetched).toBe('said');
  await got;
  await eventually('all are reached', () => reached.length === 9);
  expect(reached.filter((name) => name === 'plain')).toHaveLength(4);
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('said');
});

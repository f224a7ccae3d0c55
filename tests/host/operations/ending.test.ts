/** The host ends: what was asked before is answered, the request that ends it too, and what stalls does not keep it. */
import fs from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunningHost } from '../../../src/host/cli/running-host.ts';
import { ControlClient } from '../../../src/host/control/client.ts';
import { limits } from '../../../src/host/limits.ts';
import { runHost } from '../../../src/host/main.ts';
import { Client } from '../../support/console-client.ts';
import { eventually } from '../../support/eventually.ts';

let root: string;
let stateDir: string;
let running: RunningHost;
let control: string;
const clients: ControlClient[] = [];

beforeEach(async () => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-ending-')));
  stateDir = join(root, 'state');
  const configFile = join(root, 'aether.yaml');
  fs.writeFileSync(configFile, JSON.stringify({ console: { port: 0 }, agents: {} }));
  running = await runHost({ configFile, stateDir });
  control = join(fs.readFileSync(join(stateDir, 'sockets'), 'utf8').trim(), 'control.sock');
});
afterEach(async () => {
  await running.shutdown(false);
  for (const client of clients.splice(0)) client.close();
  fs.rmSync(root, { recursive: true, force: true });
});

async function client(): Promise<ControlClient> {
  const connected = await ControlClient.connect(control, stateDir);
  clients.push(connected);
  return connected;
}

test('the command that ends it is answered, and whoever follows the events sees the last one', async () => {
  const follower = await client();
  const topics: string[] = [];
  const followed = (async () => {
    for await (const event of follower.stream('logs', { last: 0, follow: true })) topics.push(event.topic);
  })().catch(() => undefined);
  const asker = await client();
  await asker.call('agents');
  await asker.call('down');
  await running.stopped;
  await followed;
  expect(topics.at(-1)).toBe('host.stopped');
  expect(fs.existsSync(control)).toBe(false);
});

test('a browser that ends it is answered', async () => {
  const browser = await Client.signIn(await (await client()).call('consoleLink'));
  expect((await browser.call('down', {})).status).toBe(200);
  await running.stopped;
});

test('connections that stall or say nothing do not keep it', async () => {
  const port = Number(new URL((await (await client()).call('info')).console!).port);
  const idle = [connect(control), connect(port, '127.0.0.1')];
  for (const socket of idle) socket.on('error', () => undefined);
  await eventually('they are connected', () => idle.every(({ connecting }) => !connecting));
  const began = performance.now();
  await running.shutdown(false);
  expect(performance.now() - began).toBeLessThan(limits.control_drain_ms);
  for (const socket of idle) socket.destroy();
});

/**
 * A program that prints without end, and everybody who could make the host keep it: a viewer, a client and two
 * browsers' connections that stop reading. The host's memory stays what it was, it answers others, and one that reads
 * again is shown the present.
 */
import fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Client } from '../support/console-client.ts';
import { eventually } from '../support/eventually.ts';
import { journalLength } from '../support/journal.ts';
import { LiveFleet } from '../support/live-fleet.ts';
import { LONG } from '../support/run-tree.ts';

const MB = 1024 * 1024;
/** Far more than a viewer may be behind and the host may grow; in the long form several files of the journal. */
const PRINTED_BYTES = (LONG ? 400 : 90) * MB;

let fleet: LiveFleet;
const sockets: { destroy(): void }[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await fleet.close();
});

const resident = (): number => {
  const status = fs.readFileSync(`/proc/${fleet.hostPid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
};

/** A client of the control socket that says what it is told and reads nothing until it is let. */
function deaf(...requests: object[]): Socket {
  const dir = fs.readFileSync(join(fleet.stateDir, 'sockets'), 'utf8').trim();
  const socket = connect(join(dir, 'control.sock'));
  sockets.push(socket);
  socket.pause();
  socket.on('error', () => undefined);
  for (const request of requests) socket.write(`${JSON.stringify(request)}\n`);
  return socket;
}

/** A browser's connection whose machine went to sleep. */
async function stalled(client: Client, path: string): Promise<void> {
  const socket = client.socket(path);
  sockets.push({ destroy: () => socket.ws.terminate() });
  await socket.message(path === '/ws' ? 'welcome' : 'screen');
  socket.ws.pause();
}

test('a viewer that does not read costs the host nothing that grows', async () => {
  const line = 'x'.repeat(120);
  fleet = await LiveFleet.make({
    agents: { noisy: { runtime: 'command', command: ['yes', line], restart: 'never', autostart: false } },
  });
  await fleet.up();
  await fleet.act('start', 'noisy');
  const { run } = await fleet.agent('noisy');
  const journal = join(fleet.stateDir, 'runs', run!, 'journal');

  const viewer = deaf({ id: 1, verb: 'attach', input: { agent: 'noisy' } });
  deaf({ id: 1, verb: 'follow' }, { id: 2, verb: 'followAgents' });
  // Asks without end, and takes no answer.
  const asker = deaf();
  let asked = 0;
  const asking = setInterval(() => {
    for (let n = 0; n < 50 && asker.writableLength < MB; n += 1) {
      asked += 1;
      asker.write(`${JSON.stringify({ id: asked, verb: 'agents' })}\n`);
    }
  }, 10);
  sockets.push({ destroy: () => clearInterval(asking) });
  const client = await Client.signIn((await fleet.ok('console')).trim());
  await stalled(client, '/ws');
  await stalled(client, '/terminal/noisy');

  const first = journalLength(journal) + 20 * MB;
  await eventually('it prints', () => journalLength(journal) > first, 60_000);
  const before = resident();
  let most = before;
  while (journalLength(journal) < first + PRINTED_BYTES) {
    await sleep(250);
    most = Math.max(most, resident());
  }
  expect((most - before) / MB).toBeLessThan(60);

  const begun = performance.now();
  await fleet.withHost((control) => control.call('agents'));
  expect(performance.now() - begun).toBeLessThan(3_000);

  /* It wakes up: the past is not read out to it. It gets the present screen, and what is printed from then on. */
  let rest = '';
  let read_bytes = 0;
  let screens = 0;
  let present = '';
  viewer.setEncoding('utf8').on('data', (chunk: string) => {
    read_bytes += chunk.length;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const reply of lines) {
      if (!reply.includes('"kind":"screen"')) continue;
      screens += 1;
      present = Buffer.from(/"data":"([^"]*)"/.exec(reply)?.[1] ?? '', 'base64').toString();
    }
  });
  viewer.resume();
  await eventually('it is shown the present', () => screens > 1, 30_000);
  expect(present).toContain(line.slice(0, 79));
  expect(read_bytes / MB).toBeLessThan(40);
}, 240_000);

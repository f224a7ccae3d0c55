/** The unix sockets of the host, with real peers: how they are bound, who gets in, and what a refused loop gets. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectUnix } from '../../../src/host/doors/connect.ts';
import type { RefusalReport } from '../../../src/host/doors/refusals.ts';
import { openUnixDoor, type UnixDoor, type UnixDoorOptions } from '../../../src/host/doors/unix-door.ts';
import { VirtualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';

let dir: string;
let path: string;
let clock: VirtualClock;
let reports: RefusalReport[];
let failures: unknown[];
const doors: UnixDoor[] = [];
const sockets: Socket[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'ae-'));
  path = join(dir, 'door.sock');
  clock = new VirtualClock();
  reports = [];
  failures = [];
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(doors.splice(0).map((door) => door.close()));
  fs.rmSync(dir, { recursive: true, force: true });
});

async function open(options: Partial<UnixDoorOptions> = {}): Promise<UnixDoor> {
  const door = await openUnixDoor({
    name: 'test',
    path,
    caps: { connections_max: 8, connections_per_peer_max: 4 },
    operators: false,
    admit: () => true,
    serve: (socket) => void socket.write('welcome\n'),
    refusal: ({ why, full }) => `${full ?? 'refused'}: ${why}\n`,
    report: (report) => reports.push(report),
    failed: (error) => failures.push(error),
    clock,
    ...options,
  });
  doors.push(door);
  return door;
}

/** A connection of this process, and what it is told. */
function visit(): { socket: Socket; said: () => string; closed: () => boolean } {
  const socket = connect(path);
  sockets.push(socket);
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk.toString();
  });
  socket.on('error', () => undefined);
  return { socket, said: () => said, closed: () => socket.destroyed };
}

async function told(peer: ReturnType<typeof visit>): Promise<string> {
  await eventually('it is told', () => peer.said() !== '');
  return peer.said();
}

describe('the socket', () => {
  test('is this user’s alone, and leaves the mask of the process as it was', async () => {
    const mask = process.umask();
    await open();
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(mask);
    await doors[0]!.close();
    expect(fs.existsSync(path)).toBe(false);
  });

  test('takes the place of one that nobody serves any more, without a report', async () => {
    const server = createServer().listen(path);
    await eventually('it listens', () => server.listening);
    fs.renameSync(path, `${path}.kept`);
    server.close();
    fs.renameSync(`${path}.kept`, path);
    await open();
    expect(await told(visit())).toBe('welcome\n');
    expect(reports).toEqual([]);
  });

  test('takes the place of an impostor, and reports it', async () => {
    const impostor = createServer().listen(path);
    await eventually('it listens', () => impostor.listening);
    await open();
    expect(await told(visit())).toBe('welcome\n');
    expect(reports).toMatchObject([{ why: expect.stringContaining('in place of the host') }]);
    impostor.close();
  });

  test('is not made over a file, nor at a path that the system does not take', async () => {
    fs.writeFileSync(path, 'precious');
    await expect(open()).rejects.toMatchObject({ code: 'socket.not-made', who: 'host' });
    expect(fs.readFileSync(path, 'utf8')).toBe('precious');
    const long = join(dir, 'x'.repeat(120));
    await expect(open({ path: long })).rejects.toMatchObject({ code: 'socket.path-too-long' });
  });
});

describe('who gets in', () => {
  test('one process has its share; what it closes is free again', async () => {
    const door = await open();
    const peers = Array.from({ length: 5 }, visit);
    await eventually('all are told', () => peers.every(({ said }) => said() !== ''));
    expect(peers.map(({ said }) => said().split(':')[0])).toEqual([
      ...Array(4).fill('welcome\n'),
      'peer-full',
    ]);
    expect(peers[4]!.said()).toMatch(/process \d+ has 4 connections/);
    peers[0]!.socket.destroy();
    await eventually('a place is free', () => door.connections === 3);
    expect(await told(visit())).toBe('welcome\n');
  });

  test('other processes find room while one has filled its share', async () => {
    await open();
    const script = `const s = require('net').connect(process.argv[1]); s.on('data', (d) => process.stdout.write(d));`;
    const all = Array.from({ length: 4 }, visit);
    await eventually('its share is full', () => all.every(({ said }) => said() !== ''));
    const child = spawn(process.execPath, ['-e', script, path]);
    children.push(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await eventually('the other is told', () => said !== '');
    expect(said).toBe('welcome\n');
  });

  test('a peer that cannot be judged is not served, and the door goes on', async () => {
    let broken = true;
    await open({
      admit: () => {
        if (broken) throw new Error('no /proc');
        return true;
      },
    });
    expect(await told(visit())).toBe('refused: it could not be judged (no /proc)\n');
    expect(failures).toHaveLength(1);
    broken = false;
    expect(await told(visit())).toBe('welcome\n');
  });
});

describe('a refused peer in a loop', () => {
  test('is answered, then kept waiting, then dropped; it is judged once a second', async () => {
    let judged = 0;
    await open({
      admit: () => {
        judged += 1;
        return 'it is part of agent alpha';
      },
    });
    const first = Array.from({ length: 8 }, visit);
    await eventually('the first are told', () => first.every(({ said }) => said() !== ''));
    expect(first[0]!.said()).toBe('refused: it is part of agent alpha\n');
    await eventually('and let go', () => first.every(({ closed }) => closed()));

    const flood = Array.from({ length: 200 }, visit);
    await eventually('most are closed', () => flood.filter(({ closed }) => closed()).length === 184);
    expect(flood.every(({ said }) => said() === '')).toBe(true);
    expect(judged).toBe(1);
    clock.advance(1_000);
    await eventually(
      'those that waited are told',
      () => flood.filter(({ said }) => said() !== '').length === 16,
    );
    await eventually('and let go', () => flood.every(({ closed }) => closed()));
    expect(reports.map(({ phase }) => phase)).toEqual(['first', 'flood']);
  });
});

test('a full queue is waited for', async () => {
  // A listener that accepts nothing: its queue holds two.
  const script = `
    const net = require('net');
    const server = net.createServer(() => {}).listen({ path: process.argv[1], backlog: 1 }, () => {
      process.stdout.write('ready\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    });`;
  const child = spawn(process.execPath, ['-e', script, path]);
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const early = await Promise.allSettled([1, 2, 3, 4, 5].map(() => connectUnix(path, 0)));
  for (const one of early) if (one.status === 'fulfilled') sockets.push(one.value);
  expect(early.map(({ status }) => status)).toContain('rejected');
  expect(early.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'EAGAIN' } });
  sockets.push(await connectUnix(path, 10_000));
});

describe('a socket that another process of the same user replaces', () => {
  const impostor = async (said: string) => {
    fs.rmSync(path, { force: true });
    const server = createServer((socket) => void socket.end(said));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return server;
  };
  const answer = async () => {
    const { said, closed } = visit();
    await eventually('an answer', () => said() !== '' || closed());
    return said();
  };

  test('is made again at once, and told of; those that are connected stay', async () => {
    await open();
    const before = visit();
    await eventually('welcome', () => before.said() === 'welcome\n');
    const other = await impostor('I am the host\n');
    await eventually('the host answers again', async () => (await answer()) === 'welcome\n');
    expect(before.closed()).toBe(false);
    expect(reports).toMatchObject([{ door: 'test', why: expect.stringContaining('made again') }]);
    other.close();
    await eventually('made again without anybody in its place', async () => (await answer()) === 'welcome\n');
    // Told once in a while, with how often it was.
    expect(reports).toHaveLength(1);
    clock.advance(10_000);
    fs.rmSync(path);
    await eventually('told again', () => reports.length === 2);
    expect(reports[1]!.refused).toBeGreaterThanOrEqual(2);
    expect(failures).toEqual([]);
  });

  test('a door that is closed leaves what comes after it alone', async () => {
    const door = await open();
    await door.close();
    const next = await impostor('the next\n');
    expect(await answer()).toBe('the next\n');
    expect(reports).toEqual([]);
    next.close();
  });
});

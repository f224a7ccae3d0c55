/** Locks, socket directories, peers and markers: what stands between two hosts, and between a host and an agent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock } from '../../../src/host/process/lock.ts';
import { runMarkerOf } from '../../../src/host/process/marker.ts';
import { peerCredentials } from '../../../src/host/process/peer.ts';
import { startTicks } from '../../../src/host/process/proc.ts';
import { runtimeDirectory, socketPath } from '../../../src/host/process/sockets.ts';
import { ShimLab, shell, until } from '../../support/shim.ts';

let dir: string;
let children: ChildProcess[] = [];
const lab = new ShimLab();

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'aether-door-')));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  lab.clean();
  rmSync(dir, { recursive: true, force: true });
});

function node(script: string, env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  children.push(child);
  return child;
}

test('a lock has one holder and ends with it, however it ends', async () => {
  const file = join(dir, 'lock');
  const mine = acquireLock(file);
  expect(mine).not.toBeNull();
  expect(acquireLock(file)).toBeNull();
  mine!.release();

  const module = resolve(import.meta.dirname, '../../../src/host/process/lock.ts');
  const holder = node(`
    import { acquireLock } from ${JSON.stringify(module)};
    console.log(acquireLock(${JSON.stringify(file)}) ? 'held' : 'refused');
    setInterval(() => {}, 1000);`);
  const [said] = await once(holder.stdout!, 'data');
  expect(String(said).trim()).toBe('held');
  expect(acquireLock(file)).toBeNull();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const again = await until('the lock to be free', () => acquireLock(file));
  // A file put in its place is another lock: nobody may hold the old one and believe in it.
  renameSync(file, `${file}.old`);
  const other = acquireLock(file);
  expect(other).not.toBeNull();
  other!.release();
  again.release();
  expect(() => acquireLock(join(dir, 'no', 'lock'))).toThrow(/ENOENT/);
});

test('the runtime directory is short, private, and the same by every path', () => {
  const long = join(dir, 'x'.repeat(100), 'y'.repeat(100));
  mkdirSync(long, { recursive: true });
  symlinkSync(long, join(dir, 'link'));
  const xdg = join(dir, 'run');
  mkdirSync(xdg, { mode: 0o700 });
  const place = runtimeDirectory(long, { XDG_RUNTIME_DIR: xdg });
  expect(place).toMatch(new RegExp(`^${xdg}/aether/[0-9a-f]{16}$`));
  expect(statSync(place).mode & 0o777).toBe(0o700);
  expect(runtimeDirectory(join(dir, 'link'), { XDG_RUNTIME_DIR: xdg })).toBe(place);
  expect(runtimeDirectory(dir, { XDG_RUNTIME_DIR: xdg })).not.toBe(place);
  chmodSync(place, 0o777);
  expect(statSync(runtimeDirectory(long, { XDG_RUNTIME_DIR: xdg })).mode & 0o777).toBe(0o700);
  // Where it is does not change with the environment of whoever asks.
  expect(runtimeDirectory(long, {})).toBe(place);
  // Gone (a reboot empties it): chosen again. Unset, relative, missing or too long: the fallback under /tmp.
  const fallback = new RegExp(`^/tmp/aether-${process.getuid!()}/[0-9a-f]{16}$`);
  rmSync(place, { recursive: true });
  for (const unusable of [undefined, 'relative', join(dir, 'missing'), long]) {
    const made = runtimeDirectory(long, { XDG_RUNTIME_DIR: unusable });
    expect(made).toMatch(fallback);
    rmSync(made, { recursive: true });
  }
});

test('a directory that is a link or a file is refused', () => {
  for (const plant of [(at: string) => symlinkSync(dir, at), (at: string) => writeFileSync(at, '')]) {
    const xdg = mkdtempSync(join(dir, 'x'));
    plant(join(xdg, 'aether'));
    expect(() => runtimeDirectory(xdg, { XDG_RUNTIME_DIR: xdg })).toThrow(
      expect.objectContaining({ code: 'runtime-directory.unsafe', who: 'user' }),
    );
  }
});

test('a socket path that the system would refuse is refused in words', () => {
  expect(socketPath('/tmp/a', 'b.sock')).toBe('/tmp/a/b.sock');
  expect(() => socketPath('/tmp', 'ü'.repeat(52))).toThrow(
    expect.objectContaining({ code: 'socket.path-too-long' }),
  );
});

/** A server that hands over its next connection. */
async function listening(): Promise<{ path: string; next: () => Promise<Socket>; server: Server }> {
  const path = join(dir, 'peer.sock');
  const waiting: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    waiting.push(socket);
  });
  await new Promise<void>((done) => server.listen(path, done));
  return { path, server, next: () => until('a connection', () => waiting.shift()) };
}

const CONNECT = (path: string) => `
  import { connect } from 'node:net';
  const socket = connect(${JSON.stringify(path)});
  socket.on('connect', () => console.log('connected'));
  socket.on('error', () => {});
  setInterval(() => {}, 1000);`;

test('a peer is who the kernel says', async () => {
  const { path, server, next } = await listening();
  const child = node(CONNECT(path));
  const socket = await next();
  expect(peerCredentials(socket)).toEqual({
    pid: child.pid,
    uid: process.getuid!(),
    gid: process.getgid!(),
    start_ticks: startTicks(child.pid!),
  });
  socket.destroy();
  expect(() => peerCredentials(socket)).toThrow(expect.objectContaining({ code: 'peer.gone' }));

  const own = connect(path);
  expect(peerCredentials(await next()).pid).toBe(process.pid);
  own.destroy();
  server.close();
});

test('a peer that has exited cannot be vouched for, even while its connection lives on', async () => {
  const { path, server, next } = await listening();
  // The shell holds the connection that its child made and left.
  const script = `
    const { connect } = require('net');
    const { spawn } = require('child_process');
    const socket = connect(${JSON.stringify(path)}, () => {
      spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', socket._handle.fd], detached: true }).unref();
      setTimeout(() => process.exit(0), 50);
    });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'inherit' });
  const socket = await next();
  expect(peerCredentials(socket).pid).toBe(child.pid);
  await once(child, 'exit');
  expect(socket.readyState).toBe('open');
  expect(() => peerCredentials(socket)).toThrow(expect.objectContaining({ code: 'peer.gone' }));
  expect(() => runMarkerOf(child.pid!)).toThrow(expect.objectContaining({ code: 'peer.gone' }));
  socket.destroy();
  server.close();
});

test('a run marks everything below it, washed environments included', async () => {
  expect(runMarkerOf(process.pid)).toBe(process.env.AETHER_RUN ?? null);
  const shim = await lab.launch();
  await shim.client.start(
    's1',
    shell('env -i /bin/sh -c "( exec setsid env -i sleep 60 ) & echo \\$!"; sleep 60'),
  );
  await shim.printed(0, '\n');
  const pid = Number(shim.journal.text(0).trim());
  expect(runMarkerOf(pid)).toBe(shim.start.run);
  expect(runMarkerOf(shim.identity.pid)).toBe(shim.start.run);
  await shim.client.stop('x', { term_ms: 100, kill_ms: 2_000 }, 'test');
});

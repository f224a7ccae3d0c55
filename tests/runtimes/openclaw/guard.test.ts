/** The guard in a process that does what OpenClaw's gateway does: it serves, loads plugins by copies, listens to signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  GUARD_VARIABLE,
  type GuardSettings,
  KEY_HEADER,
} from '../../../src/runtimes/openclaw/driver/driver-protocol.ts';

const GUARD = new URL('../../../src/runtimes/openclaw/driver/guard.ts', import.meta.url);
const SOURCE = fileURLToPath(new URL('../../../src', import.meta.url));
const KEY = 'the-key-of-the-driver';

const PROGRAM = `
import { createServer } from 'node:http';
import { execFileSync } from 'node:child_process';
const server = createServer((_, answer) => answer.end('served'));
server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 101 x\\r\\n\\r\\n'));
process.on('SIGUSR2', () => process.send({ began: 'again' }));
process.once('SIGTERM', () => process.send({ ended: true }, () => process.exit(7)));
const tried = async (load) => { try { return await load(); } catch (error) { return 'refused: ' + error.message; } };
const plugin = await tried(async () => (await import(process.argv[2])).default.id);
const addon = await tried(() => process.dlopen({ exports: {} }, process.argv[3]));
server.listen(0, '127.0.0.1', () => process.send({
  port: server.address().port, plugin, addon, home: process.env.HOME,
  listeners: process.listenerCount('SIGTERM'),
  given: execFileSync(process.execPath, ['-p', 'JSON.stringify(process.env)'], { encoding: 'utf8' }),
}));
`;

interface Started {
  port: number;
  plugin: string;
  addon: string;
  home: string;
  listeners: number;
  given: string;
}

async function started(settings: GuardSettings, files: { program: string; plugin: string; addon: string }) {
  const argv = ['--disable-sigusr1', '--import', GUARD.href, files.program, files.plugin, files.addon];
  const env = { PATH: process.env.PATH ?? '', HOME: '/', [GUARD_VARIABLE]: JSON.stringify(settings) };
  const child: ChildProcess = spawn(process.execPath, argv, {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = (await once(child, 'message')) as [Started];
  return { child, said };
}

/** An installation, a gate, and a copy of a plugin in a place that an agent writes. */
function places() {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-guard-')));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    const path = join(root, name);
    fs.mkdirSync(join(path, '..'), { recursive: true });
    fs.writeFileSync(path, text);
    return path;
  };
  const program = write('installed/program.mjs', PROGRAM);
  const plugin = write('state/copy/index.mjs', "export default { id: 'of the agent' };");
  const addon = write('state/addon.node', 'no library');
  return { files: { program, plugin, addon }, code: [join(root, 'installed'), SOURCE] };
}

const got = async (port: number, headers: Record<string, string>) => {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers });
  return [answer.status, await answer.text()];
};

const upgraded = (port: number, headers: Record<string, string>) =>
  new Promise<string>((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers });
    socket.on('error', ({ message }) => resolve(message));
  });

test('in a gateway it leaves neither code, nor requests, nor signals to who writes its files', async () => {
  const { files, code } = places();
  const { child, said } = await started({ for: 'gateway', code, key: KEY }, files);
  expect(said.plugin).toBe('aether-gate');
  expect(said.addon).toContain('not part of the program');
  expect(said.listeners).toBe(1);
  for (const secret of [KEY, GUARD_VARIABLE]) expect(said.given).not.toContain(secret);
  expect(await got(said.port, { [KEY_HEADER]: KEY })).toEqual([200, 'served']);
  expect(await got(said.port, {})).toEqual([403, '']);
  expect(await got(said.port, { [KEY_HEADER]: `${KEY} ` })).toEqual([200, 'served']);
  expect(await got(said.port, { [KEY_HEADER]: 'another' })).toEqual([403, '']);
  expect(await upgraded(said.port, {})).toContain('socket hang up');
  expect(await upgraded(said.port, { [KEY_HEADER]: KEY })).not.toContain('socket hang up');
  const told: unknown[] = [];
  child.on('message', (message) => told.push(message));
  for (const signal of ['SIGUSR2', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) child.kill(signal);
  expect(await got(said.port, { [KEY_HEADER]: KEY })).toEqual([200, 'served']);
  expect(told).toEqual([]);
  const ended = once(child, 'exit');
  child.send({ type: 'stop' });
  expect(await ended).toEqual([7, null]);
  expect(told).toEqual([{ ended: true }]);
});

test('in a terminal nothing else is loaded, and its files are in a directory of its own', async () => {
  const { files, code } = places();
  const { child, said } = await started({ for: 'terminal', code }, files);
  expect(said.plugin).toContain('not part of the program');
  expect(said.home).toMatch(/^\/tmp\/openclaw-terminal-/);
  expect(await got(said.port, {})).toEqual([200, 'served']);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  expect(fs.existsSync(said.home)).toBe(false);
});

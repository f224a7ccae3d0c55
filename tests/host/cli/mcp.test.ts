/** `aether mcp` as an outside client starts it: from any directory, two at once, with a host that ends when idle. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordedRuntimeDirectory } from '../../../src/host/paths.ts';
import { CLI, cli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { isAlive } from '../../support/fleet-dir.ts';

let home: string;
let stateDir: string;
const children: ReturnType<typeof spawn>[] = [];

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'aether-home-')));
  stateDir = join(home, '.local', 'state', 'aether');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await cli(['down', '--state', stateDir], { cwd: home });
  const sockets = existsSync(stateDir) ? recordedRuntimeDirectory(stateDir) : null;
  if (sockets !== null) rmSync(sockets, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
});

interface Reply {
  jsonrpc: string;
  id: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A legacy-era client in a few lines: every byte of stdout has to be a JSON-RPC message. */
function client(name: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, 'mcp', '--as', name], {
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  const replies = new Map<number, Reply>();
  let rest = '';
  let next = 1;
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const message = JSON.parse(line) as Reply;
      expect(message.jsonrpc).toBe('2.0');
      replies.set(message.id, message);
    }
  });
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const request = async (method: string, params: object = {}) => {
    const id = next++;
    send({ id, method, params });
    const reply = await eventually(`an answer to ${method}`, () => replies.get(id), 25_000);
    if (reply.error) throw new Error(reply.error.message);
    return reply.result!;
  };
  return {
    child,
    stderr: () => stderr,
    request,
    tool: async (tool: string, args: object) =>
      (await request('tools/call', { name: tool, arguments: args })) as {
        structuredContent: Record<string, unknown>;
      },
    async open() {
      await request('initialize', {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'test', version: '1' },
      });
      send({ method: 'notifications/initialized' });
      return this;
    },
    async close() {
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.stdin.end();
      return ended;
    },
  };
}

const hostPid = () => Number(readFileSync(join(stateDir, 'host.pid'), 'utf8'));

it('two at once get one host, share its memory, and each is who it said it is', async () => {
  const [one, two] = await Promise.all([client('one').open(), client('two').open()]);
  await one.tool('aether_memory_store', {
    text: 'The harbour closes at nine.',
    key: 'harbour',
    scope: 'shared',
  });
  const found = await two.tool('aether_memory_get', { key: 'harbour' });
  expect(JSON.stringify(found.structuredContent)).toContain('The harbour closes at nine.');
  expect(JSON.stringify(found.structuredContent)).toContain('client:one');
  expect([one.stderr(), two.stderr()]).toEqual(['', '']);
  expect(await Promise.all([one.close(), two.close()])).toEqual([0, 0]);
  // One of the hosts may have stepped back; exactly one is left.
  expect(isAlive(hostPid())).toBe(true);
});

it('finds the host although the client has another environment than whoever started it', async () => {
  const first = await client('one', { XDG_RUNTIME_DIR: home }).open();
  const pid = hostPid();
  const second = await client('two').open();
  await second.tool('aether_agents_list', {});
  expect(hostPid()).toBe(pid);
  await Promise.all([first.close(), second.close()]);
});

it('outlives its host: another is started, and the client notices latency only', async () => {
  const one = await client('one').open();
  await one.tool('aether_memory_store', { text: 'kept', key: 'kept', scope: 'shared' });
  const before = hostPid();
  process.kill(before, 'SIGKILL');
  const found = await one.tool('aether_memory_get', { key: 'kept' });
  expect(JSON.stringify(found.structuredContent)).toContain('kept');
  expect(hostPid()).not.toBe(before);
  expect(await one.close()).toBe(0);
});

it('a host that was started for clients ends when it has nothing to do', async () => {
  const host = spawn(process.execPath, [CLI, 'host', '--state', stateDir, '--idle-exit', '3000'], {
    env: { PATH: process.env.PATH ?? '', HOME: home },
    stdio: 'ignore',
  });
  children.push(host);
  const ended = new Promise<number | null>((resolve) => host.once('exit', resolve));
  await eventually('the host is up', () => existsSync(join(stateDir, 'sockets')));
  const one = await client('one').open();
  await new Promise((resolve) => setTimeout(resolve, 4_000)); // longer than its patience: it has a client
  await one.tool('aether_agents_list', {});
  expect(hostPid()).toBe(host.pid);
  one.child.kill('SIGKILL');
  expect(await ended).toBe(0);
});

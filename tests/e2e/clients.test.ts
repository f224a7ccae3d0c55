/** MCP clients of both eras, started by nobody's host, over the real command and with the SDKs people use. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { AETHER, running } from '../support/live-fleet.ts';

/** What both SDKs have in common, and all that is asked of either. */
interface AnyClient {
  connect(transport: unknown): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: {
    name: string;
    arguments: object;
  }): Promise<{ structuredContent?: unknown; isError?: boolean }>;
  close(): Promise<void>;
}

const home = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-')));
const stateDir = join(home, '.local', 'state', 'aether');
const environment = { PATH: process.env.PATH ?? '', HOME: home, XDG_RUNTIME_DIR: home };
const clients: AnyClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  if (fs.existsSync(join(stateDir, 'host.pid'))) {
    const down = await cli(['down', '--state', stateDir], { program: AETHER, env: environment });
    expect(down).toMatchObject({ code: 0 });
  }
  fs.rmSync(home, { recursive: true, force: true });
});

const server = (name: string) => ({
  command: AETHER[0]!,
  args: [...AETHER.slice(1), 'mcp', '--as', name],
  env: environment,
});

/** The maintenance line of the SDK, which knows the older protocol only: installed with the engines. */
async function older(name: string): Promise<AnyClient> {
  const require = createRequire(fileURLToPath(new URL('../engines/package.json', import.meta.url)));
  const load = async (path: string): Promise<Record<string, new (...args: unknown[]) => AnyClient>> =>
    import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/client/${path}`)).href);
  const [{ Client: V1 }, { StdioClientTransport: V1Transport }] = await Promise.all([
    load('index.js'),
    load('stdio.js'),
  ]);
  const client = new V1!({ name: 'older', version: '1' });
  clients.push(client);
  await client.connect(new V1Transport!(server(name)));
  return client;
}

async function newer(name: string): Promise<AnyClient> {
  const client = new Client({ name: 'newer', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  clients.push(client as unknown as AnyClient);
  await client.connect(new StdioClientTransport(server(name)));
  expect(client.getProtocolEra()).toBe('modern');
  return client as unknown as AnyClient;
}

test('two clients of two eras start one host, share memory, write to each other, and outlive it', async () => {
  const [v1, v2] = await Promise.all([older('editor'), newer('laptop')]);
  const names = async (client: AnyClient) => (await client.listTools()).tools.map(({ name }) => name);
  expect(await names(v1)).toEqual(await names(v2));
  expect(await names(v1)).toContain('aether_memory_store');
  const call = async <T>(client: AnyClient, tool: string, input: object): Promise<T> => {
    const result = await client.callTool({ name: `aether_${tool}`, arguments: input });
    expect(result).not.toMatchObject({ isError: true });
    return result.structuredContent as T;
  };

  await call(v1, 'memory_store', { key: 'harbour', scope: 'shared', text: 'The harbour closes at nine.' });
  expect(await call(v2, 'memory_get', { key: 'harbour' })).toMatchObject({
    memory: { text: 'The harbour closes at nine.', author: 'client:editor' },
  });
  await call(v2, 'memory_store', { key: 'own', text: 'Nobody else sees this.' });
  const foreign = await v1.callTool({ name: 'aether_memory_get', arguments: { key: 'own' } });
  expect(foreign.isError).toBe(true);
  await call(v1, 'mail_send', { to: 'client:laptop', subject: 'Hello', body: 'From one era to the other.' });

  const pid = Number(fs.readFileSync(join(stateDir, 'host.pid'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  await eventually('the host is gone', () => !running(pid));
  const [inbox, again] = await Promise.all([
    call<{ messages: unknown[] }>(v2, 'mail_inbox', {}),
    call(v1, 'memory_search', { query: 'when does the harbour close', scope: 'shared' }),
  ]);
  expect(inbox.messages).toMatchObject([{ from: 'client:editor', body: 'From one era to the other.' }]);
  expect(again).toMatchObject({ total: 1 });
  const next = Number(fs.readFileSync(join(stateDir, 'host.pid'), 'utf8'));
  expect(next).not.toBe(pid);
  expect(running(next)).toBe(true);
}, 90_000);

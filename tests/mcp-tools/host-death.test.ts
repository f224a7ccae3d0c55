/** The host dies in mid-call and comes back: every call is answered once and has its effect once. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/host/limits.ts';
import { LineReader } from '../../src/host/line-reader.ts';
import { LONG } from '../support/run-tree.ts';
import { connectClient, Engine, MODERN } from './engine.ts';
import { actor, Rig, tempDir, until } from './rig.ts';

const HOST = fileURLToPath(new URL('host-process.ts', import.meta.url));

let dir: string;
let socketPath: string;
const engines: Engine[] = [];
const hosts: ChildProcess[] = [];

beforeEach(() => {
  dir = tempDir();
  socketPath = `${dir}/run.sock`;
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await Promise.all(hosts.splice(0).map(kill));
  fs.rmSync(dir, { recursive: true });
});

function engine(env: Record<string, string> = {}): Engine {
  const started = new Engine(socketPath, { env });
  engines.push(started);
  return started;
}

async function startHost(fate?: string): Promise<ChildProcess> {
  const host = fork(HOST, fate === undefined ? [dir] : [dir, fate], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  hosts.push(host);
  const [ready] = await once(host, 'message');
  expect(ready).toBe('ready');
  return host;
}

async function kill(host: ChildProcess): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return;
  const gone = once(host, 'exit');
  host.kill('SIGKILL');
  await gone;
}

/** What is in the database now, read beside whatever host there is. */
function stored(): string[] {
  const rig = new Rig(dir);
  const { memories } = rig.memory.search(actor('agent:ada'), { query: '*', limit: 50 });
  const total = rig.store.db.prepare('SELECT text FROM memories ORDER BY rowid').pluck().all() as string[];
  rig.store.close();
  expect(memories.length).toBe(Math.min(50, total.length));
  return total;
}

/** Which era an engine speaks and when its host dies do not depend on each other: each of both once, or all of it. */
const MOMENTS = LONG
  ? { legacy: ['before', 'after'], modern: ['before', 'after'] }
  : { legacy: ['before'], modern: ['after'] };

describe.each(['legacy', 'modern'] as const)('killed (%s era)', (era) => {
  const open = async (by: Engine) => {
    if (era === 'legacy') await by.handshake();
    else await by.reply(by.modern('server/discover'));
  };
  const call = (by: Engine, tool: string, args: object) =>
    era === 'legacy' ? by.call(tool, args) : by.modern('tools/call', { name: tool, arguments: args });

  it.each(MOMENTS[era])('%s the effect of a call: answered once, done once', async (when) => {
    const first = await startHost(`${when}:3`);
    const by = engine();
    await open(by);
    const ids = ['a', 'b', 'c', 'd'].map((text) => call(by, 'aether_memory_store', { text }));
    await once(first, 'exit');
    expect(first.signalCode).toBe('SIGKILL');
    await startHost();
    const replies = await Promise.all(ids.map((id) => by.reply(id)));
    expect(replies.map((reply) => reply.result.structuredContent.memory.text)).toEqual(['a', 'b', 'c', 'd']);
    expect(stored()).toEqual(['a', 'b', 'c', 'd']);
    // A last exchange: had there been a second answer to anything, it would be here by now.
    await by.reply(call(by, 'aether_agents_list', {}));
    for (const id of ids) expect(by.replies(id)).toHaveLength(1);
    expect(by.received.filter((each) => each.id !== undefined)).toHaveLength(6);
  });

  it('while a question waits: it is asked once, and the new host brings the answer', async () => {
    const first = await startHost();
    const by = engine();
    await open(by);
    const id = call(by, 'aether_ask_operator', { question: 'Are you still there?' });
    const asked = () => {
      const rig = new Rig(dir);
      const questions = rig.approvals.list({ state: 'all' });
      rig.store.close();
      return questions;
    };
    await until(() => asked().length === 1);
    await kill(first);
    const second = await startHost();
    await by.reply(call(by, 'aether_agents_list', {}));
    expect(by.replies(id)).toEqual([]);
    second.send({ answer: 'Yes.' });
    expect((await by.reply(id)).result.structuredContent).toMatchObject({
      status: 'answered',
      answer: 'Yes.',
    });
    expect(asked()).toHaveLength(1);
    expect(by.replies(id)).toHaveLength(1);
  });
});

it('killed again and again under load: nothing lost, nothing doubled', async () => {
  const by = engine();
  let host = await startHost();
  await by.handshake();
  const ids: number[] = [];
  const answered = () => ids.filter((id) => by.replies(id).length > 0).length;
  let wave = 0;
  for (const deaths of LONG ? [0, 1, 2, 3, 4, 5] : [0, 4]) {
    wave += 40;
    for (let n = ids.length; n < wave; n += 1)
      ids.push(by.call('aether_memory_store', { text: `fact ${n}` }));
    // In the midst of the wave, at another point each time.
    await until(() => answered() >= wave - 40 + deaths * 7);
    await kill(host);
    host = await startHost();
  }
  await until(() => answered() === ids.length, 20_000);
  await by.reply(by.request('ping'));
  for (const id of ids) expect(by.replies(id)).toHaveLength(1);
  expect(stored().sort()).toEqual(ids.map((_, n) => `fact ${n}`).sort());
}, 60_000);

describe('gone and back in one process', () => {
  it('a client of the SDK notices nothing but the wait', async () => {
    let rig = new Rig(dir);
    await rig.openRunDoor();
    const client = await connectClient(socketPath, { pin: MODERN });
    const asked = client.callTool({ name: 'aether_ask_operator', arguments: { question: 'q' } });
    const open = await until(() => rig.approvals.list()[0]);
    await rig.close();
    const during = client.callTool({
      name: 'aether_memory_store',
      arguments: { text: 'while nobody was there' },
    });
    rig = new Rig(dir);
    await rig.openRunDoor();
    expect((await during).structuredContent).toMatchObject({ memory: { text: 'while nobody was there' } });
    rig.approvals.answer(open.id, { text: 'a' }, 'operator');
    expect((await asked).structuredContent).toMatchObject({ answer: 'a' });
    expect(rig.topics().filter((topic) => topic === 'approval.opened')).toHaveLength(1);
    await client.close();
    await rig.close();
  });

  it('a subscription goes on, acknowledged once, and carries what the new host has to tell', async () => {
    let rig = new Rig(dir);
    await rig.openRunDoor();
    const by = engine();
    const listen = by.modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const told = (method: string) => by.received.filter((each) => each.method === method).length;
    await until(() => told('notifications/subscriptions/acknowledged') === 1);
    await rig.close();
    rig = new Rig(dir);
    const door = await rig.openRunDoor();
    await by.reply(by.modern('tools/list'));
    door.toolsChanged();
    await until(() => told('notifications/tools/list_changed') === 1);
    expect(told('notifications/subscriptions/acknowledged')).toBe(1);
    expect(by.replies(listen)).toEqual([]);
    // Receipts do not pile up because of it: it does not hold back what is settled.
    for (let n = 0; n < 5; n += 1) {
      await by.reply(by.modern('tools/call', { name: 'aether_memory_store', arguments: { text: `${n}` } }));
    }
    expect(rig.store.db.prepare('SELECT count(*) FROM calls').pluck().get()).toBe(1);
    await rig.close();
  });

  it('a request cancelled while nobody was there is neither done nor answered', async () => {
    let rig = new Rig(dir);
    await rig.openRunDoor();
    const by = engine();
    await by.handshake();
    await rig.close();
    const id = by.call('aether_memory_store', { text: 'never mind' });
    by.send({ method: 'notifications/cancelled', params: { requestId: id } });
    const other = by.call('aether_memory_store', { text: 'do mind' });
    rig = new Rig(dir);
    await rig.openRunDoor();
    await by.reply(other);
    expect(by.replies(id)).toEqual([]);
    expect(stored()).toEqual(['do mind']);
    await rig.close();
  });

  it('two bridges with the same numbers do not collide', async () => {
    let rig = new Rig(dir);
    await rig.openRunDoor();
    const [one, two] = [engine(), engine()];
    await Promise.all([one.handshake(), two.handshake()]);
    await rig.close();
    const first = one.call('aether_memory_store', { text: 'one' });
    const second = two.call('aether_memory_store', { text: 'two' });
    rig = new Rig(dir);
    await rig.openRunDoor();
    expect((await one.reply(first)).result.structuredContent.memory.text).toBe('one');
    expect((await two.reply(second)).result.structuredContent.memory.text).toBe('two');
    expect(stored().sort()).toEqual(['one', 'two']);
    await rig.close();
  });
});

describe('away for long', () => {
  it('what waits is answered with how to mend it, and whether it may have been done; then it works again', async () => {
    const by = engine({ AETHER_BRIDGE_GRACE_MS: '400' });
    const never = by.modern('tools/list');
    const { error } = await by.reply(never);
    expect(error).toMatchObject({ code: -32001, message: expect.stringContaining('aether up') });
    expect(error?.message).toContain('This request was not carried out.');
    const rig = new Rig(dir);
    await rig.openRunDoor();
    expect((await by.reply(by.modern('tools/list'))).result.tools.length).toBeGreaterThan(0);
    const asks = by.modern('tools/call', { name: 'aether_ask_operator', arguments: { question: 'q' } });
    await until(() => rig.approvals.list()[0]);
    await rig.close();
    expect((await by.reply(asks)).error?.message).toContain(
      'Whether this request was carried out is not known.',
    );
    expect(by.replies(never)).toHaveLength(1);
    expect(by.replies(asks)).toHaveLength(1);
  });

  it('an engine that starts before its host waits for it', async () => {
    const by = engine();
    const id = by.modern('tools/list');
    const rig = new Rig(dir);
    await rig.openRunDoor();
    expect((await by.reply(id)).result.tools.length).toBeGreaterThan(0);
    await rig.close();
  });
});

describe('on the wire', () => {
  interface Connection {
    socket: net.Socket;
    lines: string[];
  }

  /** A host that says only what the test lets it say. */
  async function scripted(): Promise<{ server: net.Server; connections: Connection[] }> {
    const connections: Connection[] = [];
    const server = net.createServer((socket) => {
      const connection: Connection = { socket, lines: [] };
      const reader = new LineReader(limits.mcp_line_bytes_max + 64);
      reader.onLine = (line) => connection.lines.push(line);
      socket.on('data', (chunk) => reader.push(chunk));
      socket.on('error', () => {});
      connections.push(connection);
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    return { server, connections };
  }

  it('numbers what it sends, says what is settled, and sends again only what is unanswered', async () => {
    const { server, connections } = await scripted();
    const by = engine();
    const initialize = by.request('initialize', { protocolVersion: '2025-11-25' });
    await until(() => connections[0]?.lines.length === 2);
    const one = connections[0]!;
    expect(JSON.parse(one.lines[0]!)).toMatchObject({ aether: 'bridge', protocol: 1, resumed: false });
    expect(one.lines[1]).toMatch(/^1 0 \{"jsonrpc"/);
    one.socket.write(`{"jsonrpc":"2.0","id":${initialize},"result":{}}\n`);
    await by.reply(initialize);
    by.send({ method: 'notifications/initialized' });
    const [a, b, c] = [by.request('a'), by.request('b'), by.request('c')];
    await until(() => one.lines.length === 6);
    expect(one.lines.slice(2).map((line) => line.split(' ', 2).join(' '))).toEqual([
      '2 2',
      '3 2',
      '4 2',
      '5 2',
    ]);
    // b is answered, a is answered by half, then the host is gone.
    one.socket.write(
      `{"jsonrpc":"2.0","id":${b},"result":{"b":1}}\n{"jsonrpc":"2.0","id":${a},"result":{"a"`,
    );
    await by.reply(b);
    one.socket.destroy();

    await until(() => connections[1]?.lines.length === 5);
    const two = connections[1]!;
    const [hello, replayed, ...rest] = two.lines;
    expect(JSON.parse(hello!)).toEqual({ ...JSON.parse(one.lines[0]!), resumed: true });
    expect(replayed).toContain('"method":"initialize"');
    expect(replayed).not.toContain(`"id":${initialize},`);
    expect(rest.map((line) => line.split(' ', 2).join(' '))).toEqual(['2 2', '3 2', '5 2']);
    const replayId = JSON.parse(replayed!.split(' ').slice(2).join(' ')).id as string;
    two.socket.write(`{"jsonrpc":"2.0","id":${JSON.stringify(replayId)},"result":{}}\n`);
    two.socket.write(
      `{"result":{"odd":"order"},"jsonrpc":"2.0","id":${c}}\n{"jsonrpc":"2.0","id":${a},"result":{"a":2}}\n`,
    );
    expect((await by.reply(a)).result).toEqual({ a: 2 });
    expect((await by.reply(c)).result).toEqual({ odd: 'order' });
    // An answer nobody waits for, or to something answered before, does not reach the engine.
    two.socket.write(
      `{"jsonrpc":"2.0","id":${b},"result":{"b":9}}\n{"jsonrpc":"2.0","id":999,"result":{}}\n`,
    );
    const last = by.request('last');
    await until(() => two.lines.length === 6);
    expect(two.lines[5]).toMatch(/^6 5 /);
    two.socket.write(
      `not json\n{"jsonrpc":"2.0","method":"notifications/x"}\n{"jsonrpc":"2.0","id":${last},"result":{}}\n`,
    );
    await by.reply(last);
    expect(by.received.map((each) => each.method ?? each.id)).toEqual([
      initialize,
      b,
      c,
      a,
      'notifications/x',
      last,
    ]);
    two.socket.destroy();
    server.close();
  });

  it('carries lines of the full size both ways', async () => {
    const { server, connections } = await scripted();
    const by = engine();
    const room = limits.mcp_line_bytes_max - 200;
    const id = by.request('big', { filler: 'ü'.repeat(room / 2) });
    await until(() => connections[0]?.lines.length === 2);
    expect(connections[0]!.lines[1]!.length).toBeGreaterThan(room / 2);
    connections[0]!.socket.write(
      `{"jsonrpc":"2.0","id":${id},"result":{"filler":"${'é'.repeat(room / 2)}"}}\n`,
    );
    expect((await by.reply(id)).result.filler).toBe('é'.repeat(room / 2));
    connections[0]!.socket.destroy();
    server.close();
  });
});

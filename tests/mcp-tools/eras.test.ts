/** Both eras of the protocol through the real bridge, with the SDK's client and with lines written by hand. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { Client } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catalog } from '../../src/mcp-tools/catalog.ts';
import { LONG } from '../support/run-tree.ts';
import { BRIDGE, connectClient, Engine, envelope, LEGACY, MODERN } from './engine.ts';
import { actor, Rig, tempDir, until } from './rig.ts';

let rig: Rig;
let grants: string[] | null;
const clients: Client[] = [];
const engines: Engine[] = [];

beforeEach(() => {
  rig = new Rig(tempDir());
  grants = null;
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

async function client(mode: Parameters<typeof connectClient>[1], args?: string[], socket = rig.socketPath) {
  const connected = await connectClient(socket, mode, args);
  clients.push(connected);
  return connected;
}

function engine(args?: string[], socket = rig.socketPath): Engine {
  const started = new Engine(socket, args ? { args } : {});
  engines.push(started);
  return started;
}

/** A client that is pinned to the newer era speaks as one that finds it out: in the long form. */
const MODES: [era: string, mode: Parameters<typeof connectClient>[1]][] = [
  ['legacy', 'legacy'],
  ['modern', 'auto'],
  ...(LONG ? [['modern', { pin: MODERN }] as [string, { pin: string }]] : []),
];

describe.each(MODES)('%s (%j)', (era, mode) => {
  it('lists, calls and answers completely', async () => {
    const door = await rig.openRunDoor();
    const connected = await client(mode);
    expect(connected.getProtocolEra()).toBe(era);
    expect(connected.getInstructions()).toContain('You are the agent "ada"');
    expect(Buffer.byteLength(connected.getInstructions()!)).toBeLessThan(2_048);
    const { tools } = await connected.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(catalog.map((tool) => tool.name));
    for (const tool of tools) {
      expect(tool.outputSchema?.type).toBe('object');
      expect(Object.keys(tool.annotations ?? {})).toHaveLength(4);
      expect(tool._meta).toEqual({ 'anthropic/alwaysLoad': true });
    }

    const stored = await connected.callTool({
      name: 'aether_memory_store',
      arguments: { key: 'pet', text: 'The cat is called Miezi.', tags: ['home'] },
    });
    expect(stored.isError).toBeFalsy();
    expect(stored.structuredContent).toMatchObject({
      replaced: false,
      memory: { key: 'pet', author: 'agent:ada', scope: 'agent', version: 1 },
    });
    const [content] = stored.content;
    expect(JSON.parse((content as { text: string }).text)).toEqual(stored.structuredContent);

    const found = await connected.callTool({ name: 'aether_memory_search', arguments: { query: 'cat' } });
    expect(found.structuredContent).toMatchObject({
      total: 1,
      memories: [{ text: 'The cat is called Miezi.' }],
    });
    expect(door.connections).toBe(1);
    expect(rig.topics()).toEqual(['memory.stored', 'mcp.called', 'mcp.called']);
  });

  it('asks the operator and gets the answer', async () => {
    await rig.openRunDoor();
    const connected = await client(mode);
    const asked = connected.callTool({ name: 'aether_ask_operator', arguments: { question: 'Ship it?' } });
    const open = await until(() => rig.approvals.list()[0]);
    rig.approvals.answer(open.id, { text: 'Yes, after lunch.' }, 'operator');
    expect((await asked).structuredContent).toEqual({
      id: open.id,
      status: 'answered',
      answer: 'Yes, after lunch.',
      answeredBy: 'operator',
    });
  });

  it('withdraws the question of a call the client gives up', async () => {
    await rig.openRunDoor();
    const connected = await client(mode);
    const abort = new AbortController();
    const asked = connected.callTool(
      { name: 'aether_ask_operator', arguments: { question: 'Ship it?' } },
      { signal: abort.signal },
    );
    const open = await until(() => rig.approvals.list()[0]);
    abort.abort('changed my mind');
    await expect(asked).rejects.toThrow();
    await until(() => rig.approvals.get(open.id).state === 'withdrawn');
    expect((await connected.listTools()).tools).toHaveLength(catalog.length);
  });

  it('shows and serves only what is granted, and refuses the rest with the key to change', async () => {
    await rig.openRunDoor({ grants: () => grants });
    const connected = await client(mode);
    grants = ['aether_memory_search'];
    expect((await connected.listTools()).tools.map((tool) => tool.name)).toEqual(grants);
    const refused = await connected.callTool({ name: 'aether_mail_inbox', arguments: {} });
    expect(refused.isError).toBe(true);
    expect(refused.content).toEqual([{ type: 'text', text: expect.stringContaining('agents.ada.tools') }]);
    expect(refused._meta).toMatchObject({ 'aether/error': { code: 'tool.not-granted', who: 'config' } });
    expect(rig.events.list({}).at(-1)?.data).toMatchObject({ ok: false, error: 'tool.not-granted' });
  });

  it('refuses an unknown, missing or wrong argument with a sentence that says what is right, and logs the call', async () => {
    await rig.openRunDoor();
    const connected = await client(mode);
    const text = async (args: Record<string, unknown>, name = 'aether_memory_store') => {
      const result = await connected.callTool({ name, arguments: args });
      expect(result.isError).toBe(true);
      return (result.content[0] as { text: string }).text;
    };
    expect(await text({ text: 'x', tag: ['a'] })).toBe(
      'aether_memory_store was not called: there is no argument "tag" (did you mean "tags"?). Its arguments are: text, key, layer, tags, scope, importance, supersedes, derived_from, contradicts, valid_from, expires, if_version.',
    );
    expect(await text({ scope: 'shared' })).toContain('"text" is required');
    const wrong: [Record<string, unknown>, string, string?][] = [
      [
        { text: 'x', scope: 'shard' },
        '"scope" must be one of "agent", "fleet", "shared", "workspace", "branch" (did you mean "shared"?).',
      ],
      [{ text: 5 }, '"text" must be text, not the number 5.'],
      [{ text: '' }, '"text" must not be empty.'],
      [{ text: 'x', tags: 'a' }, '"tags" must be a list, not text.'],
      [{ text: 'x', tags: [null] }, '"tags.0" must be text, not null.'],
      [{ text: 'x', key: 'k'.repeat(300) }, '"key" must have at most 256 characters, it has 300.'],
      [{ query: 'x', limit: 0 }, '"limit" must be at least 1.', 'aether_memory_search'],
      [{ query: 'x', limit: 51 }, '"limit" must be at most 50.', 'aether_memory_search'],
      [
        { query: 'x', limit: 1.5 },
        '"limit" must be a whole number, not the number 1.5.',
        'aether_memory_search',
      ],
      [{ question: 'x', choices: ['a'] }, '"choices" must have at least 2 entries.', 'aether_ask_operator'],
    ];
    for (const [args, sentence, name] of wrong) expect(await text(args, name)).toContain(sentence);
    expect(await text({ agent: 'bob' }, 'aether_agents_list')).toContain('It takes no arguments.');
    expect(await text({}, 'aether_ask_operator')).toContain('either a new `question`');
    // Nothing was done, and each call is in the log.
    expect(new Set(rig.topics())).toEqual(new Set(['mcp.called']));
    const called = rig.events.list({ topics: ['mcp.called'] });
    expect(called).toHaveLength(wrong.length + 4);
    expect(called.every(({ data }) => !data.ok && /^(tool\.arguments|question\.)/.test(data.error!))).toBe(
      true,
    );
    await expect(connected.callTool({ name: 'aether_memory_stor', arguments: {} })).rejects.toThrow(
      /Unknown tool "aether_memory_stor".*aether_memory_store/,
    );
  });

  it('keeps all of 32 stores that arrive together', async () => {
    await rig.openRunDoor();
    const connected = await client(mode);
    const stored = await Promise.all(
      Array.from({ length: 32 }, (_, n) =>
        connected.callTool({ name: 'aether_memory_store', arguments: { text: `fact number ${n}` } }),
      ),
    );
    expect(stored.every((result) => !result.isError)).toBe(true);
    expect(rig.memory.search(actor('agent:ada'), { query: 'fact', limit: 1 }).total).toBe(32);
  });
});

it('the log knows a call by the id the engine gave it, in either era', async () => {
  await rig.openRunDoor();
  const legacy = engine();
  await legacy.handshake();
  const params = {
    name: 'aether_agents_list',
    arguments: {},
    _meta: { 'claudecode/toolUseId': 'toolu_old' },
  };
  await legacy.reply(legacy.request('tools/call', params));
  const modern = engine();
  const _meta = { ...envelope(), 'claudecode/toolUseId': 'toolu_new' };
  await modern.reply(modern.request('tools/call', { ...params, _meta }));
  expect(rig.events.list({ topics: ['mcp.called'] }).map((event) => event.data.toolUseId)).toEqual([
    'toolu_old',
    'toolu_new',
  ]);
});

describe('legacy by hand', () => {
  it('shakes hands in every old version, and counter-offers for one it does not know', async () => {
    await rig.openRunDoor();
    for (const version of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
      const by = engine();
      expect((await by.handshake(version)).result.protocolVersion).toBe(version);
      expect((await by.reply(by.request('tools/list'))).result.tools).toHaveLength(catalog.length);
      expect((await by.reply(by.request('ping'))).result).toEqual({});
      await by.stop();
    }
    const stranger = engine();
    expect((await stranger.handshake('1999-01-01')).result.protocolVersion).toBe(LEGACY);
  });

  it('serves string and number ids as different ids, and unicode as it came', async () => {
    await rig.openRunDoor();
    const by = engine();
    await by.handshake();
    by.send({ id: '7', method: 'ping' });
    by.send({ id: 7, method: 'ping' });
    by.send({ id: 'ключ "9"', method: 'ping' });
    await Promise.all([by.reply('7'), by.reply(7), by.reply('ключ "9"')]);
    const stored = await by.reply(by.call('aether_memory_store', { text: 'naïve 🐈 \u2028 "quoted"' }));
    expect(stored.result.structuredContent.memory.text).toBe('naïve 🐈 \u2028 "quoted"');
    // Half a character cannot be kept, and is not said to have been.
    const half = await by.reply(by.call('aether_memory_store', { text: 'half \ud83d of it', key: 'half' }));
    const read = await by.reply(by.call('aether_memory_get', { key: 'half' }));
    expect(half.result.structuredContent.memory.text).toBe('half \ufffd of it');
    expect(read.result.structuredContent).toEqual({ memory: half.result.structuredContent.memory });
  });

  it('takes a line in many pieces and many lines in one piece', async () => {
    await rig.openRunDoor();
    const by = engine();
    await by.handshake();
    const line = `${JSON.stringify({ jsonrpc: '2.0', id: 'slow', method: 'ping', params: { x: 'ü'.repeat(50) } })}\n`;
    const bytes = Buffer.from(line);
    for (let at = 0; at < bytes.length; at += 7) {
      by.process.stdin!.write(bytes.subarray(at, at + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    by.raw(
      [1, 2, 3]
        .map((n) => `${JSON.stringify({ jsonrpc: '2.0', id: `b${n}`, method: 'ping' })}\r\n\n`)
        .join(''),
    );
    await Promise.all(['slow', 'b1', 'b2', 'b3'].map((id) => by.reply(id)));
  });

  it('gets long answers whole, whatever pieces they come in and however late they are read', async () => {
    await rig.openRunDoor();
    const by = engine();
    await by.handshake();
    const texts = Array.from({ length: 40 }, (_, n) => `${n} `.repeat(30_000 / `${n} `.length));
    const stored = texts.map((text, n) => by.call('aether_memory_store', { key: `k${n}`, text }));
    await Promise.all(stored.map((id) => by.reply(id)));
    by.process.stdout!.pause();
    const got = texts.map((_, n) => by.call('aether_memory_get', { key: `k${n}` }));
    // Far more than fits into a pipe; the host begins no more of them until somebody reads.
    await until(() => rig.topics().filter((topic) => topic === 'mcp.called').length > texts.length + 10);
    by.process.stdout!.resume();
    const replies = await Promise.all(got.map((id) => by.reply(id)));
    expect(replies.map((reply) => reply.result.structuredContent.memory.text)).toEqual(texts);
  });

  it('is served from a file as from a pipe', async () => {
    await rig.openRunDoor();
    const file = `${rig.dir}/requests`;
    const list = { jsonrpc: '2.0', id: 'list', method: 'tools/list', params: { _meta: envelope() } };
    fs.writeFileSync(file, JSON.stringify(list)); // its end ends the line too
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', 'exec "$0" "$1" "$2" <"$3"', process.execPath, BRIDGE, rig.socketPath, file],
      { timeout: 10_000 },
    );
    expect(JSON.parse(stdout)).toMatchObject({ id: 'list', result: { resultType: 'complete' } });
  });
});

describe('modern by hand', () => {
  it('is told when the tools change, if it listens', async () => {
    const door = await rig.openRunDoor({ grants: () => grants });
    const by = engine();
    await by.reply(by.modern('server/discover'));
    const listen = by.modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
    await until(() => by.received.find((each) => each.method === 'notifications/subscriptions/acknowledged'));
    grants = [];
    door.toolsChanged();
    await until(() => by.received.find((each) => each.method === 'notifications/tools/list_changed'));
    expect((await by.reply(by.modern('tools/list'))).result.tools).toEqual([]);
    expect(by.replies(listen)).toEqual([]);
  });

  it('is told which versions there are when it speaks another', async () => {
    await rig.openRunDoor();
    const by = engine();
    const { error } = await by.reply(by.modern('tools/list', {}, '2031-01-01'));
    expect(error?.message).toMatch(/Unsupported protocol version/);
    expect(error?.data).toMatchObject({ requested: '2031-01-01', supported: [MODERN] });
    expect((await by.reply(by.modern('tools/list'))).result.tools).toHaveLength(catalog.length);
  });

  it('is told when it changes the era on one connection, or leaves the envelope out', async () => {
    await rig.openRunDoor();
    const by = engine();
    await by.reply(by.modern('tools/list'));
    const initialize = await by.reply(
      by.request('initialize', {
        protocolVersion: LEGACY,
        capabilities: {},
        clientInfo: { name: 'turncoat', version: '1' },
      }),
    );
    expect(initialize.error?.message).toMatch(/[Uu]nsupported protocol version/);
    const bare = await by.reply(by.request('tools/list'));
    expect(bare.error?.message).toMatch(/_meta|envelope/);
    expect((await by.reply(by.modern('tools/list'))).result.tools).toHaveLength(catalog.length);
  });
});

describe('outside clients', () => {
  it('are principals of their own, with their own memory and mailbox', async () => {
    await rig.openClientDoor();
    const cursor = await client('legacy', ['--client', 'cursor'], rig.clientSocketPath);
    const codex = await client({ pin: MODERN }, ['--client', 'codex'], rig.clientSocketPath);
    expect(cursor.getInstructions()).toContain('the outside client "cursor"');
    await cursor.callTool({ name: 'aether_memory_store', arguments: { text: 'mine alone' } });
    await cursor.callTool({ name: 'aether_memory_store', arguments: { text: 'for all', scope: 'shared' } });
    const found = await codex.callTool({ name: 'aether_memory_search', arguments: { query: '*' } });
    expect(found.structuredContent).toMatchObject({ total: 1, memories: [{ author: 'client:cursor' }] });
    const sent = await codex.callTool({
      name: 'aether_mail_send',
      arguments: { to: 'client:cursor', subject: 'hi', body: 'b' },
    });
    expect(sent.structuredContent).toMatchObject({ message: { from: 'client:codex', to: 'client:cursor' } });
    const inbox = await cursor.callTool({ name: 'aether_mail_inbox', arguments: {} });
    expect(inbox.structuredContent).toMatchObject({ unread: 1, remaining: 0, messages: [{ subject: 'hi' }] });
  });
});

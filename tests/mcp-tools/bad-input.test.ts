/** What is wrong gets a clear error and disturbs nothing else on the connection. */
import fs from 'node:fs';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/host/limits.ts';
import { BRIDGE_SOURCE, Engine, MODERN } from './engine.ts';
import { actor, Rig, tempDir, until } from './rig.ts';

let rig: Rig;
const engines: Engine[] = [];
const peers: Peer[] = [];

beforeEach(() => {
  rig = new Rig(tempDir());
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  for (const peer of peers.splice(0)) peer.socket.destroy();
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

async function engine(): Promise<Engine> {
  const started = new Engine(rig.socketPath);
  engines.push(started);
  await started.handshake();
  return started;
}

/** Somebody at the socket who is no bridge of ours. */
class Peer {
  readonly socket: net.Socket;
  text = '';
  closed = false;

  constructor(socketPath: string) {
    this.socket = net.createConnection(socketPath);
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    peers.push(this);
  }

  hello(more: Record<string, unknown> = {}): this {
    this.socket.write(
      `${JSON.stringify({ aether: 'bridge', protocol: 1, instance: 'peer', resumed: false, ...more })}\n`,
    );
    return this;
  }

  get lines(): {
    id: unknown;
    error?: { code: number; message: string; data?: unknown };
    result?: unknown;
  }[] {
    return this.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}

const LINE = limits.mcp_line_bytes_max;

describe('an engine', () => {
  const works = async (by: Engine) =>
    expect((await by.reply(by.call('aether_agents_list'))).result.structuredContent.agents).toHaveLength(2);

  it('that writes malformed JSON is told so, with a null id', async () => {
    await rig.openRunDoor();
    const by = await engine();
    by.raw('{"jsonrpc":"2.0","id":9,"method":\n');
    by.raw('hello\n');
    await until(() => by.replies(null).length === 2);
    expect(by.replies(null).map((reply) => reply.error?.code)).toEqual([-32700, -32700]);
    expect(by.replies(null)[0]!.error?.message).toContain('not valid JSON');
    await works(by);
  });

  it.each([
    ['a batch', '[{"jsonrpc":"2.0","id":9,"method":"ping"}]', /batches/],
    ['a number', '5', /object/],
    ['null', 'null', /object/],
    ['no method', '{"jsonrpc":"2.0"}', /neither/],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', /string or a number/],
    ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', /string or a number/],
  ])('that sends %s is told what it is', async (_what, line, message) => {
    await rig.openRunDoor();
    const by = await engine();
    by.raw(`${line}\n`);
    const { error } = await by.reply(null);
    expect(error).toMatchObject({ code: -32600, message: expect.stringMatching(message) });
    await works(by);
  });

  it.each([
    ['a number for its version', { protocolVersion: 5 }, /protocolVersion must be a text .* not a number/],
    ['no version', { protocolVersion: undefined }, /protocolVersion must be a text .* not missing/],
    ['no capabilities', { capabilities: null }, /capabilities must be an object, not null/],
    ['a client without a name', { clientInfo: {} }, /clientInfo must be an object with a name/],
  ])(
    'that shakes hands with %s is told so in a sentence, and may try again',
    async (_what, wrong, message) => {
      await rig.openRunDoor();
      const by = new Engine(rig.socketPath);
      engines.push(by);
      const params = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'by-hand', version: '1' },
        ...wrong,
      };
      const { error } = await by.reply(by.request('initialize', params));
      expect(error).toMatchObject({ code: -32602, message: expect.stringMatching(message) });
      expect(error?.message).not.toContain('[');
      await by.handshake();
      await works(by);
    },
  );

  it('that sends a line over the limit gets the limit, under the id of its request', async () => {
    await rig.openRunDoor();
    const by = await engine();
    const filler = 'x'.repeat(LINE);
    by.raw(`{"jsonrpc":"2.0","id":"first","method":"ping","params":{"id":1,"filler":"${filler}"}}\n`);
    by.raw(`{"method":"ping","params":{"id":2,"filler":"${filler}"},"jsonrpc":"2.0","id":77}\n`);
    by.raw(`{"method":"ping","id":78,"params":{"filler":"${filler}"},"jsonrpc":"2.0"}\n`);
    for (const id of ['first', 77, null]) {
      expect((await by.reply(id)).error?.message).toContain(`longer than ${LINE} bytes`);
    }
    await works(by);
  });

  it('that uses an id twice at once keeps its first request', async () => {
    await rig.openRunDoor();
    const by = await engine();
    by.send({
      id: 50,
      method: 'tools/call',
      params: { name: 'aether_ask_operator', arguments: { question: 'a' } },
    });
    by.send({ id: 50, method: 'ping' });
    expect((await by.reply(null)).error?.message).toContain('id 50 is already in use');
    const open = await until(() => rig.approvals.list()[0]);
    rig.approvals.answer(open.id, { text: 'b' }, 'operator');
    expect((await by.reply(50)).result.structuredContent.answer).toBe('b');
    expect(by.replies(50)).toHaveLength(1);
  });

  it('that names an unknown tool or method, or gives arguments that are no object, is told', async () => {
    await rig.openRunDoor();
    const by = await engine();
    expect((await by.reply(by.call('aether_mail_sent'))).error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('aether_mail_send'),
    });
    expect((await by.reply(by.request('tools/destroy'))).error?.code).toBe(-32601);
    expect((await by.reply(by.call('aether_agents_list', 'all of them'))).error?.code).toBe(-32602);
    await works(by);
  });

  it('that leaves more requests open than the limit is refused the rest', async () => {
    await rig.openRunDoor();
    const by = await engine();
    const first = by.call('aether_ask_operator', { question: 'q' });
    const open = await until(() => rig.approvals.list()[0]);
    const ids = Array.from({ length: limits.mcp_unanswered_max + 10 }, () =>
      by.call('aether_ask_operator', { id: open.id }),
    );
    await until(() => by.received.filter((reply) => reply.error?.code === -32000).length === 11, 20_000);
    expect(by.replies(ids.at(-1)!)[0]?.error?.message).toContain('Too many open requests');
    rig.approvals.answer(open.id, { text: 'a' }, 'operator');
    expect((await by.reply(first)).result.structuredContent.answer).toBe('a');
    await until(() => ids.every((id) => by.replies(id).length === 1), 20_000);
    await works(by);
  });

  it('that dies in mid-call leaves its question open and the host at work', async () => {
    const door = await rig.openRunDoor();
    const dies = await engine();
    const lives = await engine();
    dies.call('aether_memory_store', { text: 'a last word' });
    dies.call('aether_ask_operator', { question: 'will I live?' });
    const open = await until(() => rig.approvals.list()[0]);
    await dies.stop();
    await until(() => door.connections === 1);
    expect(rig.approvals.get(open.id).state).toBe('open');
    expect(rig.memory.search(actor('agent:ada'), { query: 'last word' }).total).toBe(1);
    await works(lives);
  });

  it('that does not read its answers is waited for, not buffered without end', async () => {
    await rig.openRunDoor();
    for (let n = 0; n < 15; n += 1) rig.memory.store(actor('agent:ada'), { text: 'x'.repeat(1_900) });
    const by = await engine();
    by.process.stdout!.pause();
    for (let n = 0; n < 1_000; n += 1) by.call('aether_memory_search', { query: '*', limit: 15 });
    const called = () => rig.events.list({ topics: ['mcp.called'] }).length;
    // 1,000 answers of 60 KB; the host begins no more of them once a megabyte or so lies unread.
    let since = Date.now();
    let before = 0;
    await until(() => {
      const now = called();
      if (now !== before) since = Date.now();
      before = now;
      return now > 0 && Date.now() - since > 500;
    });
    expect(called()).toBeLessThan(200);
    by.process.stdout!.resume();
    await until(() => by.received.length >= 1_001, 20_000);
    await works(by);
  });
});

describe('a peer at the socket', () => {
  it('that is not admitted is told why, before it has said a word, and let go', async () => {
    let asked = 0;
    await rig.openRunDoor({
      admit: () => {
        asked += 1;
        return 'You are not part of this run.';
      },
    });
    const peer = new Peer(rig.socketPath);
    await until(() => peer.closed);
    expect(peer.lines).toEqual([
      {
        jsonrpc: '2.0',
        id: null,
        error: { code: -32001, message: 'You are not part of this run.', data: { refused: true } },
      },
    ]);
    expect(asked).toBe(1);
  });

  it('that cannot be judged is not admitted, and costs the door nothing', async () => {
    let broken = true;
    await rig.openRunDoor({
      admit: () => {
        if (broken) throw new Error('getsockopt failed');
        return true;
      },
    });
    const peer = new Peer(rig.socketPath);
    await until(() => peer.closed);
    expect(peer.lines[0]!.error?.message).toMatch(/could not be judged/);
    broken = false;
    const next = new Peer(rig.socketPath).hello();
    next.socket.write('1 0 {"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    await until(() => next.lines.length === 1);
  });

  it('that is not admitted behind a bridge has its requests answered with the reason', async () => {
    await rig.openRunDoor({ admit: () => 'You are not part of this run.' });
    const by = new Engine(rig.socketPath);
    engines.push(by);
    const id = by.request('initialize', { protocolVersion: '2025-11-25' });
    expect((await by.reply(id)).error?.message).toBe('You are not part of this run.');
    expect(by.process.exitCode).toBeNull();
  });

  it('that was refused behind a bridge is served once it is admitted, by the same bridge', async () => {
    let verdict: true | string = 'Not yet.';
    const door = await rig.openRunDoor({ admit: () => verdict });
    const by = new Engine(rig.socketPath);
    engines.push(by);
    expect((await by.reply(by.modern('tools/list'))).error?.message).toBe('Not yet.');
    verdict = true;
    expect((await by.reply(by.modern('tools/list'))).result.tools.length).toBeGreaterThan(0);
    expect(door.connections).toBe(1);
  });

  it.each([
    ['no JSON', 'GET / HTTP/1.1\n', /protocol of the aether bridge/],
    ['JSON-RPC at once', '{"jsonrpc":"2.0","id":1,"method":"ping"}\n', /protocol of the aether bridge/],
    ['another protocol', '{"aether":"bridge","protocol":9,"instance":"i"}\n', /protocol 1, the bridge 9/],
    ['no instance', '{"aether":"bridge","protocol":1}\n', /no bridge instance/],
    [
      'a name on a run socket',
      '{"aether":"bridge","protocol":1,"instance":"i","client":"x"}\n',
      /belongs to the agent "ada"/,
    ],
    ['a line without end', 'x'.repeat(LINE + 10).concat('\n'), /too long/],
  ])('that greets with %s is told why and let go', async (_what, greeting, message) => {
    await rig.openRunDoor();
    const peer = new Peer(rig.socketPath);
    peer.socket.write(greeting);
    await until(() => peer.closed);
    expect(peer.lines[0]!.error?.message).toMatch(message);
  });

  it.each(['', 'Ada', 'a b', '../x', 'x'.repeat(65), '-x', 'ä'])('may not be the client %j', async (name) => {
    await rig.openClientDoor();
    const peer = new Peer(rig.clientSocketPath).hello({ client: name });
    await until(() => peer.closed);
    expect(peer.lines[0]!.error?.message).toMatch(/1 to 63 of a-z, 0-9 and -/);
  });

  it('that stops following the protocol is told and let go; bad messages within it are not fatal', async () => {
    await rig.openRunDoor();
    const peer = new Peer(rig.socketPath).hello();
    peer.socket.write('1 0 {"jsonrpc":"2.0","id":1,"method":\n2 0 []\n3 0 {"id":3,"method":"ping"}\n');
    peer.socket.write(
      `4 0 {"jsonrpc":"2.0","id":4,"method":"x","params":{"filler":"${'x'.repeat(LINE)}"}}\n`,
    );
    peer.socket.write('5 0 {"jsonrpc":"2.0","id":5,"method":"ping"}\n');
    await until(() => peer.lines.length === 5);
    expect(peer.lines.map((line) => [line.id, line.error?.code])).toEqual([
      [null, -32700],
      [null, -32600],
      [3, -32600],
      [null, -32600],
      [5, undefined],
    ]);
    peer.socket.write('{"jsonrpc":"2.0","id":6,"method":"ping"}\n');
    await until(() => peer.closed);
    expect(peer.lines.at(-1)!.error?.message).toMatch(/aether bridge/);
  });

  it('finds the door shut when too many are in, and open again after', async () => {
    const door = await rig.openRunDoor({ limits: { ...limits, mcp_connections_per_run_max: 2 } });
    const first = new Peer(rig.socketPath).hello();
    new Peer(rig.socketPath).hello();
    await until(() => door.connections === 2);
    const third = new Peer(rig.socketPath);
    await until(() => third.closed);
    expect(third.lines[0]!.error?.message).toMatch(/all 2 connections are in use.*Close some/);
    first.socket.destroy();
    await until(() => door.connections === 1);
    const fourth = new Peer(rig.socketPath).hello();
    fourth.socket.write('1 0 {"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    await until(() => fourth.lines.length === 1);
  });
});

describe('an answer', () => {
  it('over the limit becomes an error that says so', async () => {
    const small = { ...limits, mcp_line_bytes_max: 6_000 };
    await rig.openRunDoor({ limits: small });
    rig.memory.store(actor('agent:ada'), { key: 'k', text: 'x'.repeat(7_000) });
    const by = await engine();
    expect((await by.reply(by.call('aether_memory_get', { key: 'k' }))).error?.message).toMatch(
      /more than the 6000 that fit/,
    );
    expect((await by.reply(by.request('ping'))).result).toEqual({});
  });

  it('is cut to what a model can take, and says what is left out', async () => {
    await rig.openRunDoor();
    for (let n = 0; n < 8; n += 1) {
      rig.mailboxes.send(actor('agent:bob'), { to: 'ada', subject: `${n}`, body: 'y'.repeat(12_000) }, [
        'ada',
      ]);
    }
    rig.mailboxes.send(actor('agent:bob'), { to: 'ada', subject: 'long', body: 'z'.repeat(200_000) }, [
      'ada',
    ]);
    rig.memory.store(actor('agent:ada'), { key: 'essay', text: `essay ${'w'.repeat(10_000)}` });
    const by = await engine();
    const content = async (tool: string, args: object) =>
      (await by.reply(by.call(tool, args))).result.structuredContent;
    const inbox = await content('aether_mail_inbox', {});
    expect(inbox.messages.map((message: { subject: string }) => message.subject)).toEqual(['0', '1', '2']);
    expect(inbox).toMatchObject({ unread: 9, remaining: 6 });
    const ids = inbox.messages.map((message: { id: string }) => message.id);
    expect(await content('aether_mail_ack', { ids })).toEqual({ acked: ids, already: [] });
    const newest = await content('aether_mail_inbox', { unreadOnly: false });
    expect(newest.messages).toHaveLength(1);
    expect(newest.messages[0].body).toHaveLength(200_000);
    const found = await content('aether_memory_search', { query: 'essay' });
    expect(found.memories[0].text).toHaveLength(10_006);
    const little = await content('aether_memory_search', { query: 'essay', budget_tokens: 500 });
    expect(little).toMatchObject({ memories: [], total: 1 });
    expect(little.note).toContain(found.memories[0].id);
    expect((await content('aether_memory_get', { key: 'essay' })).memory.text).toHaveLength(10_006);
    expect((await content('aether_memory_search', { query: 'nothing like it' })).note).toMatch(
      /No memory matches/,
    );
  });

  it('to a host failure tells neither stack nor cause', async () => {
    rig.authority = () => {
      throw new Error('SQLITE_CORRUPT at /home/somebody/secret.db');
    };
    await rig.openRunDoor();
    const by = await engine();
    const { result } = await by.reply(by.call('aether_agents_list'));
    expect(result.isError).toBe(true);
    expect(result._meta['aether/error']).toEqual({ code: 'host.internal', who: 'host' });
    expect(JSON.stringify(result)).not.toMatch(/SQLITE|secret|\.ts:/);
  });
});

describe('the socket', () => {
  it('is for its owner only, and replaces what a dead host left', async () => {
    // What a host that was killed leaves behind: the file of a socket nobody listens on.
    const dead = net.createServer();
    await new Promise<void>((resolve) => dead.listen(rig.socketPath, resolve));
    fs.renameSync(rig.socketPath, `${rig.socketPath}.kept`);
    await new Promise((resolve) => dead.close(resolve));
    fs.renameSync(`${rig.socketPath}.kept`, rig.socketPath);
    const umask = process.umask();
    await rig.openRunDoor();
    expect(process.umask()).toBe(umask);
    expect(fs.statSync(rig.socketPath).mode & 0o777).toBe(0o600);
    const peer = new Peer(rig.socketPath).hello();
    peer.socket.write('1 0 {"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    await until(() => peer.lines.length === 1);
  });

  it('is refused a path the system cannot take', async () => {
    await expect(rig.openRunDoor({ socketPath: `${rig.dir}/${'x'.repeat(120)}` })).rejects.toThrow(
      /the system takes 107/,
    );
  });

  it('is refused where a file is in the way, which stays', async () => {
    fs.writeFileSync(rig.socketPath, 'precious');
    await expect(rig.openRunDoor()).rejects.toMatchObject({ code: 'socket.not-made' });
    expect(fs.readFileSync(rig.socketPath, 'utf8')).toBe('precious');
  });
});

describe('the bridge itself', () => {
  it('knows the limits of the host, which it may not import', () => {
    const source = fs.readFileSync(BRIDGE_SOURCE, 'utf8');
    const figure = (name: string) =>
      (/^[\d_ *]+$/.exec(new RegExp(`^const ${name} = (.*);$`, 'm').exec(source)?.[1] ?? '')?.[0] ?? 'none')
        .replaceAll('_', '')
        .split('*')
        .reduce((product, factor) => product * Number(factor), 1);
    expect(figure('LINE_BYTES_MAX')).toBe(limits.mcp_line_bytes_max);
    expect(figure('UNANSWERED_MAX')).toBe(limits.mcp_unanswered_max);
  });

  it.each([[[]], [['a', '--what']], [['a', '--client']], [['a', '--client', 'x', 'y']]])(
    'explains itself when started with %j',
    async (args: string[]) => {
      const [socketPath = '', ...rest] = args;
      const by = new Engine(socketPath, { args: rest });
      engines.push(by);
      expect(await by.exited()).toEqual([2, null]);
      expect(by.stderr).toContain('usage:');
    },
  );

  it('ends when stdin ends, after the answers that are due, piped input included', async () => {
    await rig.openRunDoor();
    const by = new Engine(rig.socketPath);
    engines.push(by);
    const ids = [1, 2, 3].map(() => by.modern('tools/list'));
    by.end();
    expect(await by.exited()).toEqual([0, null]);
    for (const id of ids) expect(by.replies(id)).toHaveLength(1);
  });

  it('does not wait for an operator when stdin has ended', async () => {
    await rig.openRunDoor();
    const by = await engine();
    by.call('aether_ask_operator', { question: 'anyone?' });
    await until(() => rig.approvals.list()[0]);
    by.modern('subscriptions/listen', { notifications: { toolsListChanged: true } }, MODERN);
    const started = Date.now();
    by.end();
    expect(await by.exited()).toEqual([0, null]);
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  it('ends on SIGTERM, and when nobody reads it any more', async () => {
    await rig.openRunDoor();
    const terminated = await engine();
    terminated.process.kill('SIGTERM');
    expect(await terminated.exited()).toEqual([0, null]);
    const unread = await engine();
    unread.process.stdout!.destroy();
    unread.request('ping');
    unread.request('ping');
    expect(await unread.exited()).toEqual([0, null]);
  });
});

/** The control socket with real sockets: verbs, refusals, limits, and streams that neither lose nor repeat. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventView } from '../../../src/host/api.ts';
import { ControlClient } from '../../../src/host/control/client.ts';
import { holdSocket } from '../../../src/host/doors/held-socket.ts';
import { BEGINNING, cursorOf } from '../../../src/host/events/cursor.ts';
import { limits } from '../../../src/host/limits.ts';
import { acquireLock } from '../../../src/host/process/lock.ts';
import { type ControlFixture, controlFixture } from '../../support/control-fixture.ts';
import { dataOf } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';

let fixture: ControlFixture;
const clients: ControlClient[] = [];

async function connected(): Promise<ControlClient> {
  const client = await fixture.connect();
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await fixture.close();
});

/** A socket that speaks bytes, for what the client would never send. */
async function raw(): Promise<{ socket: Socket; lines: string[] }> {
  const socket = connect(fixture.socketPath);
  const lines: string[] = [];
  let rest = '';
  socket.on('data', (chunk) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  socket.on('error', () => undefined); // the door may slam while we write
  await eventually('the hello', () => lines[0]);
  return { socket, lines };
}

/** Looks like a host as far as it can, greets as one, and says what it hears. */
const USURPER = `
import { createServer } from 'node:net';
import { constants, openSync, writeFileSync } from 'node:fs';
import { acquireLock } from '${new URL('../../../src/host/process/lock.ts', import.meta.url)}';
const [place, lock] = process.argv.slice(1);
if (lock === 'true') acquireLock(place + '/host.lock');
else openSync(place + '/host.lock', 'a');
writeFileSync(place + '/host.pid', String(process.pid));
createServer((socket) => {
  socket.on('error', () => undefined); // who finds out ends the connection
  socket.write(JSON.stringify({ aether: 'control', protocol: 2, version: '0.1.0', pid: process.pid }) + '\\n');
  socket.on('data', (chunk) => console.log(String(chunk)));
}).listen(place + '/control.sock', () => {
  openSync(place + '/control.sock', 0o10000000 | constants.O_NOFOLLOW); // O_PATH, as a host holds it
  console.log('ready');
});
`;

/** Listens at a path, and says what it hears. */
const STRANGER = `
require('node:net')
  .createServer((socket) => socket.on('error', () => undefined).on('data', (chunk) => console.log(String(chunk))))
  .listen(process.argv[1], () => console.log('ready'));
`;

/** Connects as the command line does; then says which native libraries that took. */
const CLIENT = `
import { readFileSync } from 'node:fs';
import { ControlClient } from '${new URL('../../../src/host/control/client.ts', import.meta.url)}';
const [socketPath, stateDir] = process.argv.slice(1);
const client = await ControlClient.connect(socketPath, stateDir);
await client.call('agents');
client.close();
console.log(readFileSync('/proc/self/maps', 'utf8').match(/[^/]+\\.node$/m)?.[0] ?? 'none');
`;

async function asCommand(...places: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', CLIENT, ...places],
    { env: { PATH: process.env.PATH } },
  );
  return stdout.trim();
}

describe('verbs', () => {
  it('says hello, calls as the operator, and brings errors over as they were', async () => {
    fixture = await controlFixture();
    fixture.host.set('alpha', {});
    const client = await connected();
    expect(client.hello).toEqual({ aether: 'control', protocol: 2, version: '0.1.0', pid: process.pid });
    expect((await client.call('agents')).map((view) => view.name)).toEqual(['alpha']);
    expect((await client.call('inject', { agent: 'alpha', text: 'hi' })).principal).toBe('operator');
    await expect(client.call('agent', { agent: 'nobody' })).rejects.toMatchObject({
      code: 'agent.unknown',
      next: 'Run `aether ps` for the names.',
    });
  });

  it('refuses what is not on the list, prototype members included, and wrong arguments', async () => {
    fixture = await controlFixture();
    const client = await connected();
    for (const verb of ['memoryStore', 'constructor', '__proto__', 'follow ']) {
      await expect(client.call(verb as 'info')).rejects.toMatchObject({ code: 'verb.unknown' });
    }
    await expect(client.call('agent', { agent: 7 as unknown as string })).rejects.toMatchObject({
      code: 'verb.invalid',
    });
    const principal = { agent: 'alpha', text: 'x', by: 'host' } as { agent: string; text: string };
    await expect(client.call('inject', principal)).rejects.toMatchObject({
      code: 'verb.invalid',
    });
  });

  it('hides what a bug says: its message stays in the log', async () => {
    fixture = await controlFixture();
    fixture.host.agents = () => {
      throw new Error('secret path');
    };
    const client = await connected();
    const error = await client.call('agents').catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'host.internal' });
    expect(JSON.stringify(error)).not.toContain('secret path');
  });
});

describe('who may come in', () => {
  it('refuses with the reason, and reads nothing of what a refused peer sends', async () => {
    fixture = await controlFixture({ admit: () => 'it is part of agent alpha' });
    await expect(fixture.connect()).rejects.toMatchObject({
      code: 'control.refused',
      message: 'This process may not operate the host: it is part of agent alpha.',
    });
    const socket = connect(fixture.socketPath);
    socket.resume();
    socket.write('{"id":1,"verb":"down","input":{}}\n');
    await eventually('the refused connection ends', () => socket.destroyed || socket.readableEnded);
    socket.destroy();
    expect(fixture.host.asked).toEqual([]);
  });

  it('says which state directory has no host', async () => {
    fixture = await controlFixture();
    await fixture.door.close();
    await expect(fixture.connect()).rejects.toMatchObject({
      code: 'host.absent',
      message: `No host is running for ${fixture.stateDir}.`,
      next: 'Start one with `aether up`.',
    });
  });

  it('says how to end a host of another version, which this one cannot ask to', async () => {
    fixture = await controlFixture();
    const older = createServer((socket) => {
      socket.end(`${JSON.stringify({ aether: 'control', protocol: 1, version: '0.0.9', pid: 4711 })}\n`);
    });
    const place = mkdtempSync(join(tmpdir(), 'ae-older-'));
    const socketPath = join(place, 'control.sock');
    const lock = acquireLock(join(place, 'host.lock'));
    await new Promise<void>((resolve) => older.listen(socketPath, resolve));
    try {
      await expect(ControlClient.connect(socketPath, place)).rejects.toMatchObject({
        code: 'control.protocol',
        message: expect.stringContaining('Aether 0.0.9'),
        next: expect.stringContaining('kill 4711'),
      });
    } finally {
      older.close();
      lock?.release();
      rmSync(place, { recursive: true });
    }
  });

  it.runIf(process.platform === 'linux').each([
    ['without the lock of a host', { lock: false, env: {} }, /process \d+ does not hold the lock of a host/],
    [
      'from inside a run',
      { lock: true, env: { AETHER_RUN: 'r_usurper' } },
      /was started inside run r_usurper/,
    ],
  ])('what listens in the place of a dead host, %s, is told nothing', async (_how, { lock, env }, why) => {
    fixture = await controlFixture();
    const place = mkdtempSync(join(tmpdir(), 'ae-usurped-'));
    const usurper = spawn(process.execPath, ['--input-type=module', '-e', USURPER, place, String(lock)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, ...env },
    });
    let said = '';
    usurper.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    try {
      await eventually('it listens', () => said.includes('ready'), 30_000);
      await expect(ControlClient.connect(join(place, 'control.sock'), place)).rejects.toMatchObject({
        code: 'control.unproven',
        message: expect.stringMatching(why),
      });
      expect(said).toBe('ready\n');
    } finally {
      usurper.kill('SIGKILL');
      rmSync(place, { recursive: true });
    }
  });

  it.runIf(process.platform === 'linux')(
    'a host is proven without a native library, and with one where what it noted is gone',
    async () => {
      fixture = await controlFixture();
      const note = join(fixture.stateDir, 'host.pid');
      expect(await asCommand(fixture.socketPath, fixture.stateDir)).toBe('none');
      for (const spoil of [
        () => rmSync(note),
        () => writeFileSync(note, '1'),
        () => writeFileSync(note, String(2 ** 60)),
        () => execFileSync('sh', ['-c', `rm '${note}'; mkfifo '${note}'`]),
        () => execFileSync('sh', ['-c', `rm '${note}'; mkdir '${note}'`]),
      ]) {
        spoil();
        (await fixture.connect()).close();
      }
      expect(await asCommand(fixture.socketPath, fixture.stateDir)).toBe('koffi.node');
    },
  );

  it.runIf(process.platform === 'linux')(
    'what takes the place of a living host’s socket is told nothing',
    async () => {
      fixture = await controlFixture();
      const place = mkdtempSync(join(tmpdir(), 'ae-usurped-'));
      const host = createServer().listen(join(place, 'control.sock'));
      await once(host, 'listening');
      const lock = acquireLock(join(place, 'host.lock'));
      const path = join(place, 'control.sock');
      const letGo = await holdSocket(path);
      writeFileSync(join(place, 'host.pid'), String(process.pid));
      renameSync(path, join(place, 'aside.sock'));
      const child = spawn(process.execPath, ['-e', STRANGER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      try {
        await eventually('it listens', () => said.includes('ready'), 30_000);
        expect(letGo).not.toBeNull();
        expect(await holdSocket(path), 'it is no socket of this process').toBeNull();
        const refused = {
          code: 'control.unproven',
          message: expect.stringMatching(/does not hold the lock/),
        };
        await expect(ControlClient.connect(path, place)).rejects.toMatchObject(refused);
        expect(said).toBe('ready\n');
      } finally {
        child.kill('SIGKILL');
        letGo?.();
        host.close();
        lock?.release();
        rmSync(place, { recursive: true });
      }
    },
  );

  it('serves a bounded number of connections of one process', async () => {
    fixture = await controlFixture();
    const all = await Promise.all(
      Array.from({ length: limits.control_connections_per_peer_max }, () => fixture.connect()),
    );
    clients.push(...all);
    await expect(fixture.connect()).rejects.toMatchObject({ code: 'control.busy' });
    all[0]!.close();
    clients.push(await eventually('a place is free', () => fixture.connect().catch(() => null)));
  });

  it('serves a bounded number of requests at once on a connection, and tells the one too many', async () => {
    fixture = await controlFixture();
    const client = await connected();
    const release = Promise.withResolvers<never>();
    fixture.host.plan = () => release.promise;
    const calls = Array.from({ length: limits.control_requests_max }, () => client.call('plan'));
    await expect(client.call('plan')).rejects.toMatchObject({ code: 'control.busy' });
    release.resolve({ configFile: '', changes: [], warnings: [] } as never);
    await Promise.all(calls);
  });
});

describe('bad input', () => {
  const cases: [string, string, string][] = [
    ['no JSON', 'hello\n', 'control.json'],
    ['no request', '{"id":1}\n', 'control.request'],
    ['an id of 0', '{"id":0,"verb":"info"}\n', 'control.request'],
    ['the form of the last protocol', '{"id":1,"verb":"info","args":[]}\n', 'control.request'],
    ['null', 'null\n', 'control.request'],
    ['a line without end', 'x'.repeat(limits.control_line_bytes_max + 1), 'control.line'],
  ];
  it.each(cases)('%s is answered with what is wrong, and the others go on', async (_what, bytes, code) => {
    fixture = await controlFixture();
    const other = await connected();
    const { socket, lines } = await raw();
    socket.write(bytes);
    const reply = JSON.parse(await eventually('a reply', () => lines[1])) as { id: number; error: object };
    expect(reply).toMatchObject({ id: 0, error: { code } });
    await eventually('the connection ends', () => socket.destroyed);
    expect(await other.call('agents')).toEqual([]);
  });

  it('a client that vanishes in mid-request disturbs nothing', async () => {
    fixture = await controlFixture();
    const { socket } = await raw();
    socket.write('{"id":1,"verb":"follow","input":{}}\n{"id":2,"verb":"pl');
    await eventually('the stream is open', () => followers(fixture) === 1);
    socket.destroy();
    await eventually('the stream is closed', () => followers(fixture) === 0);
    fixture.host.emit('run.started', null);
    expect(await (await connected()).call('agents')).toEqual([]);
  });
});

function followers({ host }: ControlFixture): number {
  return host.followers;
}

describe('follow', () => {
  it('gives the past, then the present, each event once and in order, whatever happens in between', async () => {
    fixture = await controlFixture();
    fixture.host.set('alpha', {});
    for (let n = 0; n < 750; n += 1) fixture.host.emit('message.assistant', 'alpha', { n });
    const client = await connected();
    const seen: number[] = [];
    const [hundredth] = await client.call('events', { last: true, limit: 651 });
    const stream = client.stream('follow', { after: hundredth!.cursor });
    for await (const event of stream) {
      seen.push(event.seq);
      if (seen.length === 50)
        for (let n = 0; n < 250; n += 1) fixture.host.emit('message.assistant', 'alpha');
      if (event.seq === 1_000) break;
    }
    expect(seen).toEqual(Array.from({ length: 900 }, (_, index) => index + 101));
    await eventually('the host no longer sends', () => followers(fixture) === 0);
  });

  it('filters by agent and topic, and begins now when no position is given', async () => {
    fixture = await controlFixture();
    fixture.host.emit('turn.ended', 'alpha', { n: 0 });
    const client = await connected();
    const stream = client.stream('follow', { agent: 'alpha', topics: ['turn.', 'mail.'] });
    await eventually('the stream is open', () => followers(fixture) === 1);
    fixture.host.emit('turn.ended', 'beta', { n: 1 });
    fixture.host.emit('tool.called', 'alpha', { n: 2 });
    fixture.host.emit('mail.sent', 'alpha', { n: 3 });
    fixture.host.emit('turn.ended', 'alpha', { n: 4 });
    const seen: unknown[] = [];
    for await (const event of stream) if (seen.push(dataOf(event).n) === 2) break;
    expect(seen).toEqual([3, 4]);
  });

  it('what is no cursor of this log ends the stream with why', async () => {
    fixture = await controlFixture();
    const client = await connected();
    for (const [after, code] of [
      ['7', 'cursor.invalid'],
      [cursorOf({ seq: 7, tag: '00112233' }), 'cursor.foreign'],
    ] as const)
      await expect(
        (async () => {
          for await (const _event of client.stream('follow', { after })) break;
        })(),
      ).rejects.toMatchObject({ code });
  });

  it('a reader that asks something for every event is answered, however far behind it is', async () => {
    fixture = await controlFixture();
    for (let n = 0; n < 5_000; n += 1) fixture.host.emit('message.assistant', 'alpha', { n });
    const client = await connected();
    let seen = 0;
    for await (const event of client.stream('follow', { after: cursorOf(BEGINNING) })) {
      await client.call('agents');
      seen += 1;
      if (event.seq === 5_000) break;
    }
    expect(seen).toBe(5_000);
  });

  it('a reader that stalls costs the host little, and then gets everything', async () => {
    fixture = await controlFixture();
    const { socket, lines } = await raw();
    socket.pause();
    socket.write('{"id":1,"verb":"follow","input":{}}\n');
    const text = 'x'.repeat(10_000);
    const count = 3_000;
    await eventually('the stream is open', () => followers(fixture) === 1);
    for (let n = 0; n < count; n += 1) fixture.host.emit('message.assistant', 'alpha', { text });
    // 30 MB are waiting in the log; what was read from it for this reader is about one buffer.
    await eventually('the host stops reading on', () => fixture.host.eventsRead > 0);
    const settled = await eventually('it stays so', async () => {
      const before = fixture.host.eventsRead;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return fixture.host.eventsRead === before ? before : null;
    });
    expect(settled * text.length).toBeLessThan(8 * limits.control_unsent_bytes_max);
    socket.resume();
    await eventually('all events', () => lines.length === count + 1, 20_000);
    const seqs = lines.slice(1).map((line) => (JSON.parse(line) as { event: EventView }).event.seq);
    expect(seqs).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    socket.destroy();
  });
});

describe('logs', () => {
  it('gives the newest and ends', async () => {
    fixture = await controlFixture();
    for (let n = 1; n <= 20; n += 1) fixture.host.emit('turn.ended', n % 2 ? 'alpha' : 'beta', { n });
    const client = await connected();
    const seen: unknown[] = [];
    for await (const event of client.stream('logs', { agent: 'beta', last: 3, follow: false })) {
      seen.push(dataOf(event).n);
    }
    expect(seen).toEqual([16, 18, 20]);
  });

  it('goes on with what comes, without a gap', async () => {
    fixture = await controlFixture();
    for (let n = 1; n <= 5; n += 1) fixture.host.emit('turn.ended', 'alpha', { n });
    const client = await connected();
    const seen: unknown[] = [];
    for await (const event of client.stream('logs', { last: 2, follow: true })) {
      seen.push(dataOf(event).n);
      if (seen.length === 2) fixture.host.emit('turn.ended', 'alpha', { n: 6 });
      if (dataOf(event).n === 6) break;
    }
    expect(seen).toEqual([4, 5, 6]);
  });
});

describe('followAgents', () => {
  it('gives every agent, then what changed and what went away', async () => {
    fixture = await controlFixture();
    fixture.host.set('alpha', {});
    fixture.host.set('beta', {});
    const client = await connected();
    const items: string[] = [];
    for await (const { agents, removed } of client.stream('followAgents')) {
      items.push(`${agents.map((view) => `${view.name}:${view.state}`).join(',')}|${removed.join(',')}`);
      if (items.length === 1) fixture.host.set('beta', { state: 'failed' });
      if (items.length === 2) fixture.host.remove('alpha');
      if (items.length === 3) break;
    }
    expect(items).toEqual(['alpha:running,beta:running|', 'beta:failed|', '|alpha']);
  });
});

describe('terminal', () => {
  it('carries the replay, live bytes of a real terminal, and the keystrokes of the holder only', async () => {
    fixture = await controlFixture();
    fixture.host.set('alpha', {});
    const client = await connected();
    const lease = await client.call('takeover', {
      agent: 'alpha',
      when: 'now',
      cols: 90,
      rows: 20,
    });
    expect(lease.phase).toBe('held');
    await expect(
      client.call('terminalWrite', { agent: 'alpha', generation: lease.generation + 1, data: 'exit\r' }),
    ).rejects.toMatchObject({ code: 'lease.stale' });
    const stream = client.stream('attach', { agent: 'alpha' });
    let shown = '';
    const kinds: string[] = [];
    for await (const item of stream) {
      if (kinds.push(item.kind) === 1) {
        await client.call('terminalWrite', {
          agent: 'alpha',
          generation: lease.generation,
          data: 'echo $((6*7))-$COLUMNS\r',
        });
      }
      if (item.kind === 'screen' || item.kind === 'chunk')
        shown += Buffer.from(item.data, 'base64').toString();
      if (shown.includes('42-')) break;
    }
    expect(kinds.slice(0, 2)).toEqual(['sized', 'screen']);
    await client.call('leaseBeat', { agent: 'alpha', generation: lease.generation });
    expect(fixture.host.beats).toEqual([`alpha ${lease.generation}`]);
    await client.call('handback', { agent: 'alpha', generation: lease.generation, note: 'done' });
  });
});

describe('the end', () => {
  it('a host that closes its door ends calls and streams with a clear error', async () => {
    fixture = await controlFixture();
    const client = await connected();
    fixture.host.plan = () => new Promise(() => undefined);
    const call = client.call('plan');
    const stream = client.stream('follow', {});
    const reading = (async () => {
      for await (const _event of stream) expect.fail('nothing was emitted');
    })();
    await eventually('the stream is open', () => followers(fixture) === 1);
    const outcomes = Promise.allSettled([call, reading]);
    await fixture.door.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'control.lost' } });
    }
  });
});

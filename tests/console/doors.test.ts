/** Who gets in, and what is refused before anything is read: every door of the console over real HTTP. */
import { readdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startConsole } from '../../src/console/app.ts';
import { codeOver } from '../../src/console/auth.ts';
import { provenText, SUBPROTOCOL } from '../../src/console/console-protocol.ts';
import type { Clock } from '../../src/host/clock.ts';
import { limits } from '../../src/host/limits.ts';
import { openLog } from '../../src/host/log.ts';
import {
  ask,
  Client,
  type ConsoleFixture,
  consoleFixture,
  openWith,
  Socket,
} from '../support/console-client.ts';
import { eventually } from '../support/eventually.ts';
import { HostDouble } from '../support/host-double.ts';

let fixture: ConsoleFixture;

beforeEach(async () => {
  fixture = await consoleFixture();
  fixture.host.set('coder', {});
});
afterEach(() => fixture.close());

const basis = { run: 'run_coder', state: 'running', lease: null };

describe('signing in', () => {
  it('gives its page to anybody and its data to nobody without a session, and says how to get one', async () => {
    for (const path of ['/api/verbs/info', '/api/verbs/agents', '/api/nothing']) {
      const answer = await ask(fixture.port, path);
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.text).error).toMatchObject({
        code: 'console.signed-out',
        next: expect.stringContaining('aether console'),
      });
    }
    expect((await ask(fixture.port, '/')).status).toBe(503); // not built here
    expect((await ask(fixture.port, '/')).headers['set-cookie']).toBeUndefined();
  });

  it('a link works once, and neither its secret nor the key of a session goes over the wire', async () => {
    const link = fixture.console.loginLink();
    expect(link).toMatch(/^http:\/\/[a-z2-7]{20}\.localhost:\d+\/#link=[\w-]{12}\.[\w-]{43}$/);
    const client = await Client.signIn(link);
    expect((await client.get('/api/verbs/info')).status).toBe(200);
    const again = await openWith(link).message('refused');
    expect(again.error).toMatchObject({
      code: 'console.link',
      message: expect.stringContaining('works once'),
    });
    const plain = fixture.console.loginLink(true);
    expect(plain).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#link=/);
    await Client.signIn(plain);
  });

  it('refuses what does not know the secret, and the link still works for who does', async () => {
    const link = fixture.console.loginLink();
    const guess = openWith(link, { secret: { secret: 'A'.repeat(43) } });
    expect((await guess.message('refused')).error).toMatchObject({ code: 'console.signed-out' });
    await guess.until(() => guess.closed ?? undefined, 'the close');
    for (const secret of [{ id: 'AAAAAAAAAAAA' }, { id: '' }, { id: '../..' }, { by: 'session' as const }])
      await openWith(link, { secret }).message('refused');
    const client = await Client.signIn(link);
    const other = client.socket('/ws', { secret: { secret: 'B'.repeat(43) } });
    await other.message('refused');
    expect(other.json.map(({ type }) => type)).toEqual(['not-the-host', 'refused']);
  });

  it('says nothing to a socket that talks before it has shown its session', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    for (const first of ['{', '{"type":"watch","watch":1,"agent":null,"after":null}', 'x'.repeat(100)]) {
      const ws = new WebSocket(`ws://127.0.0.1:${fixture.port}/ws`, [SUBPROTOCOL], {
        headers: { origin: `http://127.0.0.1:${fixture.port}` },
      });
      const socket = new Socket(ws);
      ws.on('open', () => ws.send(first));
      await socket.until(() => socket.closed ?? undefined, 'the close');
      expect(socket.json.map(({ type }) => type)).toEqual(['refused']);
    }
    // Another path than the one the codes are over.
    const nonce = 'n'.repeat(24);
    const ws = new WebSocket(`ws://127.0.0.1:${fixture.port}/terminal/coder`, [SUBPROTOCOL], {
      headers: { origin: `http://127.0.0.1:${fixture.port}` },
    });
    const socket = new Socket(ws);
    ws.on('open', () => socket.send({ type: 'hello', by: 'session', id: client.id, nonce }));
    const shown = await socket.until(() => socket.shown ?? undefined, 'what the host shows');
    const nonces = { page: nonce, host: String(shown.nonce) };
    expect(shown.code).toBe(codeOver(client.key, provenText('host', '/terminal/coder', nonces)));
    // What the host has shown, sent back to it.
    for (const code of [shown.code, codeOver(client.key, provenText('page', '/ws', nonces))].slice(0, 1))
      socket.send({ type: 'proof', code });
    expect((await socket.message('refused')).error).toMatchObject({ code: 'console.signed-out' });
  });

  it('a link ends after ten minutes, and only the newest sixteen are open', async () => {
    let now = 1_000_000;
    const clock: Clock = { now: () => now, elapsed: () => now, after: () => () => {} };
    const other = await consoleFixture({ clock });
    try {
      const late = other.console.loginLink();
      now += limits.console_login_link_ms;
      expect((await openWith(late).message('refused')).error).toMatchObject({
        message: expect.stringContaining('more than 10 minutes old'),
      });
      const first = other.console.loginLink();
      for (let more = 0; more < limits.console_login_links_max; more += 1) other.console.loginLink();
      await openWith(first).message('refused');
    } finally {
      await other.close();
    }
  });

  it('no session outlives the start it was made in, and nothing of it is on disk', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const link = fixture.console.loginLink();
    const before = fixture.console.url;
    await fixture.restart();
    expect(fixture.console.url).not.toBe(before);
    expect((await client.get('/api/verbs/info')).status).toBe(401);
    await client.socket('/ws').message('refused');
    await openWith(link).message('refused');
    expect(await readdir(fixture.stateDir)).toEqual([]);
    // A page of the start before is told, under its own address.
    const host = new URL(before).host;
    const told = await ask(fixture.port, '/', { headers: { host } });
    expect([told.status, told.text]).toEqual([421, expect.stringContaining('aether console')]);
    const { error } = JSON.parse((await ask(fixture.port, '/api/address', { headers: { host } })).text);
    expect(error.code).toBe('console.old-address');
  });

  it('signing out ends the session and its sockets', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const [one, other] = [client.socket('/ws'), client.socket('/terminal/coder')];
    await one.message('welcome');
    await other.message('screen');
    one.send({ type: 'sign-out' });
    for (const socket of [one, other]) await socket.until(() => socket.closed ?? undefined, 'the close');
    expect((await client.get('/api/verbs/info')).status).toBe(401);
  });

  it('a page calls verbs over the socket on which the host has proven itself', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const socket = client.socket('/ws');
    await socket.message('welcome');
    socket.send({ type: 'call', call: 1, verb: 'info', input: {} });
    socket.send({ type: 'call', call: 2, verb: 'stop', input: { agent: 'coder' } });
    socket.send({ type: 'call', call: 3, verb: 'attach', input: { agent: 'coder' } });
    socket.send({ type: 'call', call: 4, verb: 'nothing' });
    const answers = await socket.until(() => {
      const found = socket.json.filter(({ type }) => type === 'answer');
      return found.length === 4 ? new Map(found.map((one) => [one.call, one])) : undefined;
    }, 'four answers');
    expect(answers.get(1)).toMatchObject({ output: { stateDir: fixture.stateDir } });
    expect(answers.get(2)).toMatchObject({ error: { code: 'console.invalid' } });
    expect(answers.get(3)).toMatchObject({ error: { code: 'console.invalid' } });
    expect(answers.get(4)).toMatchObject({ error: { code: 'verb.unknown' } });
  });
});

describe('the wrong name and the wrong page', () => {
  it('answers under its own names only', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    for (const host of ['evil.example', `evil.example:${fixture.port}`, '127.0.0.1', '127.0.0.1:1']) {
      const answer = await ask(fixture.port, '/api/verbs/agents', {
        headers: { ...client.headers('/api/verbs/agents'), host },
      });
      expect(answer.status).toBe(421);
      const { error } = JSON.parse(answer.text);
      expect(error.code).toBe('console.wrong-host');
      expect(error.next).toContain(fixture.console.url);
      expect((await ask(fixture.port, '/', { headers: { host } })).status).toBe(421);
    }
    for (const host of [
      `localhost:${fixture.port}`,
      `[::1]:${fixture.port}`,
      new URL(fixture.console.url).host,
    ]) {
      const headers = { ...client.headers('/api/verbs/agents'), host, origin: `http://${host}` };
      expect((await ask(fixture.port, '/api/verbs/agents', { headers })).status).toBe(200);
    }
  });

  it('refuses a cross-site POST, with a session and without an origin too', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const own = client.headers('/api/verbs/stop', 'POST');
    const { origin: _own, ...noOrigin } = own;
    for (const headers of [
      { ...own, origin: 'https://evil.example' },
      { ...own, origin: 'null' },
      { ...own, origin: `http://127.0.0.1:${fixture.port + 1}` },
      noOrigin,
    ]) {
      const answer = await ask(fixture.port, '/api/verbs/stop', {
        method: 'POST',
        headers,
        body: JSON.stringify({ basis }),
      });
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.text).error.code).toBe('console.wrong-origin');
    }
    expect(fixture.host.asked).toEqual([]);
  });

  it('refuses a read that another page of this machine started', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const headers = { ...client.headers('/api/verbs/agents'), 'sec-fetch-site': 'same-site' };
    expect((await ask(fixture.port, '/api/verbs/agents', { headers })).status).toBe(403);
  });

  it('refuses a WebSocket from another origin, under another name, or elsewhere', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const cases: [string, Parameters<Client['socket']>[1], number][] = [
      ['/ws', { origin: 'https://evil.example' }, 403],
      ['/ws', { host: 'evil.example' }, 421],
      ['/terminal/coder', { origin: 'https://evil.example' }, 403],
      ['/elsewhere', {}, 404],
    ];
    for (const [path, change, status] of cases) {
      const socket = client.socket(path, change);
      expect(await socket.until(() => socket.refused ?? undefined, `refusal of ${path}`)).toBe(status);
    }
    for (const path of ['/terminal/nobody', '/terminal/%ff']) {
      const socket = client.socket(path);
      expect(await socket.until(() => socket.closed ?? undefined, 'the close')).toMatchObject({ code: 1011 });
      expect(socket.json).toMatchObject([{ type: 'error' }]);
    }
  });
});

describe('what nobody should send', () => {
  it('an upgrade with a broken address is refused, and the host lives', async () => {
    for (const address of ['//', 'http://[', '/%', '*', '/ws?after=%ff', '/terminal/..%2f..']) {
      const answer = await new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(fixture.port, '127.0.0.1', () =>
          socket.write(
            `GET ${address} HTTP/1.1\r\nHost: 127.0.0.1:${fixture.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
          ),
        );
        socket.on('data', (data) => {
          text += data;
        });
        socket.on('close', () => resolve(text));
      });
      expect(answer, address).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    expect((await ask(fixture.port, '/api/verbs/info')).status).toBe(401);
  });

  it('a socket whose host fails is told so and closed; the others live', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const view = fixture.host.terminalView;
    fixture.host.terminalView = () => {
      throw new Error('a bug');
    };
    const broken = client.socket('/terminal/coder');
    expect(await broken.until(() => broken.closed ?? undefined, 'the close')).toMatchObject({ code: 1011 });
    expect(broken.json).toMatchObject([{ type: 'error', error: { code: 'host.internal' } }]);
    fixture.host.terminalView = view;
    const next = client.socket('/terminal/coder');
    await next.message('screen');
  });
});

describe('what is sent', () => {
  it('carries the headers that keep a page to itself', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const { headers } = await ask(fixture.port, '/api/verbs/info', {
      headers: client.headers('/api/verbs/info'),
    });
    expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('tells a checkout that is not built what to run', async () => {
    const answer = await ask(fixture.port, '/');
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('npm run build');
  });

  it('listens on loopback only, and takes the next port when one is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const taken = (blocker.address() as { port: number }).port;
    const second = await startConsole({
      verbs: new HostDouble(fixture.stateDir).verbs,
      port: taken,
      log: openLog(undefined),
      clock: { now: Date.now, elapsed: () => performance.now(), after: () => () => {} },
      webDir: '/nonexistent',
    });
    try {
      const port = Number(new URL(second.url).port);
      expect(port).toBeGreaterThan(taken);
      // Every address of 127/8 is this machine, but only 127.0.0.1 is listened on.
      const elsewhere = connect(port, '127.0.0.2');
      const outcome = await new Promise((resolve) => {
        elsewhere.once('connect', () => resolve('connected'));
        elsewhere.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      });
      expect(outcome).toBe('ECONNREFUSED');
    } finally {
      await second.close();
      blocker.close();
    }
  });
});

it('holds its port on ::1 as well, where a browser may look first, and goes on where that is taken', async () => {
  const other = createServer();
  const taken = await new Promise<boolean>((resolve) => {
    other.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    other.once('listening', () => resolve(false));
    other.listen(fixture.port, '::1');
  });
  if (!taken && !networkInterfaces().lo?.some(({ family }) => family === 'IPv6')) return; // no IPv6 here
  expect(taken).toBe(true);
  const blocker = createServer().listen(0, '::1');
  await new Promise((resolve) => blocker.once('listening', resolve));
  const { port } = blocker.address() as { port: number };
  const second = await consoleFixture({ port });
  expect(second.port).toBeGreaterThan(port);
  await second.close();
  blocker.close();
});

describe('connections that only stand there', () => {
  it('are few, go first, and do not keep a browser out', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const idle = Array.from({ length: 3 * limits.console_newcomers_max }, () => {
      const socket = connect(fixture.port, '127.0.0.1').on('error', () => undefined);
      return socket.resume();
    });
    await eventually(
      'the surplus is closed',
      () => idle.filter(({ destroyed }) => !destroyed).length <= limits.console_newcomers_max,
    );
    expect((await client.get('/api/verbs/info')).status).toBe(200);
    expect(
      (await Client.signIn(fixture.console.loginLink()).then((one) => one.get('/api/verbs/info'))).status,
    ).toBe(200);
    for (const socket of idle) socket.destroy();
  });

  it('a stranger that pipelines requests is let go after the first answer', async () => {
    const socket = connect(fixture.port, '127.0.0.1').on('error', () => undefined);
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    socket.write(`GET /api/info HTTP/1.1\r\nhost: 127.0.0.1:${fixture.port}\r\n\r\n`.repeat(100));
    await eventually('it is closed', () => socket.destroyed);
    expect(said.split('HTTP/1.1 ').length).toBeLessThanOrEqual(2);
  });
});

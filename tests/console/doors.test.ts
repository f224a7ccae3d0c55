/** Who gets in, and what is refused before anything is read: every door of the console over real HTTP. */
import { readFile, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startConsole } from '../../src/console/app.ts';
import type { Clock } from '../../src/host/clock.ts';
import { limits } from '../../src/host/limits.ts';
import { openLog } from '../../src/host/log.ts';
import { ask, Client, type ConsoleFixture, consoleFixture } from '../support/console-client.ts';
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
  it('answers 401 to everything without a session, and says how to get one', async () => {
    for (const path of ['/', '/assets/index.js', '/somewhere']) {
      const answer = await ask(fixture.port, path);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('aether console');
      expect(answer.headers['content-security-policy']).not.toContain('unsafe-inline');
    }
    for (const path of ['/api/verbs/info', '/api/verbs/agents', '/api/nothing']) {
      const answer = await ask(fixture.port, path);
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.text).error.code).toBe('console.signed-out');
    }
  });

  it('a link works once, leaves no token in the address, and sets an HttpOnly SameSite=Strict cookie', async () => {
    const link = new URL(fixture.console.loginLink());
    const first = await ask(fixture.port, link.pathname + link.search);
    expect(first.status).toBe(303);
    expect(first.headers.location).toMatch(/^\/#key=[\w-]{43}$/);
    expect(String(first.headers['set-cookie'])).toMatch(/=[\w-]{43};.*HttpOnly.*SameSite=Strict/);
    const again = await ask(fixture.port, link.pathname + link.search);
    expect(again.status).toBe(401);
    expect(again.text).toContain('A link works once');
    expect(again.headers['set-cookie']).toBeUndefined();
  });

  it('refuses made-up and empty tokens', async () => {
    for (const path of ['/login', '/login?token=', `/login?token=${'A'.repeat(43)}`, '/login?token=%00']) {
      expect((await ask(fixture.port, path)).status).toBe(401);
    }
  });

  it('a link ends after ten minutes, and only the newest sixteen are open', async () => {
    let now = 1_000_000;
    const clock: Clock = { now: () => now, elapsed: () => now, after: () => () => {} };
    const other = await consoleFixture({ clock });
    try {
      const late = new URL(other.console.loginLink());
      now += limits.console_login_link_ms;
      const answer = await ask(other.port, late.pathname + late.search);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('more than 10 minutes old');
      const first = new URL(other.console.loginLink());
      for (let more = 0; more < limits.console_login_links_max; more += 1) other.console.loginLink();
      expect((await ask(other.port, first.pathname + first.search)).status).toBe(401);
    } finally {
      await other.close();
    }
  });

  it('a session outlives the host, in a file for the owner only that holds no secret', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    await fixture.restart();
    expect((await client.get('/api/verbs/info')).status).toBe(200);
    const file = join(fixture.stateDir, 'console-sessions.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain(client.cookie.split('=')[1]);
    expect(text).not.toContain(client.key);
  });

  it('signing out ends the session', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    expect((await client.post('/api/sign-out', {})).status).toBe(200);
    expect((await client.get('/api/verbs/info')).status).toBe(401);
  });

  it('the cookie alone opens no data: another port of this machine is sent it too', async () => {
    const { cookie } = await Client.signIn(fixture.console.loginLink());
    expect((await ask(fixture.port, '/api/verbs/agents', { headers: { cookie } })).status).toBe(401);
    const stolen = new Client(fixture.port, cookie, 'x'.repeat(43)).socket('/ws');
    expect(await stolen.until(() => stolen.refused ?? undefined, 'a refusal')).toBe(401);
  });
});

describe('the wrong name and the wrong page', () => {
  it('answers under its own names only', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    for (const host of ['evil.example', `evil.example:${fixture.port}`, '127.0.0.1', '127.0.0.1:1']) {
      const answer = await ask(fixture.port, '/api/verbs/agents', { headers: { ...client.headers, host } });
      expect(answer.status).toBe(421);
      const { error } = JSON.parse(answer.text);
      expect(error.code).toBe('console.wrong-host');
      expect(error.next).toContain(`127.0.0.1:${fixture.port}`);
      const link = new URL(fixture.console.loginLink());
      const login = await ask(fixture.port, link.pathname + link.search, { headers: { host } });
      expect(login.status).toBe(421);
    }
    for (const host of [`localhost:${fixture.port}`, `[::1]:${fixture.port}`]) {
      const headers = { ...client.headers, host, origin: `http://${host}` };
      expect((await ask(fixture.port, '/api/verbs/agents', { headers })).status).toBe(200);
    }
  });

  it('refuses a cross-site POST, with the cookie and without an origin too', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const { origin: _own, ...noOrigin } = client.headers;
    for (const headers of [
      { ...client.headers, origin: 'https://evil.example' },
      { ...client.headers, origin: 'null' },
      { ...client.headers, origin: `http://127.0.0.1:${fixture.port + 1}` },
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
    const headers = { ...client.headers, 'sec-fetch-site': 'same-site' };
    expect((await ask(fixture.port, '/api/verbs/agents', { headers })).status).toBe(403);
  });

  it('refuses a WebSocket without cookie, from another origin, under another name, or elsewhere', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const cases: [string, Parameters<Client['socket']>[1], number][] = [
      ['/ws', { cookie: 'aether_console_1=x' }, 401],
      ['/ws', { origin: 'https://evil.example' }, 403],
      ['/ws', { host: 'evil.example' }, 421],
      ['/terminal/coder', { origin: 'https://evil.example' }, 403],
      ['/terminal/nobody', {}, 404],
      ['/terminal/%ff', {}, 404],
      ['/elsewhere', {}, 404],
    ];
    for (const [path, change, status] of cases) {
      const socket = client.socket(path, change);
      expect(await socket.until(() => socket.refused ?? undefined, `refusal of ${path}`)).toBe(status);
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

  it('a link that is only looked at ahead still works', async () => {
    const link = new URL(fixture.console.loginLink());
    const path = link.pathname + link.search;
    expect((await ask(fixture.port, path, { method: 'HEAD' })).status).toBe(503);
    expect((await ask(fixture.port, path, { headers: { 'sec-purpose': 'prefetch;prerender' } })).status).toBe(
      503,
    );
    expect((await ask(fixture.port, path)).status).toBe(303);
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
    const { headers } = await ask(fixture.port, '/api/verbs/info', { headers: client.headers });
    expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('tells a checkout that is not built what to run', async () => {
    const client = await Client.signIn(fixture.console.loginLink());
    const answer = await ask(fixture.port, '/', { headers: client.headers });
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

/** Verbs over HTTP: what a stale click, a bad body or an unknown name gets. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AgentView, EventsPage, WireError } from '../../src/console/wire.ts';
import { limits } from '../../src/host/limits.ts';
import { ask, Client, type ConsoleFixture, consoleFixture } from '../support/console-client.ts';
import { dataOf } from '../support/events.ts';

interface Failed {
  error: WireError;
}

let fixture: ConsoleFixture;
let client: Client;
const basis = { run: 'run_coder', state: 'running', lease: null };

beforeEach(async () => {
  fixture = await consoleFixture();
  fixture.host.set('coder', {});
  client = await Client.signIn(fixture.console.loginLink());
});
afterEach(() => fixture.close());

it('does what it was asked, as the operator', async () => {
  const stopped = await client.post<AgentView>('/api/agents/coder/stop', { basis });
  expect(stopped).toMatchObject({ status: 200, body: { name: 'coder', state: 'stopped' } });
  expect(fixture.host.asked).toEqual(['stop coder']);
});

it('refuses a click that was based on a run, a state or a lease that is gone', async () => {
  fixture.host.set('coder', { run: 'run_next' });
  const otherRun = await client.post<Failed>('/api/agents/coder/kill', { basis });
  expect(otherRun).toMatchObject({ status: 409, body: { error: { code: 'console.stale' } } });

  fixture.host.set('coder', { run: 'run_coder', state: 'exited' });
  const otherState = await client.post<Failed>('/api/agents/coder/restart', { basis });
  expect(otherState.body.error.message).toContain('was running when you decided and is exited now');

  fixture.host.set('coder', { state: 'running' });
  await client.post('/api/agents/coder/takeover', { basis, when: 'now', cols: 80, rows: 24 });
  const again = await client.post<Failed>('/api/agents/coder/takeover', {
    basis,
    when: 'now',
    cols: 80,
    rows: 24,
  });
  expect(again).toMatchObject({ status: 409, body: { error: { code: 'console.stale' } } });
  const lease = fixture.host.agent('coder').lease!.generation;
  const wrong = await client.post<Failed>('/api/agents/coder/handback', {
    basis: { ...basis, lease: lease + 1 },
  });
  expect(wrong.body.error.code).toBe('console.stale');
  const right = await client.post('/api/agents/coder/handback', {
    basis: { ...basis, lease },
    note: 'fixed',
  });
  expect(right.status).toBe(200);
  expect(fixture.host.agent('coder').lease).toBeNull();
});

it('refuses to hold, pause or resume what somebody else has held, paused or resumed since', async () => {
  const stands = { hold_ms: null, paused: false };
  const pause = () => client.post<Failed>('/api/agents/coder/pause', { basis: { ...basis, stands } });
  fixture.host.hold('coder');
  const held = await pause();
  expect(held).toMatchObject({ status: 409, body: { error: { code: 'console.stale' } } });
  expect(held.body.error.message).toBe('operator asked coder to stand still since.');
  await fixture.host.resume('coder');
  await fixture.host.pause('coder');
  expect((await pause()).body.error.message).toBe('coder has been paused since.');
  // Who saw it paused may let it go on; who saw an earlier hold may not.
  const seen = { ...basis, stands: { hold_ms: 1, paused: true } };
  const old = await client.post<Failed>('/api/agents/coder/resume', { basis: seen });
  expect(old.body.error.message).toBe('The hold of coder has been ended since.');
  expect(fixture.host.agent('coder').activity).toBe('paused');
  const right = { ...basis, stands: { hold_ms: null, paused: true } };
  expect((await client.post('/api/agents/coder/resume', { basis: right })).status).toBe(200);
  expect(fixture.host.agent('coder').activity).toBe('idle');
});

it('a kill means the run, in whichever state it is by now', async () => {
  fixture.host.set('coder', { state: 'stopping' });
  expect((await client.post('/api/agents/coder/kill', { basis })).status).toBe(200);
});

it('a message is taken back while nobody has read it, and only one to this agent', async () => {
  fixture.host.set('writer', {});
  await client.post('/api/agents/coder/inject', { basis, id: 'inject-0001', text: 'no', priority: 'later' });
  const other = await client.post<Failed>('/api/agents/writer/injections/inject-0001/cancel', {});
  expect(other).toMatchObject({ status: 400, body: { error: { code: 'console.invalid' } } });
  const unread = async () =>
    (await client.get<{ injections: unknown[] }>('/api/agents/coder/injections?unread')).body.injections;
  expect(await unread()).toHaveLength(1);
  const taken = await client.post('/api/agents/coder/injections/inject-0001/cancel', {});
  expect(taken).toMatchObject({ status: 200, body: { state: 'cancelled' } });
  expect(await unread()).toEqual([]);
  expect((await client.post('/api/agents/coder/injections/inject-0001/cancel', {})).status).toBe(409);
});

it('tells what changed while an agent was in somebody’s hands', async () => {
  const changes = () => client.get<{ changes: unknown }>('/api/agents/coder/changes');
  expect((await changes()).body.changes).toBeNull();
  await client.post('/api/agents/coder/takeover', { basis, when: 'now', cols: 80, rows: 24 });
  expect((await changes()).body.changes).toMatchObject({ files: ['src/rates.ts'] });
});

it('an inject that is sent twice with one id is one inject', async () => {
  const body = { basis, id: 'inject-0001', text: 'use the staging key', priority: 'next' };
  await client.post('/api/agents/coder/inject', body);
  await client.post('/api/agents/coder/inject', body);
  expect(fixture.host.injections('coder')).toHaveLength(1);
  const listed = await client.get<{ injections: unknown[] }>('/api/agents/coder/injections');
  expect(listed.body.injections).toHaveLength(1);
});

it('an approval is answered once', async () => {
  const { id } = fixture.host.ask({ agent: 'coder', kind: 'permission', title: 'Bash', detail: {} });
  expect((await client.post(`/api/approvals/${id}/answer`, {})).status).toBe(400);
  expect((await client.post(`/api/approvals/${id}/answer`, { allow: true })).status).toBe(200);
  expect((await client.post(`/api/approvals/${id}/answer`, { allow: false })).status).toBe(409);
  expect((await client.post('/api/approvals/apr_none/answer', { allow: true })).status).toBe(404);
  expect(fixture.host.approvals({ state: 'all' })[0]?.answer).toEqual({ allow: true });
});

it('pages events both ways', async () => {
  for (let n = 1; n <= 25; n += 1) fixture.host.emit('engine.note', 'coder', { n });
  const newest = await client.get<EventsPage>('/api/agents/coder/events?limit=10');
  expect(newest.body.events.map((event) => dataOf(event).n)).toEqual([
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
  ]);
  expect(newest.body.more).toBe(true);
  const first = newest.body.events[0]!.seq;
  const earlier = await client.get<EventsPage>(`/api/agents/coder/events?limit=100&before=${first}`);
  expect(earlier.body.events).toHaveLength(15);
  expect(earlier.body.more).toBe(false);
  const after = await client.get<EventsPage>(`/api/agents/coder/events?limit=2&after=${first}`);
  expect(after.body.events.map((event) => dataOf(event).n)).toEqual([17, 18]);
});

it('names the field of a bad body, and what to do', async () => {
  const bad: [string, unknown, RegExp][] = [
    ['/api/agents/coder/stop', {}, /basis/],
    ['/api/agents/coder/stop', { basis, extra: 1 }, /extra/],
    ['/api/agents/coder/stop', { basis: { ...basis, state: 'asleep' } }, /basis\.state/],
    ['/api/agents/coder/inject', { basis, id: 'inject-0001', text: '', priority: 'next' }, /text/],
    ['/api/agents/coder/inject', { basis, id: 'x', text: 'a', priority: 'next' }, /id/],
    ['/api/agents/coder/takeover', { basis, when: 'now', cols: 0, rows: 0 }, /cols/],
    ['/api/agents/coder/takeover', { basis, when: 'now', cols: 80, rows: 1_000_000 }, /rows/],
    ['/api/agents/coder/handback', { basis }, /basis\.lease/],
  ];
  for (const [path, body, field] of bad) {
    const answer = await client.post<Failed>(path, body);
    expect(answer.status, path).toBe(400);
    expect(answer.body.error.message).toMatch(field);
  }
  for (const [body, type] of [
    ['{"basis":', 'application/json'],
    ['', 'application/json'],
    ['basis=1', 'application/x-www-form-urlencoded'],
  ] as const) {
    const answer = await ask(fixture.port, '/api/agents/coder/stop', {
      method: 'POST',
      headers: { ...client.headers, 'content-type': type },
      body,
    });
    expect(answer.status).toBe(400);
  }
  expect((await client.get('/api/agents/coder/events?limit=0')).status).toBe(400);
  expect((await client.get('/api/agents/coder/events?after=x')).status).toBe(400);
  expect(fixture.host.asked).toEqual([]);
});

it('a body over the limit is refused before it is read', async () => {
  const answer = await ask(fixture.port, '/api/agents/coder/inject', {
    method: 'POST',
    headers: client.headers,
    body: JSON.stringify({ text: 'x'.repeat(limits.http_body_bytes_max) }),
  });
  expect(answer.status).toBe(413);
  expect(JSON.parse(answer.text).error.next).toContain('Send less');
});

it('a refused body costs its connection nothing else, or the connection is closed with the answer', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (path: string, method: string, body?: string) =>
    new Promise<{ status: number; connection: string | undefined }>((resolve, reject) => {
      const outgoing = request(
        { agent, host: '127.0.0.1', port: fixture.port, path, method, headers: client.headers },
        (incoming) => {
          incoming.resume();
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode ?? 0, connection: incoming.headers.connection }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  try {
    for (const size of [1, 16]) {
      const body = JSON.stringify({ text: 'x'.repeat(size * limits.http_body_bytes_max) });
      const refused = await send('/api/agents/coder/inject', 'POST', body);
      expect(refused.status).toBe(413);
      // What is left of the body is drained in the background: a fetch now, and one a while later.
      expect((await send('/api/info', 'GET')).status).toBe(200);
      await sleep(700);
      expect((await send('/api/info', 'GET')).status).toBe(200);
    }
  } finally {
    agent.destroy();
  }
});

it('unknown agents, paths and methods', async () => {
  expect(await client.post<Failed>('/api/agents/nobody/stop', { basis })).toMatchObject({
    status: 404,
    body: { error: { code: 'agent.unknown' } },
  });
  expect((await client.get('/api/agents/nobody/events')).status).toBe(404);
  expect((await client.get('/api/nothing')).status).toBe(404);
  expect((await client.post('/api/nothing', {})).status).toBe(404);
  const method = await client.post<Failed>('/api/agents', {});
  expect(method).toMatchObject({ status: 405, body: { error: { code: 'console.method' } } });
});

it('what the host refuses keeps its words; what breaks does not leak', async () => {
  fixture.host.set('coder', { state: 'exited' });
  const refused = await client.post<Failed>('/api/agents/coder/interrupt', { basis });
  expect(refused).toMatchObject({ status: 409, body: { error: { code: 'agent.illegal' } } });
  fixture.host.plan = () => Promise.reject(new Error('secret detail of a bug'));
  const broken = await client.get<Failed>('/api/plan');
  expect(broken).toMatchObject({ status: 500, body: { error: { code: 'internal' } } });
  expect(JSON.stringify(broken.body)).not.toContain('secret detail');
});

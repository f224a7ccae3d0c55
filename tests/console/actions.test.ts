/** Verbs over HTTP: what a stale click, a bad body or an unknown name gets. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AgentView, EventView, InjectionView, WireError } from '../../src/console/console-protocol.ts';
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
  const stopped = await client.call<AgentView>('stop', { agent: 'coder' }, basis);
  expect(stopped).toMatchObject({ status: 200, body: { name: 'coder', state: 'stopped' } });
  expect(fixture.host.asked).toEqual(['stop coder']);
});

it('refuses a click that was based on a run, a state or a lease that is gone', async () => {
  fixture.host.set('coder', { run: 'run_next' });
  const otherRun = await client.call<Failed>('kill', { agent: 'coder' }, basis);
  expect(otherRun).toMatchObject({ status: 409, body: { error: { code: 'verb.stale' } } });

  fixture.host.set('coder', { run: 'run_coder', state: 'exited' });
  const otherState = await client.call<Failed>('restart', { agent: 'coder' }, basis);
  expect(otherState.body.error.message).toContain('was running when you decided and is exited now');

  fixture.host.set('coder', { state: 'running' });
  await client.call('takeover', { agent: 'coder', when: 'now', cols: 80, rows: 24 }, basis);
  const again = await client.call<Failed>(
    'takeover',
    { agent: 'coder', when: 'now', cols: 80, rows: 24 },
    basis,
  );
  expect(again).toMatchObject({ status: 409, body: { error: { code: 'verb.stale' } } });
  const lease = fixture.host.agent('coder').lease!.generation;
  const handback = (seen: number) =>
    client.call<Failed>(
      'handback',
      { agent: 'coder', generation: seen, note: 'fixed' },
      { ...basis, lease: seen },
    );
  const wrong = await handback(lease + 1);
  expect(wrong.body.error.code).toBe('verb.stale');
  const right = await handback(lease);
  expect(right.status).toBe(200);
  expect(fixture.host.agent('coder').lease).toBeNull();
});

it('refuses to hold, pause or resume what somebody else has held, paused or resumed since', async () => {
  const stands = { hold_ms: null, paused: false };
  const pause = () => client.call<Failed>('pause', { agent: 'coder' }, { ...basis, stands });
  fixture.host.hold('coder');
  const held = await pause();
  expect(held).toMatchObject({ status: 409, body: { error: { code: 'verb.stale' } } });
  expect(held.body.error.message).toBe('operator asked to hold coder since.');
  fixture.host.endHold('coder');
  fixture.host.pause('coder');
  expect((await pause()).body.error.message).toBe('coder has been paused since.');
  // Who saw it paused may let it go on; who saw an earlier hold may not.
  const seen = { ...basis, stands: { hold_ms: 1, paused: true } };
  const old = await client.call<Failed>('resume', { agent: 'coder' }, seen);
  expect(old.body.error.message).toBe('The hold of coder has been ended since.');
  expect(fixture.host.agent('coder').activity).toBe('paused');
  const right = { ...basis, stands: { hold_ms: null, paused: true } };
  expect((await client.call('resume', { agent: 'coder' }, right)).status).toBe(200);
  expect(fixture.host.agent('coder').activity).toBe('idle');
});

it('a kill means the run, in whichever state it is by now', async () => {
  fixture.host.set('coder', { state: 'stopping' });
  expect((await client.call('kill', { agent: 'coder' }, basis)).status).toBe(200);
});

it('a message is taken back while nobody has read it', async () => {
  const message = { agent: 'coder', id: 'inject-0001', text: 'no', priority: 'later' };
  await client.call('inject', message, basis);
  const taken = await client.call('cancelInjection', { id: 'inject-0001' });
  expect(taken).toMatchObject({ status: 200, body: { state: 'cancelled' } });
  expect((await client.call('cancelInjection', { id: 'inject-0001' })).status).toBe(409);
});

it('tells what changed while an agent was in somebody’s hands', async () => {
  const changes = () => client.call<unknown>('changes', { agent: 'coder' });
  expect((await changes()).body).toBeNull();
  await client.call('takeover', { agent: 'coder', when: 'now', cols: 80, rows: 24 }, basis);
  expect((await changes()).body).toMatchObject({ files: ['src/rates.ts'] });
});

it('an inject that is sent twice with one id is one inject', async () => {
  const message = { agent: 'coder', id: 'inject-0001', text: 'use the staging key', priority: 'next' };
  await client.call('inject', message, basis);
  await client.call('inject', message, basis);
  expect(fixture.host.injections('coder')).toHaveLength(1);
  expect((await client.call<InjectionView[]>('injections', { agent: 'coder' })).body).toHaveLength(1);
});

it('an approval is answered once', async () => {
  const { id } = fixture.host.ask({ agent: 'coder', kind: 'permission', title: 'Bash', detail: {} });
  expect((await client.call('answerApproval', { id })).status).toBe(400);
  expect((await client.call('answerApproval', { id, allow: true })).status).toBe(200);
  expect((await client.call('answerApproval', { id, allow: false })).status).toBe(409);
  expect((await client.call('answerApproval', { id: 'apr_none', allow: true })).status).toBe(404);
  expect(fixture.host.approvals({ state: 'all' })[0]?.answer).toEqual({ allow: true });
});

it('pages events both ways', async () => {
  for (let n = 1; n <= 25; n += 1) fixture.host.emit('engine.note', 'coder', { n });
  const page = async (filter: object) =>
    (await client.call<EventView[]>('events', { agent: 'coder', ...filter })).body;
  const newest = await page({ limit: 10, last: true });
  expect(newest.map((event) => dataOf(event).n)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  const first = newest[0]!.cursor;
  expect(await page({ limit: 100, last: true, before: first })).toHaveLength(15);
  expect((await page({ limit: 2, after: first })).map((event) => dataOf(event).n)).toEqual([17, 18]);
  const odd = await client.call<{ error: { code: string } }>('events', { agent: 'coder', after: '17' });
  expect([odd.status, odd.body.error.code]).toEqual([400, 'cursor.invalid']);
});

it('names the field of a bad body, and what to do', async () => {
  const agent = 'coder';
  const bad: [verb: string, input: object, basis: object | undefined, field: RegExp][] = [
    ['stop', { agent }, undefined, /basis/],
    ['stop', { agent, extra: 1 }, basis, /extra/],
    ['stop', {}, basis, /agent/],
    ['stop', { agent }, { ...basis, state: 'asleep' }, /basis\.state/],
    ['inject', { agent, text: '' }, basis, /text/],
    ['inject', { agent, id: '', text: 'a' }, basis, /id/],
    ['takeover', { agent, when: 'now', cols: 0, rows: 0 }, basis, /cols/],
    ['takeover', { agent, when: 'now', cols: 80, rows: 1_000_000 }, basis, /rows/],
    ['handback', { agent }, basis, /generation/],
    ['events', { agent, limit: 0 }, undefined, /limit/],
    ['follow', {}, undefined, /stream/],
  ];
  for (const [verb, input, seen, field] of bad) {
    const answer = await client.call<Failed>(verb, input, seen);
    expect(answer.status, verb).toBe(400);
    expect(answer.body.error.message).toMatch(field);
  }
  expect((await client.post<Failed>('/api/verbs/stop', { input: { agent }, basis, by: 'host' })).status).toBe(
    400,
  );
  for (const [body, type] of [
    ['{"basis":', 'application/json'],
    ['', 'application/json'],
    ['basis=1', 'application/x-www-form-urlencoded'],
  ] as const) {
    const answer = await ask(fixture.port, '/api/verbs/stop', {
      method: 'POST',
      headers: { ...client.headers('/api/verbs/stop', 'POST'), 'content-type': type },
      body,
    });
    expect(answer.status).toBe(400);
  }
  expect((await client.get('/api/verbs/events?input={')).status).toBe(400);
  expect((await client.get('/api/verbs/stop?input={"agent":"coder"}')).status).toBe(400);
  expect(fixture.host.asked).toEqual([]);
});

it('a body over the limit is refused before it is read', async () => {
  const answer = await ask(fixture.port, '/api/verbs/inject', {
    method: 'POST',
    headers: client.headers('/api/verbs/inject', 'POST'),
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
        { agent, host: '127.0.0.1', port: fixture.port, path, method, headers: client.headers(path, method) },
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
      const refused = await send('/api/verbs/inject', 'POST', body);
      expect(refused.status).toBe(413);
      // What is left of the body is drained in the background: a fetch now, and one a while later.
      expect((await send('/api/verbs/info', 'GET')).status).toBe(200);
      await sleep(700);
      expect((await send('/api/verbs/info', 'GET')).status).toBe(200);
    }
  } finally {
    agent.destroy();
  }
});

it('unknown agents, paths and methods', async () => {
  expect(await client.call<Failed>('stop', { agent: 'nobody' }, basis)).toMatchObject({
    status: 404,
    body: { error: { code: 'agent.unknown' } },
  });
  expect(await client.call<Failed>('constructor', {})).toMatchObject({
    status: 404,
    body: { error: { code: 'verb.unknown' } },
  });
  expect((await client.get('/api/nothing')).status).toBe(404);
  expect((await client.post('/api/nothing', {})).status).toBe(404);
  const method = await ask(fixture.port, '/api/verbs/agents', {
    method: 'PUT',
    headers: client.headers('/api/verbs/agents', 'PUT'),
  });
  expect({ status: method.status, body: JSON.parse(method.text) }).toMatchObject({
    status: 405,
    body: { error: { code: 'console.method' } },
  });
});

it('what the host refuses keeps its words; what breaks does not leak', async () => {
  fixture.host.set('coder', { state: 'exited' });
  const refused = await client.call<Failed>('interrupt', { agent: 'coder' }, { ...basis, state: 'exited' });
  expect(refused).toMatchObject({ status: 409, body: { error: { code: 'verb.illegal' } } });
  fixture.host.plan = () => Promise.reject(new Error('secret detail of a bug'));
  const broken = await client.get<Failed>('/api/verbs/plan');
  expect(broken).toMatchObject({ status: 500, body: { error: { code: 'host.internal' } } });
  expect(JSON.stringify(broken.body)).not.toContain('secret detail');
});

/** /ws: every event exactly once and in order, whatever the connection does; and messages that make no sense. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CONSOLE_PROTOCOL, type EventView, type Mail } from '../../src/console/console-protocol.ts';
import { cursorOf } from '../../src/host/events/cursor.ts';
import { limits } from '../../src/host/limits.ts';
import { Client, type ConsoleFixture, consoleFixture, type Socket } from '../support/console-client.ts';
import { dataOf } from '../support/events.ts';

let fixture: ConsoleFixture;
let client: Client;

beforeEach(async () => {
  fixture = await consoleFixture();
  fixture.host.set('coder', {});
  fixture.host.set('tester', {});
  client = await Client.signIn(fixture.console.loginLink());
});
afterEach(() => fixture.close());

/** Of a log that reaches further than any here. */
const ELSEWHERE = cursorOf({ seq: 9_999, tag: '01234567' });

function eventsOf(socket: Socket): EventView[] {
  return socket.json.flatMap((message) => (message.type === 'events' ? (message.events as EventView[]) : []));
}

it('greets with the whole fleet', async () => {
  fixture.host.ask({ agent: 'coder', kind: 'question', title: 'Which?', detail: { question: 'Which?' } });
  const socket = client.socket('/ws');
  const welcome = await socket.message('welcome');
  expect(welcome).toMatchObject({
    protocol: CONSOLE_PROTOCOL,
    you: expect.stringMatching(/^console-[0-9a-f]{4}$/),
  });
  expect((welcome.agents as unknown[]).length).toBe(2);
  expect((welcome.approvals as unknown[]).length).toBe(1);
  socket.close();
});

it('brings mail to the operator, and takes it away once somebody is done with it', async () => {
  const message = {
    id: 'm-1',
    from: 'agent:coder' as const,
    to: 'operator',
    subject: 'Done',
    body: 'y'.repeat(20_000),
    replyTo: null,
    sent_ms: 1,
    acked_ms: null,
  };
  const socket = client.socket('/ws');
  expect((await socket.message('welcome')).mail).toEqual({ messages: [], unread: 0 });
  fixture.host.mail.push(message);
  fixture.host.emit('mail.sent', 'coder', { message });
  const { mail } = (await socket.message('mail')) as unknown as { mail: Mail };
  expect(mail).toMatchObject({ messages: [{ id: 'm-1', subject: 'Done' }], unread: 1 });
  expect(mail.messages[0]!.body).toMatch(/^y{16384}….*aether mail/s);
  expect((await client.call('ackOperatorMail', { ids: [] })).status).toBe(400);
  expect(await client.call('ackOperatorMail', { ids: ['m-1'] })).toMatchObject({ status: 200 });
  await socket.until(
    () => socket.json.some((one) => one.type === 'mail' && (one.mail as Mail).unread === 0) || undefined,
    'the mail is gone',
    5_000,
  );
  expect((await client.get('/api/verbs/operatorMail')).body).toMatchObject({ messages: [], unread: 0 });
  socket.close();
});

it('tells that memories have changed, once for those that change together', async () => {
  const { memory } = fixture.host.memories;
  const socket = client.socket('/ws');
  await socket.message('welcome');
  const told = () => socket.json.filter(({ type }) => type === 'memories').length;
  const by = { principal: 'agent:coder', agent: 'coder', run: null } as const;
  for (let n = 0; n < 20; n += 1) memory.store(by, { text: `fact ${n}` });
  await socket.until(() => told() > 0 || undefined, 'the change is told', 5_000);
  memory.forget(by, { id: memory.store(by, { text: 'gone', key: 'k' }).memory.id });
  await socket.until(() => told() > 1 || undefined, 'the next one is told', 5_000);
  expect(told()).toBe(2);
  socket.close();
});

it('catches up after each of 30 broken connections: nothing lost, nothing twice, in order', async () => {
  const total = 6_000;
  let emitted = 0;
  const seen: EventView[] = [];
  const emitter = setInterval(() => {
    for (let n = 0; n < 20 && emitted < total; n += 1) {
      emitted += 1;
      fixture.host.emit('engine.note', 'coder', { text: 'x'.repeat(emitted % 700), n: emitted });
    }
  }, 1);
  try {
    for (let connection = 1; connection <= 31; connection += 1) {
      const socket = client.socket('/ws');
      await socket.message('welcome');
      socket.send({ type: 'watch', watch: connection, agent: null, after: seen.at(-1)?.cursor ?? null });
      const aim = connection === 31 ? total : Math.min(total, seen.length + 150);
      await socket.until(
        () => (seen.length + eventsOf(socket).length >= aim ? true : undefined),
        `event ${aim}`,
        20_000,
      );
      // Cut without a word, as a laptop lid does.
      socket.ws.terminate();
      seen.push(...eventsOf(socket));
    }
  } finally {
    clearInterval(emitter);
  }
  expect(seen.map((event) => dataOf(event).n)).toEqual(
    Array.from({ length: total }, (_, index) => index + 1),
  );
});

it('a watch of one agent gets that agent only, and a new watch replaces the old one', async () => {
  for (let n = 0; n < 10; n += 1) fixture.host.emit('engine.note', n % 2 ? 'coder' : 'tester', { n });
  const socket = client.socket('/ws');
  await socket.message('welcome');
  socket.send({ type: 'watch', watch: 1, agent: 'coder', after: null });
  await socket.until(() => (eventsOf(socket).length === 5 ? true : undefined), '5 events');
  socket.send({ type: 'watch', watch: 2, agent: 'tester', after: eventsOf(socket)[3]!.cursor });
  await socket.until(() => (eventsOf(socket).length === 6 ? true : undefined), 'the sixth');
  fixture.host.emit('engine.note', 'coder', { n: 'unseen' });
  fixture.host.emit('engine.note', 'tester', { n: 'seen' });
  await socket.until(
    () => (eventsOf(socket).some((event) => dataOf(event).n === 'seen') ? true : undefined),
    'the live one',
  );
  expect(eventsOf(socket).map((event) => dataOf(event).n)).toEqual([1, 3, 5, 7, 9, 8, 'seen']);
});

it('a browser that does not read costs one page, and then gets everything', async () => {
  const socket = client.socket('/ws');
  await socket.message('welcome');
  socket.send({ type: 'watch', watch: 1, agent: 'coder', after: null });
  fixture.host.emit('engine.note', 'coder', { n: 0 });
  await socket.until(() => (eventsOf(socket).length === 1 ? true : undefined), 'the first event');
  let pages = 0;
  const read = fixture.host.events.bind(fixture.host);
  fixture.host.events = (filter) => {
    pages += 1;
    return read(filter);
  };
  socket.ws.pause();
  const text = 'y'.repeat(60_000);
  for (let n = 1; n <= 1_000; n += 1) fixture.host.emit('engine.note', 'coder', { n, text });
  await waitUntilQuiet(() => pages);
  // 60 MB are in the log; what has been read of them is what fits the kernel's socket buffers and one page.
  const stuck = pages;
  expect(stuck).toBeLessThan(40);
  socket.ws.resume();
  await socket.until(() => (eventsOf(socket).length === 1_001 ? true : undefined), 'all events', 20_000);
  expect(eventsOf(socket).map((event) => dataOf(event).n)).toEqual(
    Array.from({ length: 1_001 }, (_, n) => n),
  );
  expect(pages).toBeGreaterThan(stuck);
});

it('tells a page that comes from another log to start over, and refuses what is no cursor', async () => {
  const socket = client.socket('/ws');
  await socket.message('welcome');
  socket.send({ type: 'watch', watch: 9, agent: null, after: ELSEWHERE });
  expect(await socket.message('reset')).toEqual({ type: 'reset', watch: 9 });
  for (const after of ['3', ELSEWHERE.slice(1), `${ELSEWHERE}=`])
    socket.send({ type: 'watch', watch: 10, agent: null, after });
  const refused = await socket.until(() => {
    const list = socket.json.filter((message) => message.type === 'error');
    return list.length === 3 ? list : undefined;
  }, 'three refusals');
  for (const { error } of refused) expect(error).toMatchObject({ code: 'cursor.invalid' });
  fixture.host.emit('engine.note', 'coder', { n: 1 });
  socket.send({ type: 'watch', watch: 11, agent: null, after: null });
  expect(await socket.message('events')).toMatchObject({ watch: 11, events: [{ data: { n: 1 } }] });
});

it('agent views come at most ten times a second, and the newest always comes', async () => {
  const socket = client.socket('/ws');
  await socket.message('welcome');
  const begun = Date.now();
  for (let n = 1; n <= 200; n += 1) {
    fixture.host.set('coder', { last: `step ${n}` });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const newest = await socket.until(
    () => socket.json.find((message) => JSON.stringify(message.agents ?? '').includes('step 200"')),
    'the newest view',
  );
  const elapsed = Date.now() - begun;
  const updates = socket.json.filter((message) => message.type === 'agents');
  expect(updates.length).toBeLessThanOrEqual(Math.ceil(elapsed / limits.console_agents_interval_ms) + 1);
  expect((newest.agents as unknown[]).length).toBe(1);
  fixture.host.remove('tester');
  const gone = await socket.until(
    () => socket.json.find((message) => (message.gone as string[] | undefined)?.includes('tester')),
    'a removal',
  );
  expect(gone.agents).toEqual([]);
});

it('approvals arrive as they open and close', async () => {
  const socket = client.socket('/ws');
  await socket.message('welcome');
  const { id } = fixture.host.ask({ agent: 'coder', kind: 'permission', title: 'Bash', detail: {} });
  const lists = () =>
    socket.json
      .filter((message) => message.type === 'approvals')
      .map((message) => message.approvals as { id: string }[]);
  await socket.until(() => lists().find((list) => list[0]?.id === id), 'the approval');
  fixture.host.answerApproval(id, { allow: true }, 'operator');
  await socket.until(() => (lists().at(-1)?.length === 0 ? true : undefined), 'an empty inbox');
});

it('a lease is kept alive by its holder only', async () => {
  const welcome = await client.socket('/ws').message('welcome');
  await fixture.host.takeover('coder', { holder: welcome.you as string, when: 'now', cols: 80, rows: 24 });
  const other = (await Client.signIn(fixture.console.loginLink())).socket('/ws');
  await other.message('welcome');
  other.send({ type: 'beat', agent: 'coder', generation: 1 });
  const mine = client.socket('/ws');
  await mine.message('welcome');
  mine.send({ type: 'beat', agent: 'coder', generation: 1 });
  mine.send({ type: 'watch', watch: 1, agent: null, after: ELSEWHERE });
  await mine.message('reset');
  other.send({ type: 'watch', watch: 1, agent: null, after: ELSEWHERE });
  await other.message('reset');
  expect(fixture.host.beats).toEqual(['coder 1']);
});

it('nonsense is answered and the connection lives; too much of it in one message closes with the reason', async () => {
  const socket = client.socket('/ws');
  await socket.message('welcome');
  const nonsense = [
    '{',
    '[]',
    '"x"',
    '{"type":"rule"}',
    '{"type":"watch"}',
    '{"type":"watch","watch":1,"agent":7,"after":-1}',
  ];
  for (const text of nonsense) socket.send(text);
  socket.ws.send(Buffer.from([1, 2, 3]));
  socket.send({ type: 'beat', agent: 'nobody', generation: 1 });
  const errors = await socket.until(() => {
    const list = socket.json.filter((message) => message.type === 'error');
    return list.length === nonsense.length + 2 ? list : undefined;
  }, 'an answer to each');
  for (const { error } of errors as { error: { next: string } }[]) expect(error.next).not.toBe('');
  socket.send({ type: 'watch', watch: 2, agent: null, after: null });
  fixture.host.emit('engine.note', 'coder', {});
  await socket.message('events');

  socket.send('x'.repeat(limits.websocket_message_bytes_max + 1));
  const closed = await socket.until(() => socket.closed ?? undefined, 'the close');
  expect(closed).toEqual({
    code: 1009,
    reason: `A message may hold ${limits.websocket_message_bytes_max} bytes.`,
  });
  const next = client.socket('/ws');
  await next.message('welcome');
});

/** Resolves when `count` has not changed for 300 ms. */
async function waitUntilQuiet(count: () => number): Promise<void> {
  let last = -1;
  while (last !== count()) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

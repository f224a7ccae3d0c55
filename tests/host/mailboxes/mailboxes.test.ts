import fs from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { limits } from '../../../src/host/limits.ts';
import { actor, Rig, tempDir } from '../../mcp-tools/rig.ts';

const AGENTS = ['ada', 'bob', 'carol'];
let rig: Rig;

beforeEach(() => {
  rig = new Rig(tempDir());
});

afterEach(async () => {
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

const send = (to: string, subject = 'hello', more: { body?: string; replyTo?: string } = {}) =>
  rig.mailboxes.send(actor('agent:ada'), { to, subject, body: 'text', ...more }, AGENTS);

function nextOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as { next: string }).next;
  }
  throw new Error('it did not throw');
}

it('delivers in order, oldest first, until acknowledged', () => {
  const sent = ['one', 'two', 'three'].map((subject) => send('bob', subject));
  const inbox = rig.mailboxes.inbox('agent:bob', {});
  expect(inbox.messages.map((message) => message.subject)).toEqual(['one', 'two', 'three']);
  expect(inbox.unread).toBe(3);
  expect(inbox.messages[0]).toMatchObject({
    from: 'agent:ada',
    to: 'agent:bob',
    acked_ms: null,
    replyTo: null,
  });
  rig.mailboxes.ack(actor('agent:bob'), [sent[0]!.id, sent[2]!.id]);
  expect(rig.mailboxes.inbox('agent:bob', {}).messages.map((message) => message.subject)).toEqual(['two']);
  const all = rig.mailboxes.inbox('agent:bob', { unreadOnly: false });
  expect(all.messages.map((message) => message.subject)).toEqual(['three', 'two', 'one']);
  expect(all.unread).toBe(1);
});

it('acknowledging is idempotent, and all or nothing', () => {
  const { id } = send('bob');
  expect(rig.mailboxes.ack(actor('agent:bob'), [id, id])).toEqual({ acked: [id], already: [] });
  expect(rig.mailboxes.ack(actor('agent:bob'), [id])).toEqual({ acked: [], already: [id] });
  const second = send('bob');
  expect(() => rig.mailboxes.ack(actor('agent:bob'), [second.id, 'nonsense'])).toThrow(
    /none was acknowledged/,
  );
  expect(rig.mailboxes.unread('agent:bob')).toBe(1);
});

it('nobody acknowledges the mail of another', () => {
  const { id } = send('bob');
  expect(() => rig.mailboxes.ack(actor('agent:carol'), [id])).toThrow(/in your mailbox/);
  expect(() => rig.mailboxes.ack(actor('agent:ada'), [id])).toThrow(/in your mailbox/);
});

it('takes names as people write them and as `from` shows them', () => {
  expect(send('bob').to).toBe('agent:bob');
  expect(send('agent:bob').to).toBe('agent:bob');
  expect(send(' operator ').to).toBe('operator');
  rig.mailboxes.clientSeen('cursor');
  expect(send('client:cursor').to).toBe('client:cursor');
});

it('refuses a name nobody has, with the nearest', () => {
  expect(nextOf(() => send('bbo'))).toContain('bob');
  expect(nextOf(() => send('agent:carrol'))).toContain('carol');
  expect(nextOf(() => send('opreator'))).toContain('operator');
  expect(nextOf(() => send('zzzzzz'))).toContain('ada, bob, carol, operator');
  expect(() => send('client:cursor')).toThrow(/No agent here is called "client:cursor"/);
  expect(() => send('host')).toThrow(/No agent here/);
});

it('remembers clients that were here, across a restart', async () => {
  rig.mailboxes.clientSeen('cursor');
  const { dir } = rig;
  await rig.close();
  rig = new Rig(dir);
  expect(send('client:cursor').to).toBe('client:cursor');
  expect(nextOf(() => send('client:cursro'))).toContain('client:cursor');
});

it('answers only messages of its own', () => {
  const first = send('bob');
  const reply = rig.mailboxes.send(
    actor('agent:bob'),
    { to: first.from, subject: 're', body: 'x', replyTo: first.id },
    AGENTS,
  );
  expect(reply).toMatchObject({ to: 'agent:ada', replyTo: first.id });
  expect(() =>
    rig.mailboxes.send(
      actor('agent:carol'),
      { to: 'ada', subject: 're', body: 'x', replyTo: first.id },
      AGENTS,
    ),
  ).toThrow(/not one of your messages/);
});

it('holds to its limits and says them', () => {
  expect(() => send('bob', '')).toThrow(/subject/);
  expect(() => send('bob', 'x'.repeat(201))).toThrow(/200/);
  expect(() => send('bob', 'big', { body: 'x'.repeat(limits.mail_body_bytes_max + 1) })).toThrow(/262144/);
  expect(() => rig.mailboxes.ack(actor('agent:bob'), [])).toThrow(/1 to 200/);
  for (let n = 0; n < 130; n += 1) send('bob', `${n}`);
  expect(rig.mailboxes.inbox('agent:bob', { limit: 10_000 }).messages).toHaveLength(limits.mail_inbox_max);
});

it('refuses mail to a mailbox nobody empties', () => {
  const insert = rig.store.db.prepare(
    "INSERT INTO messages (id, sender, recipient, subject, body, sent_ms) VALUES (?, 'agent:ada', 'agent:bob', 's', 'b', 0)",
  );
  rig.store.transaction(() => {
    for (let n = 0; n < limits.mail_unread_max; n += 1) insert.run(`m${n}`);
  });
  expect(() => send('bob')).toThrow(/nobody has acknowledged/);
  rig.mailboxes.ack(actor('agent:bob'), ['m0']);
  expect(send('bob').to).toBe('agent:bob');
});

import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/host/api.ts';
import { limits } from '../../src/host/limits.ts';
import { VirtualClock } from '../support/clock.ts';
import { caller, clientCaller, Rig, tempDir } from './rig.ts';

let clock: VirtualClock;
let rig: Rig;

beforeEach(() => {
  clock = new VirtualClock();
  rig = new Rig(tempDir(), { clock });
});

afterEach(async () => {
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

async function restart(): Promise<void> {
  const { dir } = rig;
  await rig.close();
  rig = new Rig(dir, { clock });
}

const receipts = () => rig.store.db.prepare('SELECT count(*) FROM calls').pluck().get() as number;
const NEVER = new AbortController().signal;

describe('once', () => {
  it('answers a repeat from the receipt, in the same host and in the next', async () => {
    const call = caller();
    const first = rig.verbs.memoryStore(call, { text: 'tea' });
    expect(rig.verbs.memoryStore(call, { text: 'tea' })).toEqual(first);
    await restart();
    expect(rig.verbs.memoryStore(call, { text: 'tea' })).toEqual(first);
    expect(rig.memory.search('agent:ada', { query: 'tea' }).total).toBe(1);
    expect(rig.topics()).toEqual(['memory.stored', 'mcp.called']);
  });

  it('does every changing verb once', () => {
    const mail = rig.verbs.mailSend(caller(), { to: 'ada', subject: 's', body: 'b' }).message;
    rig.verbs.memoryStore(caller(), { text: 'x', key: 'k' });
    const forget = caller();
    expect(rig.verbs.memoryForget(forget, { key: 'k' })).toEqual(
      rig.verbs.memoryForget(forget, { key: 'k' }),
    );
    const ack = caller();
    expect(rig.verbs.mailAck(ack, { ids: [mail.id] })).toEqual({ acked: [mail.id], already: [] });
    expect(rig.verbs.mailAck(ack, { ids: [mail.id] })).toEqual({ acked: [mail.id], already: [] });
    const report = caller();
    const { seq } = rig.verbs.report(report, { summary: 'done it', status: 'done' });
    expect(rig.verbs.report(report, { summary: 'done it', status: 'done' })).toEqual({ seq });
    expect(rig.events.list({}).find((event) => event.seq === seq)).toMatchObject({
      topic: 'report.made',
      grade: 'claimed',
      data: { summary: 'done it', status: 'done' },
    });
    expect(rig.topics().filter((topic) => topic === 'report.made')).toHaveLength(1);
  });

  it('wakes the receiver of mail once', () => {
    const call = caller();
    rig.verbs.mailSend(call, { to: 'bob', subject: 's', body: 'b' });
    rig.verbs.mailSend(call, { to: 'bob', subject: 's', body: 'b' });
    rig.verbs.mailSend(caller(), { to: 'operator', subject: 's', body: 'b' });
    expect(rig.mail.map(({ agent, message }) => [agent, message.subject])).toEqual([['bob', 's']]);
    expect(rig.mailboxes.unread('agent:bob')).toBe(1);
  });

  it('keeps calls of different instances and callers apart, whatever their numbers', () => {
    const one = rig.verbs.memoryStore(caller({ instance: 'a', sequence: 7 }), { text: 'one' });
    const two = rig.verbs.memoryStore(caller({ instance: 'b', sequence: 7 }), { text: 'two' });
    const three = rig.verbs.memoryStore(clientCaller('x', { instance: 'a', sequence: 7 }), { text: 'three' });
    expect([one, two, three].map((each) => each.memory.text)).toEqual(['one', 'two', 'three']);
    expect(receipts()).toBe(3);
  });

  it('refuses a number that was another tool', () => {
    const call = caller();
    rig.verbs.memoryStore(call, { text: 'x' });
    expect(() => rig.verbs.mailSend(call, { to: 'bob', subject: 's', body: 'b' })).toThrow(
      /aether_memory_store before/,
    );
    expect(rig.mailboxes.unread('agent:bob')).toBe(0);
  });

  it('leaves neither effect, receipt nor event where one part fails', () => {
    rig.store.db.exec(
      "CREATE TRIGGER broken BEFORE INSERT ON calls BEGIN SELECT raise(ABORT, 'no room'); END",
    );
    const call = caller();
    expect(() => rig.verbs.memoryStore(call, { text: 'tea' })).toThrow('no room');
    expect(rig.memory.search('agent:ada', { query: 'tea' }).total).toBe(0);
    expect(rig.topics()).toEqual(['mcp.called']);
    rig.store.db.exec('DROP TRIGGER broken');
    rig.verbs.memoryStore(call, { text: 'tea' });
    expect(rig.memory.search('agent:ada', { query: 'tea' }).total).toBe(1);
  });

  it('drops receipts that have been answered, and those nobody can ask for', () => {
    for (let sequence = 1; sequence <= 10; sequence += 1) {
      rig.verbs.memoryStore(caller({ instance: 'z', sequence, settled: sequence - 3 }), {
        text: `${sequence}`,
      });
    }
    expect(receipts()).toBe(3);
    rig.verbs.memoryStore(caller({ instance: 'y', sequence: 1 }), { text: 'x' });
    clock.advance(23 * 3_600_000);
    expect(rig.verbs.pruneReceipts()).toBe(0);
    clock.advance(2 * 3_600_000);
    expect(rig.verbs.pruneReceipts()).toBe(4);
  });
});

describe('the log', () => {
  it('has every call: reads, changes, refusals, with who and the id of the engine', () => {
    rig.verbs.memorySearch(caller({ toolUseId: 'toolu_1' }), { query: 'x' });
    rig.verbs.agentsList(caller());
    rig.verbs.mailInbox(caller(), {});
    expect(() => rig.verbs.memoryGet(caller(), { key: 'none' })).toThrow();
    expect(() => rig.verbs.mailSend(caller(), { to: 'nobody', subject: 's', body: 'b' })).toThrow();
    const called = rig.events.list({ topics: ['mcp.called'] });
    expect(called.map((event) => [event.data.tool, event.data.ok, event.data.error])).toEqual([
      ['aether_memory_search', true, undefined],
      ['aether_agents_list', true, undefined],
      ['aether_mail_inbox', true, undefined],
      ['aether_memory_get', false, 'memory.unknown'],
      ['aether_mail_send', false, 'mail.recipient'],
    ]);
    expect(called[0]).toMatchObject({
      principal: 'agent:ada',
      agent: 'ada',
      run: 'run_1',
      grade: 'observed',
      data: { toolUseId: 'toolu_1' },
    });
    expect(called[0]!.data.ms).toBeGreaterThanOrEqual(0);
    expect(receipts()).toBe(0);
  });
});

describe('grants', () => {
  it('refuses what is not granted, naming the key to change, and does nothing', () => {
    const call = caller({ grants: ['aether_memory_get'] });
    try {
      rig.verbs.memoryStore(call, { text: 'x' });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'tool.not-granted', who: 'config' });
      expect((error as { next: string }).next).toContain('agents.ada.tools');
    }
    expect(rig.memory.search('agent:ada', { query: '*' }).total).toBe(0);
    expect(rig.topics()).toEqual(['mcp.called']);
  });

  it('holds for every verb', async () => {
    const none = () => caller({ grants: [] });
    const calls = [
      () => rig.verbs.memoryStore(none(), { text: 'x' }),
      () => rig.verbs.memorySearch(none(), { query: 'x' }),
      () => rig.verbs.memoryGet(none(), { key: 'x' }),
      () => rig.verbs.memoryForget(none(), { key: 'x' }),
      () => rig.verbs.mailSend(none(), { to: 'bob', subject: 's', body: 'b' }),
      () => rig.verbs.mailInbox(none(), {}),
      () => rig.verbs.mailAck(none(), { ids: ['x'] }),
      () => rig.verbs.agentsList(none()),
      () => rig.verbs.report(none(), { summary: 's', status: 'done' }),
    ];
    for (const call of calls) expect(call).toThrow(/not granted aether_/);
    await expect(rig.verbs.askOperator(none(), { question: 'x', wait_ms: 0 }, NEVER)).rejects.toThrow(
      /not granted/,
    );
    expect(rig.approvals.list()).toEqual([]);
  });

  it('answers nothing from a receipt once the grant is gone', () => {
    const call = caller();
    rig.verbs.memoryStore(call, { text: 'x' });
    expect(() => rig.verbs.memoryStore({ ...call, grants: [] }, { text: 'x' })).toThrow(/not granted/);
  });
});

describe('who', () => {
  it('says which agent is the caller', () => {
    expect(rig.verbs.agentsList(caller()).agents.map(({ name, you }) => [name, you])).toEqual([
      ['ada', true],
      ['bob', false],
    ]);
    expect(rig.verbs.agentsList(clientCaller('ada')).agents.some((agent) => agent.you)).toBe(false);
  });

  it('gives a client a mailbox once it has called anything', () => {
    const write = () => rig.verbs.mailSend(caller(), { to: 'client:cursor', subject: 's', body: 'b' });
    expect(write).toThrow(/Nobody/);
    rig.verbs.agentsList(clientCaller('cursor'));
    expect(write().message.to).toBe('client:cursor');
    expect(rig.verbs.mailInbox(clientCaller('cursor'), {}).unread).toBe(1);
    expect(rig.mail).toEqual([]);
  });
});

describe('asking the operator', () => {
  const ask = (call: Caller, more: { id?: string; wait_ms?: number; signal?: AbortSignal } = {}) =>
    rig.verbs.askOperator(
      call,
      { question: 'Red or blue?', choices: ['red', 'blue'], wait_ms: 45_000, ...more },
      more.signal ?? NEVER,
    );

  it('returns the answer as soon as there is one', async () => {
    const waiting = ask(caller());
    const [open] = rig.approvals.list();
    expect(open).toMatchObject({
      kind: 'question',
      agent: 'ada',
      title: 'Red or blue?',
      detail: { question: 'Red or blue?', choices: ['red', 'blue'] },
    });
    rig.approvals.answer(open!.id, { text: 'blue' }, 'operator');
    expect(await waiting).toMatchObject({
      state: 'answered',
      answer: { text: 'blue' },
      answeredBy: 'operator',
    });
    expect(rig.topics()).toEqual(['approval.opened', 'approval.answered', 'mcp.called']);
  });

  it('returns it open after the wait, never later than the limit, and goes on under its id', async () => {
    const waiting = ask(caller(), { wait_ms: 10 * 60_000 });
    clock.advance(limits.ask_wait_ms - 1);
    expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits');
    clock.advance(1);
    const pending = await waiting;
    expect(pending.state).toBe('open');
    const again = ask(caller(), { id: pending.id });
    rig.approvals.answer(pending.id, { text: 'red' }, 'operator');
    expect((await again).answer).toEqual({ text: 'red' });
    expect((await ask(caller(), { id: pending.id })).answer).toEqual({ text: 'red' });
    expect(rig.approvals.list({ state: 'all' })).toHaveLength(1);
  });

  it('a repeat of the same call finds its question, in the next host too', async () => {
    const call = caller();
    const gone = new AbortController();
    const first = ask(call, { signal: gone.signal });
    gone.abort('disconnected');
    expect((await first).state).toBe('open');
    await restart();
    const second = ask(call);
    const open = rig.approvals.list();
    expect(open).toHaveLength(1);
    rig.approvals.answer(open[0]!.id, { text: 'red' }, 'operator');
    expect((await second).answer).toEqual({ text: 'red' });
    expect(rig.topics().filter((topic) => topic === 'approval.opened')).toHaveLength(1);
  });

  it('withdraws the question of a call that the client cancelled, but not one it knows the id of', async () => {
    const cancel = new AbortController();
    const first = ask(caller(), { signal: cancel.signal });
    cancel.abort('cancelled');
    expect((await first).state).toBe('withdrawn');
    expect(rig.topics()).toEqual(['approval.opened', 'approval.withdrawn', 'mcp.called']);

    const asked = ask(caller());
    clock.advance(limits.ask_wait_ms);
    const { id } = await asked;
    const later = new AbortController();
    const second = ask(caller(), { id, signal: later.signal });
    later.abort('cancelled');
    expect((await second).state).toBe('open');
  });

  it('nobody reaches the question of another, by id or by a made-up instance', async () => {
    const call = caller({ instance: 'shared', sequence: 1 });
    const gone = new AbortController();
    const asked = ask(call, { signal: gone.signal });
    const { id } = rig.approvals.list()[0]!;
    const bob: Partial<Caller> = { principal: 'agent:bob', agent: 'bob', run: 'run_2' };
    await expect(ask(caller({ ...bob }), { id })).rejects.toThrow(/No question of yours/);
    const own = ask({ ...call, ...bob }, { signal: gone.signal });
    expect(rig.approvals.list()).toHaveLength(2);
    gone.abort('disconnected');
    await Promise.all([asked, own]);
    const permission = rig.approvals.open({
      kind: 'permission',
      agent: 'ada',
      run: 'run_1',
      request: 'r',
      title: 't',
      detail: {},
      otherwise: '',
    });
    await expect(ask(caller(), { id: permission.approval.id })).rejects.toThrow(/No question of yours/);
  });

  it('refuses an empty question and one that is too long', async () => {
    const bad = (question: string) => rig.verbs.askOperator(caller(), { question, wait_ms: 0 }, NEVER);
    await expect(bad(' ')).rejects.toThrow(/1 to 16384/);
    await expect(bad('x'.repeat(20_000))).rejects.toThrow(/20000/);
  });
});

it('refuses a report without a summary or beyond the limit', () => {
  const report = (summary: string, details?: string) => () =>
    rig.verbs.report(caller(), { summary, status: 'done', ...(details === undefined ? {} : { details }) });
  expect(report('  ')).toThrow(/summary/);
  expect(report('x', 'y'.repeat(limits.report_text_bytes_max))).toThrow(/65536/);
  expect(rig.topics().filter((topic) => topic === 'report.made')).toEqual([]);
});

import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Caller } from '../../src/host/api.ts';
import { AetherError } from '../../src/host/errors.ts';
import { limits } from '../../src/host/limits.ts';
import { catalog } from '../../src/mcp-tools/catalog.ts';
import { defineTool, type Tool } from '../../src/mcp-tools/tool.ts';
import { VirtualClock } from '../support/clock.ts';
import { ofTopic } from '../support/events.ts';
import { actor, caller, clientCaller, Rig, tempDir } from './rig.ts';

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

it('writes what a read has shown in the transaction of its row in the log', async () => {
  const { id } = (
    await rig.call('aether_memory_store', clientCaller('writer'), { text: 'tea', scope: 'fleet' })
  ).memory;
  const shown = () =>
    rig.store.db.prepare('SELECT reader, memory FROM memory_shown WHERE reader = ?').all('run_1');
  rig.store.db.exec(
    "CREATE TRIGGER closed BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the log is closed'); END",
  );
  for (const args of [{ id }, { query: 'tea' }]) {
    const tool = 'id' in args ? 'aether_memory_get' : 'aether_memory_search';
    await expect(rig.call(tool, caller(), args)).rejects.toThrow('the log is closed');
    expect(shown()).toEqual([]);
  }
  rig.store.db.exec('DROP TRIGGER closed');
  await rig.call('aether_memory_get', caller(), { id });
  expect(shown()).toEqual([{ reader: 'run_1', memory: id }]);
});

describe('once', () => {
  it('answers a repeat from the receipt, in the same host and in the next', async () => {
    const call = caller();
    const first = await rig.call('aether_memory_store', call, { text: 'tea' });
    expect(await rig.call('aether_memory_store', call, { text: 'tea' })).toEqual(first);
    await restart();
    expect(await rig.call('aether_memory_store', call, { text: 'tea' })).toEqual(first);
    expect(rig.memory.search(actor('agent:ada'), { query: 'tea' }).total).toBe(1);
    expect(rig.topics()).toEqual(['memory.stored', 'mcp.called']);
  });

  it('does every changing verb once', async () => {
    const mail = (await rig.call('aether_mail_send', caller(), { to: 'ada', subject: 's', body: 'b' }))
      .message;
    await rig.call('aether_memory_store', caller(), { text: 'x', key: 'k' });
    const forget = caller();
    expect(await rig.call('aether_memory_forget', forget, { key: 'k' })).toEqual(
      await rig.call('aether_memory_forget', forget, { key: 'k' }),
    );
    const ack = caller();
    expect(await rig.call('aether_mail_ack', ack, { ids: [mail.id] })).toEqual({
      acked: [mail.id],
      already: [],
    });
    expect(await rig.call('aether_mail_ack', ack, { ids: [mail.id] })).toEqual({
      acked: [mail.id],
      already: [],
    });
    const report = caller();
    const { seq } = await rig.call('aether_report', report, { summary: 'done it', status: 'done' });
    expect(await rig.call('aether_report', report, { summary: 'done it', status: 'done' })).toEqual({ seq });
    expect(rig.events.list({}).find((event) => event.seq === seq)).toMatchObject({
      topic: 'report.made',
      grade: 'claimed',
      data: { summary: 'done it', status: 'done' },
    });
    expect(rig.topics().filter((topic) => topic === 'report.made')).toHaveLength(1);
  });

  it('wakes the receiver of mail once', async () => {
    const call = caller();
    await rig.call('aether_mail_send', call, { to: 'bob', subject: 's', body: 'b' });
    await rig.call('aether_mail_send', call, { to: 'bob', subject: 's', body: 'b' });
    await rig.call('aether_mail_send', caller(), { to: 'operator', subject: 's', body: 'b' });
    expect(rig.mail.map(({ agent, message }) => [agent, message.subject])).toEqual([['bob', 's']]);
    expect(rig.mailboxes.unread('agent:bob')).toBe(1);
  });

  it('keeps calls of different instances and callers apart, whatever their numbers', async () => {
    const one = await rig.call('aether_memory_store', caller({ instance: 'a', sequence: 7 }), {
      text: 'one',
    });
    const two = await rig.call('aether_memory_store', caller({ instance: 'b', sequence: 7 }), {
      text: 'two',
    });
    const three = await rig.call('aether_memory_store', clientCaller('x', { instance: 'a', sequence: 7 }), {
      text: 'three',
    });
    expect([one, two, three].map((each) => each.memory.text)).toEqual(['one', 'two', 'three']);
    expect(receipts()).toBe(3);
  });

  it('refuses a number that was another tool', async () => {
    const call = caller();
    await rig.call('aether_memory_store', call, { text: 'x' });
    await expect(rig.call('aether_mail_send', call, { to: 'bob', subject: 's', body: 'b' })).rejects.toThrow(
      /aether_memory_store before/,
    );
    expect(rig.mailboxes.unread('agent:bob')).toBe(0);
  });

  it('leaves neither effect, receipt nor event where one part fails', async () => {
    rig.store.db.exec(
      "CREATE TRIGGER broken BEFORE INSERT ON calls BEGIN SELECT raise(ABORT, 'no room'); END",
    );
    const call = caller();
    await expect(rig.call('aether_memory_store', call, { text: 'tea' })).rejects.toThrow('no room');
    expect(rig.memory.search(actor('agent:ada'), { query: 'tea' }).total).toBe(0);
    expect(rig.topics()).toEqual(['mcp.called']);
    rig.store.db.exec('DROP TRIGGER broken');
    await rig.call('aether_memory_store', call, { text: 'tea' });
    expect(rig.memory.search(actor('agent:ada'), { query: 'tea' }).total).toBe(1);
  });

  it('drops receipts that have been answered', async () => {
    for (let sequence = 1; sequence <= 10; sequence += 1) {
      await rig.call('aether_memory_store', caller({ instance: 'z', sequence, settled: sequence - 3 }), {
        text: `${sequence}`,
      });
    }
    expect(receipts()).toBe(3);
  });
});

describe('the log', () => {
  it('has every call: reads, changes, refusals, with who and the id of the engine', async () => {
    await rig.call('aether_memory_search', caller({ toolUseId: 'toolu_1' }), { query: 'x' });
    await rig.call('aether_agents_list', caller());
    await rig.call('aether_mail_inbox', caller(), {});
    await expect(rig.call('aether_memory_get', caller(), { key: 'none' })).rejects.toThrow();
    await expect(
      rig.call('aether_mail_send', caller(), { to: 'nobody', subject: 's', body: 'b' }),
    ).rejects.toThrow();
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
  it('refuses what is not granted, naming the key to change, and does nothing', async () => {
    const call = caller({ grants: ['aether_memory_get'] });
    await expect(rig.call('aether_memory_store', call, { text: 'x' })).rejects.toMatchObject({
      code: 'tool.not-granted',
      who: 'config',
      next: expect.stringContaining('agents.ada.tools'),
    });
    expect(rig.memory.search(actor('agent:ada'), { query: '*' }).total).toBe(0);
    expect(rig.topics()).toEqual(['mcp.called']);
  });

  it('and authority hold for every tool, and a refusal by either is in the log', async () => {
    for (const { name, examples } of catalog) {
      const [args] = examples;
      await expect(rig.call(name, caller({ grants: [] }), args)).rejects.toThrow(`not granted ${name}`);
    }
    rig.authority = (_caller, tool) => {
      throw new AetherError({ code: 'tool.authority', who: 'agent', message: `not ${tool} now`, next: '' });
    };
    for (const { name, examples } of catalog) {
      await expect(rig.call(name, caller(), examples[0])).rejects.toThrow(`not ${name} now`);
    }
    const codes = ofTopic(rig.events.list({}), 'mcp.called').map(({ data }) => [
      data.tool,
      data.ok,
      data.error,
    ]);
    expect(codes).toEqual([
      ...catalog.map(({ name }) => [name, false, 'tool.not-granted']),
      ...catalog.map(({ name }) => [name, false, 'tool.authority']),
    ]);
    expect(rig.topics()).toHaveLength(2 * catalog.length);
    expect(receipts()).toBe(0);
  });

  it('answers nothing from a receipt once the grant is gone', async () => {
    const call = caller();
    await rig.call('aether_memory_store', call, { text: 'x' });
    await expect(rig.call('aether_memory_store', { ...call, grants: [] }, { text: 'x' })).rejects.toThrow(
      /not granted/,
    );
  });
});

describe('who', () => {
  it('says which agent is the caller', async () => {
    const { agents } = await rig.call('aether_agents_list', caller());
    expect(agents.map(({ name, you }: { name: string; you: boolean }) => [name, you])).toEqual([
      ['ada', true],
      ['bob', false],
    ]);
    const seen = (await rig.call('aether_agents_list', clientCaller('ada'))).agents;
    expect(seen.some((agent: { you: boolean }) => agent.you)).toBe(false);
  });

  it('gives a client a mailbox once it has called anything', async () => {
    const write = () =>
      rig.call('aether_mail_send', caller(), { to: 'client:cursor', subject: 's', body: 'b' });
    await expect(write()).rejects.toThrow(/No agent here/);
    await rig.call('aether_agents_list', clientCaller('cursor'));
    expect((await write()).message.to).toBe('client:cursor');
    expect((await rig.call('aether_mail_inbox', clientCaller('cursor'))).unread).toBe(1);
    expect(rig.mail).toEqual([]);
  });
});

describe('asking the operator', () => {
  const ask = (call: Caller, more: { id?: string; signal?: AbortSignal } = {}) =>
    rig.call(
      'aether_ask_operator',
      call,
      more.id === undefined ? { question: 'Red or blue?', choices: ['red', 'blue'] } : { id: more.id },
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
      status: 'answered',
      answer: 'blue',
      answeredBy: 'operator',
    });
    expect(rig.topics()).toEqual(['approval.opened', 'approval.answered', 'mcp.called']);
  });

  it('returns it open after the wait, never later than the limit, and goes on under its id', async () => {
    const waiting = ask(caller());
    clock.advance(limits.ask_wait_ms - 1);
    expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits');
    clock.advance(1);
    const pending = await waiting;
    expect(pending.status).toBe('pending');
    const again = ask(caller(), { id: pending.id });
    rig.approvals.answer(pending.id, { text: 'red' }, 'operator');
    expect((await again).answer).toBe('red');
    expect((await ask(caller(), { id: pending.id })).answer).toBe('red');
    expect(rig.approvals.list({ state: 'all' })).toHaveLength(1);
  });

  it('a repeat of the same call finds its question, in the next host too', async () => {
    const call = caller();
    const gone = new AbortController();
    const first = ask(call, { signal: gone.signal });
    gone.abort('disconnected');
    expect((await first).status).toBe('pending');
    await restart();
    const second = ask(call);
    const open = rig.approvals.list();
    expect(open).toHaveLength(1);
    rig.approvals.answer(open[0]!.id, { text: 'red' }, 'operator');
    expect((await second).answer).toBe('red');
    expect(rig.topics().filter((topic) => topic === 'approval.opened')).toHaveLength(1);
  });

  it('withdraws the question of a call that the client cancelled, but not one it knows the id of', async () => {
    const cancel = new AbortController();
    const first = ask(caller(), { signal: cancel.signal });
    cancel.abort('cancelled');
    expect((await first).status).toBe('withdrawn');
    expect(rig.topics()).toEqual(['approval.opened', 'approval.withdrawn', 'mcp.called']);

    const asked = ask(caller());
    clock.advance(limits.ask_wait_ms);
    const { id } = await asked;
    const later = new AbortController();
    const second = ask(caller(), { id, signal: later.signal });
    later.abort('cancelled');
    expect((await second).status).toBe('pending');
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
    const bad = (question: string) => rig.call('aether_ask_operator', caller(), { question, waitSeconds: 0 });
    await expect(bad(' ')).rejects.toThrow(/1 to 16384/);
    await expect(bad('x'.repeat(20_000))).rejects.toThrow(/20000/);
  });
});

it('refuses a report without a summary or beyond the limit', async () => {
  const report = (summary: string, details?: string) =>
    rig.call('aether_report', caller(), { summary, status: 'done', details: details ?? null });
  await expect(report('  ')).rejects.toThrow(/summary/);
  await expect(report('x', 'y'.repeat(limits.report_text_bytes_max))).rejects.toThrow(/65536/);
  expect(rig.topics().filter((topic) => topic === 'report.made')).toEqual([]);
});

describe('what a call stands for is told', () => {
  it('mail carries the senders behind it, and reading it is told', async () => {
    rig.senders = () => ['agent:bob'];
    const { message } = await rig.call('aether_mail_send', caller(), { to: 'ada', subject: 's', body: 'b' });
    expect(ofTopic(rig.events.list({}), 'mail.sent')[0]!.data.via).toEqual(['agent:bob']);
    await rig.call('aether_mail_inbox', caller());
    expect(rig.read.map(({ id }) => id)).toEqual([message.id]);
  });

  it('asking is told when it begins and when it ends', async () => {
    const asked = rig.call('aether_ask_operator', caller(), { question: 'q' });
    expect(rig.asking).toHaveLength(1);
    rig.approvals.answer(rig.approvals.list()[0]!.id, { text: 'a' }, 'operator');
    await asked;
    expect(rig.asking).toHaveLength(2);
  });
});

describe('a tool of another kind', () => {
  const annotations = {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  };
  const texts = {
    name: 'aether_probe',
    title: 'Probe',
    description: 'A tool of a test.',
    annotations,
    order: 1,
    input: z.strictObject({}),
    output: z.object({ n: z.int() }),
  };
  const call = (tool: Tool) => tool.call(rig.ledger, caller(), {}, NEVER);

  it('that reads may take its time, and is in the log when it is done or has failed', async () => {
    let done: (result: { n: number }) => void = () => {};
    const slow = call(
      defineTool({
        ...texts,
        kind: 'read',
        effect: () => new Promise<{ n: number }>((resolve) => (done = resolve)),
      }),
    );
    expect(rig.topics()).toEqual([]);
    done({ n: 5 });
    expect(await slow).toEqual({ n: 5 });
    const failing = defineTool({ ...texts, kind: 'read', effect: () => Promise.reject(new Error('x')) });
    await expect(call(failing)).rejects.toThrow('x');
    const called = ofTopic(rig.events.list({}), 'mcp.called').map(({ data }) => data.ok);
    expect(called).toEqual([true, false]);
  });

  it('whose result does not fit its schema has no effect', async () => {
    const wrong = defineTool({
      ...texts,
      kind: 'write',
      effect({ memory }, by) {
        memory.store(by, { text: 'tea' });
        return { n: 0.5 };
      },
    });
    await expect(call(wrong)).rejects.toThrow();
    expect(rig.memory.search(actor('agent:ada'), { query: 'tea' }).total).toBe(0);
    expect(receipts()).toBe(0);
  });
});

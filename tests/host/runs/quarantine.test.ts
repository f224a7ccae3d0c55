/** Whatever an engine prints, its journal is read to the end, the rest is taken, and what was left out is told. */
import fs from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../../src/host/limits.ts';
import { BYTES_MAX } from '../../../src/host/runs/batch.ts';
import { segmentPath } from '../../../src/host/shim/format.ts';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';
import { builtinRuntime } from '../../../src/runtimes/builtin/runtime.ts';
import { claudeCodeRuntime } from '../../../src/runtimes/claude-code/runtime.ts';
import { commandRuntime } from '../../../src/runtimes/command/runtime.ts';
import type { Observer, Runtime } from '../../../src/runtimes/runtime.ts';
import { fixtureRuntime } from '../../support/fixture-runtime.ts';
import { BUILTIN, CLAUDE, hostileLines } from '../../support/hostile-lines.ts';
import { JournalRun } from '../../support/journal-run.ts';

let it: JournalRun;
afterEach(() => it.close());

const builtin = builtinRuntime('0');
const usage = (tokens: unknown, key: string) =>
  JSON.stringify({
    kind: 'usage',
    model: 'm',
    input_tokens: tokens,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cost_usd: null,
    key,
  });
const said = (text: string) => JSON.stringify({ kind: 'message', role: 'assistant', text });
const permission = (requestId: string, input: unknown) =>
  JSON.stringify({ kind: 'permission-asked', requestId, tool: 'shell', input, toolUseId: `t-${requestId}` });
const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;

/** Reads to the end; fails instead of waiting for ever. */
async function read(): Promise<void> {
  await it.run.pump();
  expect(it.run.behind).toBe(false);
  expect(it.run.record.journal_offset).toBe(fs.statSync(segmentPath(it.journal, 0)).size);
}

const texts = () => it.topics('message.assistant').map(({ text }) => text);
const quarantined = () => it.topics('record.quarantined');

describe.each<[string, Runtime, readonly object[], 'pipes' | 'pty']>([
  ['claude-code', claudeCodeRuntime, CLAUDE, 'pipes'],
  ['builtin', builtin, BUILTIN, 'pipes'],
  // Its observer believes everything: the second fence is alone.
  ['a runtime that checks nothing', fixtureRuntime, BUILTIN, 'pipes'],
  ['command', commandRuntime, CLAUDE, 'pty'],
])('%s', (_name, runtime, good, io) => {
  test('every value of every line replaced by every hostile value: the journal is read to its end', {
    timeout: 60_000,
  }, async () => {
    it = new JournalRun(runtime, io);
    const lines = [...hostileLines(good)];
    expect(lines.length).toBeGreaterThan(300);
    it.print(lines);
    it.print(good.map((line) => JSON.stringify(line)));
    it.exit();
    await read();
    expect(it.ended).toEqual([it.run.id]);
    expect(it.table.get(it.run.id)).toMatchObject({ state: 'exited', exit: { code: 0 } });
    const { input_tokens, output_tokens, cost_usd } = it.table.get(it.run.id)!;
    for (const sum of [input_tokens, output_tokens, cost_usd ?? 0]) expect(Number.isFinite(sum)).toBe(true);
    expect(it.events.verify()).toMatchObject({ broken: null });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(quarantined().length).toBeLessThanOrEqual(limits.quarantine_events_max + 4);
    if (io === 'pipes') expect(it.topics('turn.ended').length).toBeGreaterThan(0);
  });
});

test('facts that cannot be stored are left out one by one, and told with where and why', async () => {
  it = new JournalRun(fixtureRuntime);
  const bad = [
    usage('5', 'a'),
    usage(1.5, 'b'),
    usage(null, 'c'),
    usage(-1, 'd'),
    `{"kind":"tool-call","toolUseId":"deep","tool":"shell","input":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    JSON.stringify({ kind: 'tool-call', toolUseId: 'nul\u0000', tool: 'shell', input: {} }),
  ];
  it.print([said('before'), ...bad.flatMap((line, at) => [line, said(`after ${at}`)]), usage(7, 'g')]);
  await read();
  expect(texts()).toEqual(['before', ...bad.map((_, at) => `after ${at}`)]);
  expect(it.run.record.input_tokens).toBe(7);
  const told = quarantined();
  expect(told.map(({ of, count }) => [of, count])).toEqual(bad.map((_, at) => ['fact', at + 1]));
  expect(told.map(({ why }) => why)).toEqual([
    'input_tokens of usage is the text "5" instead of a count',
    'input_tokens of usage is 1.5 instead of a count',
    'input_tokens of usage is null instead of a count',
    'input_tokens of usage is -1 instead of a count',
    'input of tool-call is nested more than 200 deep',
    'toolUseId of tool-call has a control character',
  ]);
  for (const { excerpt, bytes, offset } of told) {
    expect(excerpt).toMatch(/^[\x20-\x7e]{1,210}$/);
    expect(bytes).toBeGreaterThan(10);
    expect(offset).toBe(it.run.record.journal_offset);
  }
});

test('one line of several facts: the good ones of it are taken, its turn ends', async () => {
  it = new JournalRun(claudeCodeRuntime);
  it.print([
    JSON.stringify({
      type: 'result',
      uuid: 'r',
      is_error: false,
      result: 'done',
      model_usage_since_last_result: { m: { inputTokens: '5' }, n: { inputTokens: 3 } },
    }),
  ]);
  await read();
  expect(it.run.record.input_tokens).toBe(3);
  expect(it.topics('turn.ended')).toMatchObject([{ outcome: 'done', text: 'done' }]);
  expect(quarantined()).toMatchObject([{ of: 'fact', count: 1 }]);
});

test('halves of characters do not enter the store', async () => {
  it = new JournalRun(fixtureRuntime);
  it.print([
    '{"kind":"message","role":"assistant","text":"a\\ud83d"}',
    '{"kind":"tool-call","toolUseId":"t","tool":"shell","input":{"\\udc00k":["\\ud83d"]}}',
  ]);
  await read();
  expect(texts()).toEqual(['a\ufffd']);
  expect(it.topics('tool.called')).toMatchObject([{ input: { '\ufffdk': ['\ufffd'] } }]);
});

test('a question too many is refused instead of waited for, and so is one that cannot be read', async () => {
  it = new JournalRun(fixtureRuntime);
  const open = Array.from({ length: limits.approvals_open_per_agent_max + 1 }, (_, at) =>
    permission(`p${at}`, { command: 'ls' }),
  );
  it.print([...open, permission('deep', nested(500)), said('after')]);
  await read();
  expect(texts()).toEqual(['after']);
  expect(it.approvals.countOpen('a')).toBe(limits.approvals_open_per_agent_max);
  const refused = it.approvals
    .list({ state: 'all' })
    .filter(({ state }) => state === 'answered')
    .sort((one, other) => String(other.detail.requestId).localeCompare(String(one.detail.requestId)));
  expect(
    refused.map(({ detail, answer, answeredBy }) => [detail.requestId, answer?.allow, answeredBy]),
  ).toEqual([
    [`p${limits.approvals_open_per_agent_max}`, false, 'host'],
    ['deep', false, 'host'],
  ]);
  expect(refused[0]!.answer?.text).toMatch(/Not run: too many questions already wait/);
  expect(refused[1]!.answer?.text).toMatch(/Not run: .*nested more than 200 deep/);
});

test('a tool call at the gate that cannot be read is answered "no"', async () => {
  it = new JournalRun(fixtureRuntime);
  const asks = { kind: 'gate-asked', requestId: 'g', tool: 'shell', toolUseId: 't', input: nested(500) };
  it.print([JSON.stringify(asks)]);
  await read();
  expect(it.run.record.gate.waiting).toMatchObject([{ requestId: 'g', verdict: 'deny' }]);
});

test('beyond a number of them only the count goes on', async () => {
  it = new JournalRun(fixtureRuntime);
  it.print(Array.from({ length: 1_000 }, (_, at) => usage('5', `k${at}`)));
  await read();
  const told = quarantined().map(({ count }) => count);
  expect(told).toEqual([
    ...Array.from({ length: limits.quarantine_events_max }, (_, at) => at + 1),
    100,
    1_000,
  ]);
  expect(it.table.get(it.run.id)!.floor.leftOut).toBe(1_000);
});

test('an observer that throws, answers nonsense or keeps what cannot be stored costs its line only', async () => {
  const answers: Record<string, () => unknown> = {
    throws: () => {
      throw new Error('no such shape');
    },
    nothing: () => undefined,
    list: () => ({ state: { session: null }, events: 5 }),
    circle: () => {
      const state: Record<string, unknown> = { session: null };
      state.self = state;
      return { state, events: [] };
    },
    big: () => ({ state: { session: null, n: 1n }, events: [] }),
  };
  const line: Observer['line'] = (state, source, text) =>
    Object.hasOwn(answers, text)
      ? (answers[text]!() as ReturnType<Observer['line']>)
      : fixtureRuntime.observer.line(state, source, text);
  it = new JournalRun({ ...fixtureRuntime, observer: { ...fixtureRuntime.observer, line } });
  it.print([...Object.keys(answers).flatMap((name) => [name, said(`after ${name}`)])]);
  await read();
  expect(texts()).toEqual(Object.keys(answers).map((name) => `after ${name}`));
  expect(quarantined()).toHaveLength(Object.keys(answers).length);
});

test('a record of the shim that cannot be read is left out', async () => {
  it = new JournalRun(fixtureRuntime);
  it.append(RecordType.resized, 'no JSON \u001b[2J');
  it.append(RecordType.swap, 'null');
  it.append(RecordType.in, '5\nbytes');
  it.append(99 as RecordType, 'of a later version');
  it.print([said('after')]);
  it.exit();
  await read();
  expect(texts()).toEqual(['after']);
  expect(quarantined()[0]).toMatchObject({ of: 'record', excerpt: 'no JSON \\u001b[2J' });
  expect(it.ended).toEqual([it.run.id]);
});

test('what an earlier host had not taken is taken by the next one as well', async () => {
  it = new JournalRun(fixtureRuntime);
  it.print([usage('5', 'a'), said('one')]);
  await it.run.pump();
  expect(it.table.get(it.run.id)!.floor.leftOut).toBe(1);
  it.print([usage('5', 'b'), said('two')]);
  await read();
  expect(texts()).toEqual(['one', 'two']);
  expect(quarantined().map(({ count }) => count)).toEqual([1, 2]);
});

test('lines of a transcript that cannot be taken are left out, and it is read on', () => {
  it = new JournalRun(fixtureRuntime);
  const at = { path: 't', offset: 10 };
  const read = (state: Parameters<Observer['line']>[0], text: string) => {
    const { role, text: spoken, key } = JSON.parse(text) as never;
    return { state, events: [{ kind: 'message', role, text: spoken, key } as never] };
  };
  const lines = [
    '{"role":"user","text":"one","key":"1"}',
    'not JSON',
    '{"role":"user","text":5,"key":"2"}',
    'null',
    '{"role":"user","text":"two","key":"3"}',
  ];
  it.run.observeTranscript(lines, read, at);
  expect(it.topics('message.user').map(({ text }) => text)).toEqual(['one', 'two']);
  expect(quarantined().map(({ of }) => of)).toEqual(['transcript', 'fact', 'transcript']);
  expect(it.table.get(it.run.id)!.floor.tail).toEqual(at);
});

test('lines that are no protocol are told up to a number of each piece, then counted', async () => {
  it = new JournalRun(claudeCodeRuntime);
  it.print(Array.from({ length: 20_000 }, () => 'a'));
  it.print([
    JSON.stringify({
      type: 'assistant',
      uuid: 'u',
      parent_tool_use_id: null,
      message: { content: [{ type: 'text', text: 'on' }] },
    }),
  ]);
  await read();
  const notes = it.topics('engine.note').map(({ text }) => String(text));
  expect(notes).toHaveLength(limits.notes_per_record_max + 1);
  expect(notes.at(-1)).toBe('19900 further lines of this kind were left out; they are in the journal.');
  expect(texts()).toEqual(['on']);
});

test('others are served while lines that cost much are read', async () => {
  it = new JournalRun(claudeCodeRuntime);
  it.print(
    Array.from({ length: 1_500 }, (_, at) =>
      JSON.stringify({
        type: 'assistant',
        uuid: `a${at}`,
        message: { content: [{ type: 'tool_use', id: `t${at}`, name: 'Bash', input: { command: 'ls' } }] },
      }),
    ),
    16 * 1024,
  );
  let longest_ms = 0;
  let last = performance.now();
  const began = last;
  const watch = setInterval(() => {
    longest_ms = Math.max(longest_ms, performance.now() - last);
    last = performance.now();
  }, 1);
  await read();
  clearInterval(watch);
  // A part of the whole, because the machine may be slow.
  expect(longest_ms).toBeLessThan((performance.now() - began) / 2);
});

test('three that flood at once: in a turn of the loop one of them is read, and no more of it than a batch', {
  timeout: 60_000,
}, async () => {
  const record_bytes = 64 * 1024;
  const huge = (uuid: string, text: string) =>
    JSON.stringify({
      type: 'assistant',
      uuid,
      parent_tool_use_id: null,
      message: { content: [{ type: 'text', text }] },
    });
  it = new JournalRun(claudeCodeRuntime);
  it.print([huge('a', '🚀'.repeat(5 * 1024 * 1024)), huge('b', 'behind')], record_bytes);
  const endless = new JournalRun(fixtureRuntime);
  endless.print(['x'.repeat(limits.engine_line_bytes_max + 1024 * 1024), said('behind')], record_bytes);
  const screen = new JournalRun(commandRuntime, 'pty');
  screen.print(
    Array.from({ length: 200 }, () => '\x1b[2J\x1b]0;title\x07\x1bP1$r\x1b\\🚀'.repeat(4_000)),
    record_bytes,
  );
  const all = [it, endless, screen];
  try {
    const offsets = () => all.map(({ run }) => run.record.journal_offset);
    let [before, reading, turns] = [offsets(), true, 0];
    const look = () => {
      const now = offsets();
      const read = now.map((offset, at) => offset - before[at]!);
      before = now;
      // The first batches of all begin with the calls below, in no turn.
      if (turns > 0) expect(read.filter((bytes) => bytes > 0).length).toBeLessThanOrEqual(1);
      expect(Math.max(...read)).toBeLessThanOrEqual(BYTES_MAX + record_bytes);
      turns += 1;
      if (reading) setImmediate(look);
    };
    const done = Promise.all(all.map(({ run }) => run.pump()));
    setImmediate(look);
    await done;
    reading = false;
    expect(turns).toBeGreaterThan(100);
    const [first, second] = it.topics('message.assistant').map(({ text }) => String(text));
    expect(first).toMatch(/^🚀{1000,}\n… \d{8} more bytes of this text are in the journal of the run$/u);
    expect(second).toBe('behind');
    expect(endless.topics('message.assistant')).toMatchObject([{ text: 'behind' }]);
    expect(endless.topics('record.quarantined')).toMatchObject([{ of: 'line', count: 1 }]);
  } finally {
    endless.close();
    screen.close();
  }
});

test('a call of which a part was left out is not asked about: it is refused', async () => {
  it = new JournalRun(fixtureRuntime);
  it.print([permission('large', { command: `rm -rf / # ${'x'.repeat(2 * 1024 * 1024)}` }), said('after')]);
  await read();
  expect(texts()).toEqual(['after']);
  expect(it.approvals.list({ state: 'open' })).toEqual([]);
  expect(it.approvals.list({ state: 'all' })).toMatchObject([
    { state: 'answered', answeredBy: 'host', answer: { allow: false }, detail: { requestId: 'large' } },
  ]);
});

/** The parts of the page that are plain functions: reading events, diffs, Markdown, tool lines. */
import { describe, expect, it } from 'vitest';
import type { EventView } from '../../src/console/console-protocol.ts';
import { parseMarkdown } from '../../src/console/web/live/markdown.ts';
import { mayBeTakenBack, stagesOf } from '../../src/console/web/live/receipt.ts';
import { ITEMS_MAX, Transcript } from '../../src/console/web/live/transcript.ts';
import { filterOf, readAsked, writeAsked } from '../../src/console/web/memory/asked.ts';
import { countChanges, diffLines } from '../../src/host/shown/diff.ts';
import { plainName, showInput, toolLine } from '../../src/host/shown/tool-line.ts';

let seq = 0;
function event(topic: string, data: Record<string, unknown> = {}): EventView {
  seq += 1;
  return {
    seq,
    id: `id-${seq}`,
    cursor: `cursor-${seq}`,
    at_ms: seq * 1_000,
    topic,
    agent: 'coder',
    run: 'run_1',
    principal: 'agent:coder',
    grade: 'observed',
    data,
  } as EventView;
}

function read(...events: EventView[]): Transcript {
  const transcript = new Transcript();
  transcript.add(events);
  return transcript;
}

describe('a transcript', () => {
  it('joins results to calls, receipts to messages, answers to questions', () => {
    const { items } = read(
      event('tool.called', { toolUseId: 'a', tool: 'Bash', input: { command: 'ls' } }),
      event('inject.queued', { inject: 'i', text: 'hello', priority: 'next' }),
      event('approval.opened', {
        approval: 'q',
        kind: 'permission',
        title: 'Bash',
        detail: { tool: 'Bash' },
      }),
      event('tool.finished', { toolUseId: 'a', text: 'README.md', isError: false }),
      event('inject.delivered', { inject: 'i', evidence: 'frame 3' }),
      event('message.user', { injectId: 'i', text: 'hello' }),
      event('inject.seen', { inject: 'i', evidence: 'lifecycle' }),
      event('approval.answered', { approval: 'q', answer: { allow: true }, by: 'operator' }),
    );
    expect(items).toMatchObject([
      { kind: 'tool', result: { text: 'README.md', isError: false } },
      { kind: 'told', text: 'hello', receipt: { stage: 'seen', steps: [{}, { evidence: 'frame 3' }, {}] } },
      { kind: 'approval', state: 'answered', answer: { allow: true }, by: 'operator' },
    ]);
  });

  it('puts a deed into the line of the call that did it, whichever engine named it', () => {
    const mail = { from: 'agent:coder', to: 'agent:reviewer', subject: 's', body: 'b' };
    const { items } = read(
      event('tool.called', { toolUseId: 'a', tool: 'mcp__aether__aether_mail_send', input: {} }),
      event('mail.sent', { message: mail }),
      event('tool.called', { toolUseId: 'b', tool: 'aether__aether_report', input: {} }),
      event('tool.finished', { toolUseId: 'b', text: '{}', isError: false }),
      event('report.made', { summary: 'done', status: 'done' }),
      event('memory.stored', { memory: { text: 'alone', tags: [] } }),
    );
    expect(items).toMatchObject([
      { kind: 'tool', deed: { kind: 'mail', subject: 's' } },
      { kind: 'tool', deed: { kind: 'report', summary: 'done' } },
      { kind: 'deed', deed: { kind: 'memory', text: 'alone' } },
    ]);
  });

  it('puts what people said of a deed beside it, and tells of it where the deed is not on the page', () => {
    const call = event('tool.called', { toolUseId: 'a', tool: 'Read', input: {} });
    const { items } = read(
      call,
      event('process.started'),
      event('message.user', { text: 'go on' }),
      event('feedback.given', { thumb: 'up', event: call.seq }),
      event('feedback.given', { thumb: 'down', event: call.seq, kept: 'm1' }),
      event('feedback.given', { thumb: 'up', event: 99_999 }),
      event('feedback.given', { thumb: 'up', memory: 'm2' }),
    );
    expect(items.map(({ kind, act, judged }) => [kind, act, judged])).toEqual([
      ['tool', 'this call', { thumb: 'down', by: 'agent:coder', kept: 'm1' }],
      ['told', null, null],
      ['note', null, null],
      ['note', null, null],
    ]);
  });

  it('says what the host did in a sentence, never as a topic', () => {
    const { items } = read(
      event('authority.narrowed', { sender: 'agent:scout', by: 'mail' }),
      event('gate.bypassed', { toolUseId: 't' }),
    );
    expect(items).toMatchObject([
      { kind: 'note', text: expect.stringContaining('it follows mail from scout') },
      { kind: 'note', level: 'warn' },
    ]);
  });

  it('draws a rule where somebody stopped it, and says how long that was', () => {
    const { items } = read(
      event('hold.requested'),
      event('hold.held', { evidence: 'no turn runs' }),
      event('hold.ended', { why: 'resumed', held_ms: 200_000 }),
      event('hold.requested'),
      event('hold.ended', { why: 'resumed', held_ms: 0 }),
      event('run.paused', { by: 'operator', processes: 3, means: 'cgroup2', ticks: 0, sample_ms: 100 }),
      event('run.resumed', { reason: 'resume', paused_ms: 3_000 }),
      event('run.stuck', { action: 'interrupt', evidence: 'there was no progress for 3 min' }),
      event('run.moves', { after_ms: 180_000 }),
      event('lease.held', { holder: 'ann', generation: 1 }),
      event('lease.returned', { holder: 'ann', note: 'done', diff: ['a.ts'], held_ms: 4_500_000 }),
    );
    expect(items.map((item) => (item.kind === 'rule' ? [item.text, item.note] : item.kind))).toEqual([
      ['agent:coder asked to hold it at the next boundary', null],
      ['Held', 'no turn runs'],
      ['Resumed after 3 min held', null],
      ['agent:coder asked to hold it at the next boundary', null],
      ['The hold was cancelled before it took effect', null],
      ['Paused by operator', 'All 3 processes are frozen (cgroup2); 0 CPU ticks in 100 ms'],
      ['Resumed after 3 s paused', null],
      ['Stuck: the watchdog interrupts the turn', 'there was no progress for 3 min'],
      ['It makes progress again after 3 min', null],
      ['ann took over', null],
      ['ann handed back after 1 h 15 min', 'done'],
    ]);
  });

  it('says how long a run lasted and how long there was none, as far as the page goes back', () => {
    const at = (at_ms: number, topic: string, data = {}) => ({ ...event(topic, data), at_ms });
    const { items } = read(
      at(5_000, 'run.lost', { why: 'its shim is gone', killed: 1, certainty: 'exact' }),
      at(9_000, 'run.starting'),
      at(69_000, 'run.exited', { code: 1, signal: null, cause: 'exited' }),
      at(70_000, 'run.starting', { automatic: true }),
    );
    expect(items).toMatchObject([
      {
        tone: 'failed',
        text: 'The run was lost: its supervisor is gone',
        note: 'its shim is gone; one of its processes was killed, exact',
      },
      { text: 'Run started, 4 s after the last one ended' },
      { tone: 'failed', text: 'Run exited with code 1 after 60 s' },
      { text: 'Run started again by itself, 1 s after the last one ended' },
    ]);
  });

  it('shows what it does not know, and keeps what is told elsewhere quiet', () => {
    const { items } = read(
      event('activity.changed'),
      event('usage.recorded'),
      event('mcp.called'),
      event('mcp.status', { servers: [{ name: 'aether', status: 'connected' }] }),
      event('something.new', { n: 1 }),
    );
    expect(items).toMatchObject([{ kind: 'other', topic: 'something.new', data: { n: 1 } }]);
  });

  it('survives data of any form', () => {
    const topics = [
      ...[
        'message.user',
        'message.assistant',
        'tool.called',
        'tool.finished',
        'approval.opened',
        'mcp.status',
      ],
      ...['approval.answered', 'inject.queued', 'inject.seen', 'mail.sent', 'memory.stored', 'report.made'],
      ...[
        'run.exited',
        'run.lost',
        'agent.failed',
        'lease.held',
        'lease.returned',
        'turn.ended',
        'engine.note',
      ],
    ];
    const odd = [undefined, null, 0, [], {}, [null], { a: { b: [] } }, 'text'];
    const keys = [
      'text',
      'toolUseId',
      'tool',
      'input',
      'approval',
      'detail',
      'servers',
      'inject',
      'message',
      'diff',
    ];
    for (const topic of topics) {
      for (const value of odd) {
        const data = Object.fromEntries(keys.map((key) => [key, value]));
        for (const item of read(event(topic, data)).items) {
          if (item.kind === 'tool') toolLine(item.tool, item.input);
          if (item.kind === 'said' || item.kind === 'told') parseMarkdown(item.text);
        }
      }
    }
  });

  it('reads an event once, replaces what changed and nothing else', () => {
    const first = event('message.assistant', { text: 'one' });
    const call = event('tool.called', { toolUseId: 'x', tool: 'Read', input: {} });
    const transcript = read(first, call);
    const before = transcript.items;
    transcript.add([first, call]);
    expect(transcript.items).toBe(before);
    transcript.add([event('tool.finished', { toolUseId: 'x', text: 'ok' })]);
    expect(transcript.items).not.toBe(before);
    expect(transcript.items[0]).toBe(before[0]);
    expect(transcript.items[1]).not.toBe(before[1]);
  });

  it('grows backwards and is trimmed from the top', () => {
    const events = Array.from({ length: ITEMS_MAX + 50 }, (_, n) =>
      event('message.assistant', { text: `${n}` }),
    );
    const transcript = read(...events.slice(100));
    transcript.addEarlier(events.slice(0, 100));
    expect(transcript.items.map((item) => item.kind === 'said' && item.text)).toEqual(
      events.map((_, n) => `${n}`),
    );
    expect(transcript.first).toBe(events[0]!.cursor);
    expect(transcript.trim()).toBe(true);
    expect(transcript.items.length).toBeLessThan(ITEMS_MAX);
    expect(transcript.first).toBe(transcript.items[0]!.cursor);
    expect(transcript.last).toBe(events.at(-1)!.cursor);
  });
});

describe('what a list of memories is narrowed by', () => {
  it('stands in the address as it was asked, and nothing else is read from there', () => {
    const asked = {
      ...readAsked(''),
      query: 'a & b?',
      scope: 'branch:1:x/y',
      state: 'stale',
      pinned: true,
    } as const;
    expect(readAsked(writeAsked(asked))).toEqual(asked);
    expect(writeAsked(readAsked('state=odd&layer=&q=%20&other=1'))).toBe('');
    expect(filterOf(asked, null)).toEqual({
      query: 'a & b?',
      scope: 'branch:1:x/y',
      state: 'stale',
      pinned: true,
    });
    expect(filterOf(readAsked(''), 'coder')).toEqual({ scope: 'agent:coder' });
    expect(filterOf(readAsked('author=agent:coder'), 'coder')).toEqual({ author: 'agent:coder' });
  });
});

describe('a diff', () => {
  it('tells what changed with a little around it', () => {
    const before = ['a', 'b', 'c', 'd', 'old', 'e', 'f', 'g', 'h'].join('\n');
    const lines = diffLines(before, before.replace('old', 'new\nmore'));
    expect(lines.map(({ sign, text }) => sign + text)).toEqual([
      ...[' b', ' c', ' d', '-old', '+new', '+more', ' e', ' f', ' g'],
    ]);
    expect(countChanges(lines)).toEqual({ added: 2, removed: 1 });
  });

  it('folds long unchanged stretches between changes, and a new file is all added', () => {
    const middle = Array.from({ length: 20 }, (_, n) => `line ${n}`);
    const lines = diffLines(['x', ...middle, 'y'].join('\n'), ['X', ...middle, 'Y'].join('\n'));
    expect(lines.filter((line) => line.sign === '…')).toEqual([{ sign: '…', text: '14 unchanged lines' }]);
    expect(diffLines('', 'a\nb\n').map((line) => line.sign)).toEqual(['+', '+']);
    expect(diffLines('same', 'same').some((line) => line.sign !== ' ')).toBe(false);
  });

  it('of two large unlike texts takes no time to speak of', () => {
    const text = (word: string): string =>
      Array.from({ length: 20_000 }, (_, n) => `${word} ${n}`).join('\n');
    const begun = performance.now();
    expect(countChanges(diffLines(text('a'), text('b')))).toEqual({ added: 20_000, removed: 20_000 });
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe('Markdown', () => {
  it('knows what agents use', () => {
    const source =
      '# Title\n\nA **bold *and*** `code` _em_ [link](https://a.example/b).\n\n- one\n- two\n  1. deep\n\n> quote\n\n```ts\nlet x;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---';
    expect(parseMarkdown(source).map((block) => block.kind)).toEqual([
      ...['heading', 'paragraph', 'list', 'quote', 'code', 'table', 'rule'],
    ]);
  });

  it('leaves HTML, odd links and half marks as text', () => {
    const paragraph = (source: string): string => JSON.stringify(parseMarkdown(source));
    expect(paragraph('<b onclick=x>hi</b>')).toContain('"text":"<b onclick=x>hi</b>"');
    for (const href of [
      'javascript:alert(1)',
      'data:text/html,x',
      '/api/verbs/agents',
      '//evil.example',
      'vbscript:x',
    ]) {
      expect(paragraph(`[x](${href})`)).not.toContain('"link"');
    }
    expect(paragraph('snake_case_name and 2 * 3 * 4 and a ** b')).not.toMatch(/"em"|"strong"/);
    expect(paragraph('`open and **open')).not.toMatch(/"code"|"strong"/);
  });

  it('takes time in proportion, whatever an agent writes', () => {
    const size = 60_000;
    const pieces = [
      '`',
      '*a ',
      '**a',
      '_a_b',
      '[',
      'h',
      '`a``b```c',
      '> ',
      '- ',
      ' ',
      '# ',
      '[a](',
      '~~a ',
      '| ',
      '1. ',
      '***',
    ];
    for (const piece of pieces) {
      const begun = performance.now();
      parseMarkdown(piece.repeat(size / piece.length));
      parseMarkdown(`${piece}\n`.repeat(size / (piece.length + 1)));
      expect(performance.now() - begun, piece).toBeLessThan(1_500);
    }
  });
});

describe('a tool line', () => {
  it('says what is done to what', () => {
    const says = (tool: string, input: unknown): string => {
      const line = toolLine(tool, input);
      return `${line.name} ${line.target}`;
    };
    expect(says('Bash', { command: 'npm test\nnpm run lint' })).toBe('Bash npm test');
    expect(says('Read', { file_path: '/a/b.ts' })).toBe('Read /a/b.ts');
    expect(says('mcp__aether__aether_memory_search', { query: 'keys' })).toBe('Recall keys');
    expect(says('aether_mail_send', { to: 'bob', subject: 'hi' })).toBe('Mail to bob: hi');
    expect(says('aether_ask_operator', { question: 'Which?\nThe red one?' })).toBe('Ask Which?');
    expect(says('aether_ask_operator', { id: 'apr_1' })).toBe('Ask still waits for the answer');
    expect(says('mcp__github__create_issue', { title: 'Broken' })).toBe('github: create_issue Broken');
    expect(says('Unknown', null)).toBe('Unknown ');
  });

  it('draws the tools of an engine that names them in its own way, and hides no argument', () => {
    expect(toolLine('exec', { command: 'npm test', workdir: '/srv' })).toMatchObject({
      target: 'npm test',
      body: { kind: 'shell', text: 'npm test' },
      rest: { workdir: '/srv' },
    });
    const edit = { oldText: 'a', newText: 'b' };
    for (const input of [edit, { edits: [edit] }]) {
      const line = toolLine('edit', { path: 'x.ts', ...input });
      expect(line).toMatchObject({ target: 'x.ts', rest: {} });
      expect(line.diff).toEqual(toolLine('Edit', { path: 'x.ts', old_string: 'a', new_string: 'b' }).diff);
    }
    const both = { ...edit, old_string: 'a', new_string: 'harmless' };
    expect(toolLine('edit', { path: 'x.ts', ...both }).rest).toEqual(edit);
    expect(toolLine('edit', { path: 'x.ts', edits: [both] }).rest).toEqual({ edits: [both] });
    const patch = '*** Begin Patch\n*** Update File: a.ts\n@@\n-x\n+y\n*** Delete File: b.ts\n*** End Patch';
    expect(toolLine('apply_patch', { input: patch })).toMatchObject({
      target: 'a.ts, b.ts',
      body: { kind: 'text', text: patch },
      rest: {},
    });
  });

  it('keeps the names of other servers, and shows arguments whole', () => {
    expect(plainName('mcp__a__b__c')).toBe('a: b__c');
    expect(showInput({ a: 'x\ny', b: [1] })).toBe('a:\n  x\n  y\nb:\n  [\n    1\n  ]');
  });
});

describe('a receipt', () => {
  const step = (stage: string, at_ms: number) => ({ stage, at_ms, evidence: `how ${stage}` });
  const stages = (steps: ReturnType<typeof step>[], farthest: 'delivered' | 'acted' = 'acted') =>
    stagesOf({ inject: 'i', priority: 'next', stage: steps.at(-1)!.stage, steps }, farthest).map(
      ({ word, state }) => `${word} ${state}`,
    );

  it('names what is proven, what that implies, and what is not known yet', () => {
    expect(stages([step('queued', 1)])).toEqual([
      'queued proven',
      'delivered ahead',
      'seen ahead',
      'acted on ahead',
    ]);
    expect(stages([step('queued', 1), step('delivered', 2), step('acted', 3)])).toEqual([
      'queued proven',
      'delivered proven',
      'seen passed',
      'acted on proven',
    ]);
    expect(stages([step('queued', 1), step('delivered', 2)], 'delivered')).toEqual([
      'queued proven',
      'delivered proven',
    ]);
  });

  it('ends where a message was taken back or its fate is not known', () => {
    expect(stages([step('queued', 1), step('cancelled', 2)])).toEqual(['queued proven', 'taken back proven']);
    expect(stages([step('queued', 1), step('delivered', 2), step('unknown', 3)])).toEqual([
      'queued proven',
      'delivered proven',
      'fate unknown bad',
    ]);
  });

  it('is asked back only while nobody is known to have read it', () => {
    expect(mayBeTakenBack({ stage: 'queued' }, 'delivered')).toBe(true);
    expect(mayBeTakenBack({ stage: 'delivered' }, 'acted')).toBe(true);
    expect(mayBeTakenBack({ stage: 'delivered' }, 'delivered')).toBe(false);
    expect(mayBeTakenBack({ stage: 'seen' }, 'acted')).toBe(false);
  });
});

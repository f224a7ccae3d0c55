/** Tool calls at the gate, and the receipts of messages: decisions that need no gateway. */
import { describe, expect, test } from 'vitest';
import { Asks } from '../../../src/runtimes/openclaw/driver/asks.ts';
import type { ObservedEvent, PermissionSpec } from '../../../src/runtimes/openclaw/driver/driver-protocol.ts';
import { Receipts } from '../../../src/runtimes/openclaw/driver/receipts.ts';

const OWN = 'agent:main:aether-r_1';

function gate(permissions: Partial<PermissionSpec> = {}) {
  const events: ObservedEvent[] = [];
  const answers: [string, string | null][] = [];
  const aborted: (string | null)[] = [];
  const asks = new Asks(
    { mode: 'ask', allow: [], deny: [], ...permissions },
    { own: OWN, workspace: '/work' },
    {
      emit: (event) => events.push(event),
      answer: (id, refusal) => answers.push([id, refusal]),
      abort: async (key) => {
        aborted.push(key);
      },
      waiting: () => {},
    },
  );
  const ask = (id: string, tool: string, input: unknown, sessionKey = OWN) =>
    asks.asked({ type: 'ask', id, tool, input, toolUseId: `use-${id}`, sessionKey });
  const judge = (
    requestId: string,
    verdict: 'pass' | 'allow' | 'deny' | 'stop',
    message: string | null = null,
  ) => asks.judged({ type: 'gate', requestId, verdict, message });
  return { asks, ask, judge, events, answers, aborted };
}

describe('a call at the gate', () => {
  test.each<[string, Partial<PermissionSpec>, string, unknown, 'runs' | 'refused' | 'asks']>([
    ['a command, where everything is asked', {}, 'exec', { command: 'ls' }, 'asks'],
    ['a command that a rule allows', { allow: ['exec(git *)'] }, 'exec', { command: 'git log' }, 'runs'],
    ['more than the rule', { allow: ['exec(git *)'] }, 'exec', { command: 'git log; rm x' }, 'asks'],
    ['where everything is allowed', { mode: 'allow' }, 'exec', { command: 'ls' }, 'runs'],
    ['a tool that a rule denies', { mode: 'allow', deny: ['exec'] }, 'exec', { command: 'ls' }, 'refused'],
    ['where everything is denied', { mode: 'deny' }, 'write', { path: 'a' }, 'refused'],
    ['a look in the workspace', {}, 'read', { path: 'src/a' }, 'runs'],
    ['a look elsewhere', {}, 'read', { path: '/etc/passwd' }, 'asks'],
    ['an aether tool', { mode: 'deny' }, 'aether__aether_report', {}, 'runs'],
  ])('passes to the rules: %s', (_name, permissions, tool, input, outcome) => {
    const { ask, judge, events, answers } = gate(permissions);
    ask('1', tool, input);
    expect(events).toMatchObject([{ kind: 'gate-asked', requestId: '1', toolUseId: 'use-1' }]);
    expect(answers).toEqual([]);
    judge('1', 'pass');
    if (outcome === 'asks') expect([events[1]?.kind, answers]).toEqual(['permission-asked', []]);
    else expect(answers).toEqual([['1', outcome === 'runs' ? null : expect.stringContaining('permissions')]]);
  });

  test('that a person allowed runs, unless a rule denies it', () => {
    const open = gate();
    open.ask('1', 'exec', { command: 'ls' });
    open.judge('1', 'allow');
    expect(open.answers).toEqual([['1', null]]);
    const closed = gate({ deny: ['exec'] });
    closed.ask('1', 'exec', { command: 'ls' });
    closed.judge('1', 'allow');
    expect(closed.answers[0]![1]).toContain('permissions');
  });

  test('is answered once: a second answer, a late one and one to the other stage open nothing', () => {
    const { asks, ask, judge, answers } = gate();
    ask('1', 'exec', { command: 'ls' });
    asks.permitted({ type: 'permission', requestId: '1', allow: true, message: null });
    expect(answers).toEqual([]);
    judge('1', 'pass');
    judge('1', 'allow');
    expect(answers).toEqual([]);
    asks.permitted({ type: 'permission', requestId: '1', allow: false, message: 'no' });
    asks.permitted({ type: 'permission', requestId: '1', allow: true, message: null });
    expect(answers).toEqual([['1', 'no']]);
    ask('2', 'exec', { command: 'ls' });
    asks.left('2');
    judge('2', 'allow');
    expect(answers).toHaveLength(1);
  });

  test('that is to stop ends its turn before it is refused; one of a subagent names it', async () => {
    const { ask, judge, events, answers, aborted } = gate();
    ask('1', 'exec', { command: 'ls' }, 'agent:main:subagent:x');
    expect(events[0]).toMatchObject({ subagent: 'agent:main:subagent:x' });
    judge('1', 'stop', 'held');
    expect([aborted, answers]).toEqual([['agent:main:subagent:x'], []]);
    await Promise.resolve();
    expect(answers).toEqual([['1', 'held']]);
  });

  test('leaves the gate when its turn is interrupted; one of a subagent stays', () => {
    const { asks, ask, judge, events, answers } = gate();
    ask('1', 'exec', { command: 'ls' }, OWN);
    judge('1', 'pass');
    ask('2', 'exec', { command: 'ls' }, 'agent:main:subagent:x');
    asks.interrupted();
    expect(events.slice(-2).map(({ kind }) => kind)).toContain('permission-withdrawn');
    expect(answers).toEqual([['1', expect.stringContaining('interrupted')]]);
    judge('2', 'deny', 'no');
    expect(answers).toHaveLength(2);
  });

  test('is refused when no host is left, and beyond so many at once', () => {
    const { asks, ask, answers } = gate();
    for (let n = 0; n < 201; n += 1) ask(String(n), 'exec', {});
    expect(answers).toEqual([['200', expect.stringContaining('200 calls')]]);
    asks.refuseAll('over');
    expect(answers).toHaveLength(201);
  });
});

describe('a message', () => {
  const stages = (act: (receipts: Receipts) => void): string[] => {
    const told: string[] = [];
    act(new Receipts((event) => event.kind === 'inject' && told.push(event.stage)));
    return told;
  };
  const sent = (receipts: Receipts) => {
    receipts.waits('m');
    receipts.sent('m');
  };

  test('is seen by the model request that comes after it, or is under way', () => {
    expect(
      stages((receipts) => {
        sent(receipts);
        receipts.delivered('m');
        receipts.requested();
        receipts.answered();
        receipts.taken('m');
        receipts.requested();
        receipts.turnEnded(true);
      }),
    ).toEqual(['delivered', 'seen', 'acted']);
    expect(
      stages((receipts) => {
        sent(receipts);
        receipts.requested();
        // The conversation tells of it before the answer to the request that sent it.
        receipts.taken('m');
        receipts.delivered('m');
      }),
    ).toEqual(['delivered', 'seen']);
  });

  test('of a turn that failed was seen, and no more is said', () => {
    expect(
      stages((receipts) => {
        sent(receipts);
        receipts.taken('m');
        receipts.requested();
        receipts.turnEnded(false);
        receipts.turnEnded(true);
      }),
    ).toEqual(['delivered', 'seen']);
  });

  test('is taken back until the conversation has it', () => {
    expect(
      stages((receipts) => {
        sent(receipts);
        receipts.delivered('m');
        receipts.cancelled('m', 'asked');
        receipts.taken('m');
      }),
    ).toEqual(['delivered', 'cancelled']);
    expect(
      stages((receipts) => {
        sent(receipts);
        receipts.taken('m');
        receipts.cancelled('m', 'too late');
      }),
    ).toEqual(['delivered']);
    expect(
      stages((receipts) => {
        receipts.waits('m');
        receipts.cancelled('m', 'asked');
        expect(receipts.sent('m')).toBe(false);
      }),
    ).toEqual(['cancelled']);
  });
});

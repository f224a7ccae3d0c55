/** A run's gate over a real shim and store: every call is answered once, by the policies, by a person, or not at all. */
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../../../src/host/limits.ts';
import { policiesOf } from '../../../../src/host/operations/gate/policies.ts';
import { decide, PASS, type Policy, withheld } from '../../../../src/host/operations/gate/policy.ts';
import type { Run } from '../../../../src/host/runs/run.ts';
import type { ObservedEvent } from '../../../../src/runtimes/runtime.ts';
import { fixtureRuntime } from '../../../support/fixture-runtime.ts';
import { LiveRun, type LiveRunOptions } from '../../../support/live-run.ts';

let live: LiveRun;
afterEach(() => live?.close());
const begin = async (options: LiveRunOptions = {}) => {
  live = await LiveRun.begin(options);
};

const gateAsked = (id: string, tool = 'shell'): ObservedEvent => ({
  ...{ kind: 'gate-asked', requestId: `q-${id}`, tool, toolUseId: id, input: { command: `echo ${id}` } },
});
const permissionAsked = (id: string): ObservedEvent => ({
  ...{ kind: 'permission-asked', requestId: `p-${id}`, tool: 'shell', toolUseId: id, input: { command: id } },
});
const result = (toolUseId: string, isError = false): ObservedEvent => ({
  ...{ kind: 'tool-result', toolUseId, text: 'done', isError },
});

const open = () => live.wiring.approvals.list();
const gate = () => live.run.record.gate;
const failing = (what: 'decide' | 'withholds'): Policy => ({
  name: 'broken',
  decide: () => PASS,
  [what]: () => {
    throw new Error('a bug');
  },
});

describe('the list', () => {
  const run = {} as Run;
  const call = { requestId: 'q', stage: 'gate', tool: 'x', toolUseId: 't', input: {} } as const;
  const saying = (name: string, verdict: 'pass' | 'deny' | 'stop'): Policy => ({
    name,
    decide: () => (verdict === 'pass' ? PASS : { verdict, message: name }),
  });

  test('the first that does not let it pass wins', () => {
    const policies = [saying('a', 'pass'), saying('b', 'stop'), saying('c', 'deny')];
    expect(decide(policies, call, run)).toEqual({ verdict: 'stop', message: 'b' });
    expect(decide([saying('a', 'pass')], call, run)).toBe(PASS);
  });

  test('one that fails decides nothing, and none after it is asked', () => {
    const failed = decide([failing('decide'), saying('c', 'deny')], call, run);
    expect(failed).toEqual({ policy: 'broken', error: new Error('a bug') });
    expect(withheld([failing('withholds')], { ...call, at_ms: 1, verdict: 'pass' }, run)).toMatchObject({
      policy: 'broken',
    });
  });
});

test('a call passes once, and its result is expected', async () => {
  await begin();
  await live.say(gateAsked('t1'));
  expect(await live.frames()).toEqual([
    { id: 'gate:q-t1', request: { do: 'gate', requestId: 'q-t1', verdict: 'pass', message: null } },
  ]);
  expect(gate()).toMatchObject({ waiting: [], running: [{ toolUseId: 't1' }], passed: ['t1'] });
  // Asked again under the same name: it is the same call.
  await live.say(result('t1'));
  expect(gate()).toMatchObject({ running: [], ungated: null });
  expect(live.events('gate.bypassed')).toEqual([]);
});

test.each(['decide', 'withholds'] as const)(
  'a policy whose %s throws: no answer, for this host and the next, and an event',
  async (what) => {
    await begin({ policies: (agents) => [...policiesOf(agents), failing(what)] });
    await live.say(gateAsked('t1'));
    live.gate.pass();
    expect(await live.frames()).toEqual([]);
    expect(live.events('gate.policy-failed')).toEqual([{ policy: 'broken', toolUseId: 't1', why: 'a bug' }]);
    await live.die();
    await live.next();
    expect(await live.frames()).toEqual([]);
    expect(gate().waiting).toMatchObject([{ toolUseId: 't1' }]);
    // It still can be given up.
    await live.say({ kind: 'gate-withdrawn', requestId: 'q-t1' });
    expect(gate().waiting).toEqual([]);
  },
);

test('both stages of a call are one channel: it runs when a person has allowed it, and not before', async () => {
  await begin();
  await live.say(gateAsked('t1'));
  await live.frames();
  await live.say(permissionAsked('t1'));
  expect(gate()).toMatchObject({
    waiting: [{ stage: 'permission', verdict: 'ask' }],
    running: [],
    passed: [],
  });
  expect(live.run.record.activity).toBe('waiting-for-operator');
  const [question] = open();
  expect(question!.detail).toEqual({
    ...{ stage: 'permission', requestId: 'p-t1', tool: 'shell', toolUseId: 't1', input: { command: 't1' } },
  });
  live.gate.answered(live.wiring.approvals.answer(question!.id, { allow: true }, 'operator'));
  expect((await live.frames()).at(-1)).toEqual({
    id: `approval-${question!.id}`,
    request: { do: 'permission', requestId: 'p-t1', allow: true, message: null },
  });
  expect(gate()).toMatchObject({ waiting: [], running: [{ toolUseId: 't1' }], passed: ['t1'] });
  await live.say(result('t1'));
  expect(live.events('gate.bypassed')).toEqual([]);
});

describe('a result of a call that was not let through', () => {
  test.each([
    ['at the gate', () => [gateAsked('t1')], true],
    ['at the gate, whatever it says', () => [gateAsked('t1')], false],
    ['at its second stage', () => [permissionAsked('t1')], true],
  ])('%s: somebody else answered', async (_where, asked, isError) => {
    await begin();
    live.hold();
    await live.say(...asked(), result('t1', isError));
    expect(live.events('gate.bypassed')).toEqual([{ toolUseId: 't1' }]);
    // The inbox does not show it any longer.
    expect([gate().waiting, open()]).toEqual([[], []]);
    expect(gate().ungated).toContain('t1');
    live.letGo();
    const answers = (await live.frames()).filter(({ request }) => request.do !== 'interrupt');
    expect(answers).toEqual([]);
  });

  test('a result that was printed before the call had asked hides none that comes while it waits', async () => {
    await begin();
    live.hold();
    await live.say(result('t1', true), gateAsked('t1'), result('t1'));
    expect(live.events('gate.bypassed')).toEqual([{ toolUseId: 't1' }]);
    expect(live.events('tool.finished')).toHaveLength(1);
  });

  test('of an engine that is being ended is a failure of what it gives up, and nothing else', async () => {
    await begin();
    live.hold();
    await live.say(gateAsked('t1'), gateAsked('t2'));
    live.run.save((record) => {
      record.state = 'stopping';
    });
    await live.say(result('t1', true));
    expect(live.events('gate.bypassed')).toEqual([]);
    await live.say(result('t2', false));
    expect(live.events('gate.bypassed')).toEqual([{ toolUseId: 't2' }]);
  });

  test('a call that was denied answers with a refusal; another answer shows that it ran', async () => {
    await begin();
    await live.say(permissionAsked('t1'), permissionAsked('t2'));
    for (const { id } of open())
      live.gate.answered(live.wiring.approvals.answer(id, { allow: false }, 'operator'));
    expect((await live.frames()).map(({ request }) => request)).toMatchObject([
      { requestId: 'p-t1', allow: false },
      { requestId: 'p-t2', allow: false },
    ]);
    await live.say(result('t1', true));
    expect(live.events('gate.bypassed')).toEqual([]);
    await live.say(result('t2'));
    expect(live.events('gate.bypassed')).toEqual([{ toolUseId: 't2' }]);
  });
});

describe('held', () => {
  test('what is asked meanwhile can be answered, and is told to the engine when it is resumed', async () => {
    await begin();
    live.hold();
    await live.say(gateAsked('t1'), permissionAsked('t2'));
    expect(live.run.record.activity).toBe('held');
    const [question] = open();
    live.gate.answered(live.wiring.approvals.answer(question!.id, { allow: true }, 'operator'));
    expect(await live.frames()).toEqual([]);
    // Also after the death of the host that took the answer.
    await live.die();
    await live.next();
    expect(await live.frames()).toEqual([]);
    live.letGo();
    expect((await live.frames()).map(({ request }) => request)).toMatchObject([
      { do: 'gate', requestId: 'q-t1', verdict: 'pass' },
      { do: 'permission', requestId: 'p-t2', allow: true },
    ]);
  });

  test('nothing is answered while what comes first is on its way', async () => {
    await begin();
    live.hold();
    await live.say(gateAsked('t1'));
    const opened = live.gate.keepShut();
    live.letGo();
    expect(await live.frames()).toEqual([]);
    opened();
    live.gate.pass();
    expect(await live.frames()).toHaveLength(1);
  });
});

describe('a call that has waited for nearly as long as its engine waits', () => {
  const patient = { ...fixtureRuntime.capabilities, gate: { wait_ms_max: 10_000 } };
  const runtime = { ...fixtureRuntime, capabilities: patient };

  test('of a held agent ends the turn, with all that it still wants, and is named on resume', async () => {
    await begin({ runtime });
    live.hold();
    await live.say(gateAsked('t1'));
    live.gate.endLongWaits();
    live.clock.advance(4_000);
    live.gate.endLongWaits();
    expect(await live.frames()).toEqual([]);
    live.clock.advance(1_500);
    live.gate.endLongWaits();
    await live.say(gateAsked('t2'));
    const verdicts = (await live.frames()).map(({ request }) => request);
    expect(verdicts).toMatchObject([
      { requestId: 'q-t1', verdict: 'stop' },
      { requestId: 'q-t2', verdict: 'stop' },
    ]);
    expect(live.wiring.agents.get('a').hold?.blocked).toEqual(['shell']);
    expect(live.run.record.turn.goesOn).toBe(true);
    // The turn is over: what it asks now waits again.
    await live.say({ kind: 'turn-ended', outcome: 'interrupted' }, gateAsked('t3'));
    expect(await live.frames()).toHaveLength(2);
  });

  test('is measured by a clock that nobody sets, and by what it had waited for before this host', async () => {
    await begin({ runtime });
    live.hold();
    await live.say(gateAsked('t1'));
    live.gate.endLongWaits();
    live.clock.jump(3_600_000);
    live.gate.endLongWaits();
    expect(await live.frames()).toEqual([]);
    await live.die();
    await live.next();
    live.gate.endLongWaits();
    expect((await live.frames()).map(({ request }) => request)).toMatchObject([{ verdict: 'stop' }]);
  });

  test('that nobody answered is refused, and its question withdrawn', async () => {
    await begin({ runtime, policies: () => [{ name: 'ask', decide: () => ({ verdict: 'ask' }) }] });
    await live.say(gateAsked('t1'));
    live.gate.endLongWaits();
    expect(open()).toHaveLength(1);
    live.clock.advance(6_000);
    live.gate.endLongWaits();
    expect((await live.frames()).map(({ request }) => request)).toMatchObject([
      { verdict: 'deny', message: 'Not run: the question whether it may was not answered.' },
    ]);
    expect(open()).toEqual([]);
  });
});

describe('the death of the host', () => {
  const allow = () => {
    const [question] = open();
    return live.wiring.approvals.answer(question!.id, { allow: true }, 'operator');
  };

  test('after an answer, before it was carried to the gate', async () => {
    await begin();
    await live.say(permissionAsked('t1'));
    allow();
    await live.die();
    await live.next();
    expect((await live.frames()).map(({ request }) => request)).toMatchObject([
      { requestId: 'p-t1', allow: true },
    ]);
    expect(live.wiring.approvals.undelivered(live.run.id)).toEqual([]);
  });

  test('after the shim has written it, before the host has read that: it is written once', async () => {
    await begin();
    live.hold();
    await live.say(gateAsked('t1'));
    await live.die();
    const { id, data } = fixtureRuntime.gate!({ requestId: 'q-t1', verdict: 'pass', message: null });
    await live.writeAsBefore(id, data);
    await live.next();
    live.letGo();
    expect(await live.frames()).toHaveLength(1);
    expect(gate()).toMatchObject({ waiting: [], running: [{ toolUseId: 't1' }], passed: ['t1'] });
  });

  test('after the call was given up, before its answer was sent', async () => {
    await begin();
    live.hold();
    await live.say(permissionAsked('t1'));
    const question = open()[0]!;
    await live.say({ kind: 'permission-withdrawn', requestId: 'p-t1' });
    expect(() => live.wiring.approvals.answer(question.id, { allow: true }, 'operator')).toThrow(/withdrawn/);
    await live.die();
    await live.next();
    live.letGo();
    expect(await live.frames()).toEqual([]);
  });
});

describe('an engine without a gate', () => {
  const installGate = (requestId: string) => ({ id: requestId, data: `{"do":"cancel","id":"install"}\n` });
  const runtime = { ...fixtureRuntime, installGate };

  test('gets one when a tool ran without asking; held, its turn is cut short', async () => {
    await begin({ runtime });
    await live.say({ kind: 'activity', activity: 'thinking', evidence: 'x' }, result('t1'), result('t2'));
    expect(live.events('gate.bypassed')).toEqual([{ toolUseId: 't1' }]);
    live.gate.pass();
    expect((await live.frames()).map(({ id }) => id)).toEqual(['gate-install-0']);
    live.hold();
    expect((await live.frames()).map(({ id }) => id)).toEqual([
      'gate-install-0',
      expect.stringMatching(/^gate-interrupt-0-/),
    ]);
    // It asks: the gate is there.
    await live.say(gateAsked('t3'));
    expect(gate().ungated).toBeNull();
    // It has no sandbox, in which nothing but its engine could answer.
    expect(live.run.record.activityEvidence?.grade).toBe('observed');
  });

  test('started by an older host, gets one from this', async () => {
    await begin({ runtime });
    live.run.save((record) => {
      record.gate.installed = false;
    });
    await live.die();
    await live.next();
    expect((await live.frames()).map(({ id }) => id)).toEqual(['gate-install-0']);
    live.gate.pass();
    expect(await live.frames()).toHaveLength(1);
  });
});

test('a new process has nothing to do with what the one before it asked', async () => {
  await begin();
  await live.say(permissionAsked('t1'));
  expect(open()).toHaveLength(1);
  live.run.save(() => live.gate.processStarted());
  expect([open(), gate().waiting]).toEqual([[], []]);
});

test('questions beyond the limit are answered "no", calls beyond it not at all; both are told', async () => {
  await begin();
  const questions = Array.from({ length: limits.approvals_open_per_agent_max + 1 }, (_, at) =>
    permissionAsked(`t${at}`),
  );
  await live.say(...questions);
  expect((await live.frames()).map(({ request }) => request)).toMatchObject([
    { do: 'permission', allow: false },
  ]);
  expect(open()).toHaveLength(limits.approvals_open_per_agent_max);
  live.hold();
  await live.say(...Array.from({ length: limits.gate_calls_waiting_max }, (_, at) => gateAsked(`g${at}`)));
  expect(gate().waiting).toHaveLength(limits.gate_calls_waiting_max);
  expect(live.events('engine.note').some(({ text }) => /further calls get none/.test(String(text)))).toBe(
    true,
  );
});

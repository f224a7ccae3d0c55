/** What was asked for and is not true yet: by whom, since when. */

import { expect, test } from 'vitest';
import { agentView, type ViewParts } from '../../../src/host/agents/views.ts';
import type { LeaseView } from '../../../src/host/api.ts';
import type { EndedSeries } from '../../../src/host/events/topics.ts';
import type { AgentRecord } from '../../../src/host/store/agents.ts';
import { newFloor, newGate, newTurn } from '../../../src/host/store/run-parts.ts';
import { unconfined } from '../../../src/host/store/run-sandbox.ts';
import { newTree, type RunRecord } from '../../../src/host/store/runs.ts';
import { legalVerbs } from '../../../src/host/verbs/table.ts';

const NOW = 1_000_000;
const evidence = { source: 'shim', grade: 'observed' as const, what: 'process 1 started', at_ms: 10 };

type Change = Partial<Omit<ViewParts, 'agent' | 'run'>> & {
  agent?: Partial<AgentRecord>;
  run?: Partial<RunRecord>;
};

function parts(change: Change): ViewParts {
  const { agent = {}, run = {}, ...more } = change;
  return {
    agent: {
      name: 'a',
      config: { restart: { policy: 'always', attempts_max: 5 }, runtime: 'builtin' },
      hold: null,
      problem: null,
      ...agent,
    } as AgentRecord,
    run: {
      id: 'r',
      state: 'running',
      state_ms: 10,
      stateEvidence: evidence,
      activity: 'tool',
      activityEvidence: { ...evidence, at_ms: 20 },
      requested: null,
      asked: { by: 'client:laptop', at_ms: 30 },
      floor: newFloor([]),
      turn: newTurn(),
      tree: newTree(),
      sandbox: unconfined('r'),
      exited_ms: null,
      exit: null,
      ...run,
    } as unknown as RunRecord,
    lease: null,
    capabilities: null,
    interruptKeys: false,
    totals: { input: 0, output: 0, cost_usd: null, runs: 1 },
    openApprovals: 0,
    unreadMail: 0,
    pending: null,
    restartDue: null,
    waits_since_ms: null,
    restarts: 0,
    stuck: null,
    gaps: [],
    legal: legalVerbs,
    now: NOW,
    ...more,
  };
}

const lease = (phase: LeaseView['phase'], waitingFor: string | null = null): LeaseView => ({
  agent: 'a',
  generation: 1,
  holder: 'ann',
  phase,
  since_ms: 40,
  expires_ms: null,
  waitingFor,
});
const hold = { by: 'operator', since_ms: 50, held_ms: null, blocked: [] };

test.each<[string, Change, [string, string, string, number] | null]>([
  ['nothing', {}, null],
  ['an end', { run: { requested: 'stop' } }, ['stop', 'operator', 'client:laptop', 30]],
  ['a take-over', { lease: lease('pending', 'Bash') }, ['takeover after: Bash', 'operator', 'ann', 40]],
  ['a hand-back', { lease: lease('returning'), agent: { hold } }, ['hand back', 'operator', 'ann', 40]],
  ['a hold', { agent: { hold } }, ['hold', 'operator', 'operator', 50]],
  ['a hold that is true', { agent: { hold }, run: { activity: 'held' } }, null],
  [
    'a restart',
    { run: { state: 'exited', exited_ms: 60 }, restartDue: { at_ms: NOW + 3_500, after: null } },
    ['restart in 4 s', 'host', 'host', 60],
  ],
])('%s', (_what, change, wanted) => {
  const view = agentView(parts(change));
  const { requested, requestedEvidence } = view;
  if (wanted === null) {
    expect([requested, requestedEvidence]).toEqual([null, null]);
    return;
  }
  const [what, source, by, at_ms] = wanted;
  expect(requested).toBe(what);
  expect(requestedEvidence).toEqual({
    source,
    grade: 'enforced',
    what: `requested by ${by}: ${what}`,
    at_ms,
  });
  // Three facts, each with evidence of its own.
  expect(view.evidence.at_ms).toBe(10);
});

test('what a subagent does follows from its calls at the gate', () => {
  const known = ['thinks', 'runs', 'asks', 'asks-by-call'].map((id) => ({ id, label: null, since_ms: 1 }));
  const call = { stage: 'permission', tool: 'exec', at_ms: 1, verdict: 'ask' } as const;
  const gate = {
    ...newGate(),
    running: [
      { toolUseId: 't1', tool: 'read', subagent: 'runs' },
      { toolUseId: 't2', tool: 'exec', subagent: 'asks-by-call' },
      { toolUseId: 't3', tool: 'write' },
    ],
    waiting: [
      { ...call, requestId: 'r1', toolUseId: 't4', subagent: 'asks' },
      { ...call, requestId: 'r2', toolUseId: 't2' },
    ],
  };
  const turn = newTurn({ subagents: [{ ...known[0]!, task: 'Look.', tokens: 9 }, ...known.slice(1)] });
  expect(agentView(parts({ run: { turn, gate } })).subagents).toEqual([
    { id: 'thinks', label: null, task: 'Look.', activity: 'thinking', tool: null, tokens: 9, since_ms: 1 },
    ...['runs', 'asks', 'asks-by-call'].map((id, n) => ({
      ...{ id, label: null, task: null, tokens: null, since_ms: 1 },
      ...(n === 0 ? { activity: 'tool', tool: 'read' } : { activity: 'waiting-for-operator', tool: 'exec' }),
    })),
  ]);
});

test('a start that waits for others is requested, and says why', () => {
  const { requested, requestedEvidence } = agentView(
    parts({ run: { state: 'exited', exited_ms: 60 }, waits_since_ms: 70 }),
  );
  expect(requested).toBe('start');
  expect(requestedEvidence).toMatchObject({ source: 'host', what: 'other agents are starting', at_ms: 70 });
});

test.each<[EndedSeries, string]>([
  [
    { failed: false, lived_ms: 200, failures: 0, short: 1 },
    'it ended with exit 0 after 200 ms, which is no failure',
  ],
  [
    { failed: false, lived_ms: 2_000, failures: 0, short: 9 },
    'it ended with exit 0 after 2 s, which is no failure, 9 times in a row',
  ],
  [{ failed: true, lived_ms: 200, failures: 1, short: 9 }, 'it failed after 200 ms'],
  [
    { failed: true, lived_ms: 200, failures: 2, short: 2 },
    'it failed after 200 ms, 2 times in a row; it is given up when it fails more than 5 times',
  ],
])('a restart says what it follows from: %j', (after, why) => {
  const view = agentView(
    parts({ run: { state: 'exited', exited_ms: 60 }, restartDue: { at_ms: NOW + 3_500, after } }),
  );
  expect(view.requestedEvidence).toMatchObject({ source: 'host', what: why, at_ms: 60 });
});

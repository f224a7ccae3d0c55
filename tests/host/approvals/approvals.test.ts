import fs from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ApprovalView } from '../../../src/host/api.ts';
import type { NewApproval } from '../../../src/host/approvals/approvals.ts';
import { limits } from '../../../src/host/limits.ts';
import { Rig, tempDir } from '../../mcp-tools/rig.ts';

let rig: Rig;

beforeEach(() => {
  rig = new Rig(tempDir());
});

afterEach(async () => {
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

const open = (request: string, more: Partial<NewApproval> = {}) =>
  rig.approvals.open({
    kind: 'permission',
    agent: 'ada',
    run: 'run_1',
    request,
    title: 'Bash',
    detail: { tool: 'Bash', input: { command: 'ls' } },
    otherwise: 'It waits.',
    ...more,
  });

const tick = () => new Promise<void>((resolve) => queueMicrotask(resolve));

it('is opened once under its request key, whatever became of it', () => {
  const first = open('run_1:req_1');
  expect(first.reattached).toBe(false);
  expect(open('run_1:req_1')).toEqual({ approval: first.approval, reattached: true });
  rig.approvals.answer(first.approval.id, { allow: true }, 'operator');
  const again = open('run_1:req_1');
  expect(again).toMatchObject({ reattached: true, approval: { state: 'answered', answer: { allow: true } } });
  expect(rig.approvals.byRequest('run_1:req_1')?.id).toBe(first.approval.id);
  expect(rig.approvals.byRequest('run_1:req_2')).toBeNull();
});

it('is answered once; the second answer is told by whom', () => {
  const { id } = open('a').approval;
  const answered = rig.approvals.answer(id, { allow: false, text: ' not on a Friday ' }, 'operator');
  expect(answered).toMatchObject({ state: 'answered', answeredBy: 'operator' });
  expect(answered.answer).toEqual({ allow: false, text: 'not on a Friday' });
  expect(() => rig.approvals.answer(id, { allow: true }, 'client:x')).toThrow(/already answered by operator/);
  expect(rig.approvals.withdraw(id, 'host')).toBeNull();
});

it('withdrawn, it takes no answer', () => {
  const { id } = open('a').approval;
  expect(rig.approvals.withdraw(id, 'host')?.state).toBe('withdrawn');
  expect(() => rig.approvals.answer(id, { allow: true }, 'operator')).toThrow(/withdrawn/);
});

it('wants the answer its kind needs', () => {
  const permission = open('a').approval;
  expect(() => rig.approvals.answer(permission.id, { text: 'yes' }, 'operator')).toThrow(/allow or deny/);
  const question = open('b', { kind: 'question', title: 'Which?\nsecond line' }).approval;
  expect(question.title).toBe('Which?');
  expect(() => rig.approvals.answer(question.id, { allow: true }, 'operator')).toThrow(/text/);
  expect(() => rig.approvals.answer(question.id, { text: '   ' }, 'operator')).toThrow(/text/);
  const long = 'x'.repeat(limits.question_text_bytes_max + 1);
  expect(() => rig.approvals.answer(question.id, { text: long }, 'operator')).toThrow(/longer/);
  expect(() => rig.approvals.answer('nothing', { allow: true }, 'operator')).toThrow(/There is no approval/);
  expect(rig.approvals.list()).toHaveLength(2);
});

it('tells who waits, after the commit, once', async () => {
  const { id } = open('a').approval;
  const heard: ApprovalView[] = [];
  rig.approvals.onAnswered(id, (approval) => heard.push(approval));
  const stop = rig.approvals.onAnswered(id, () => heard.push(expect.unreachable()));
  stop();
  expect(rig.approvals.awaited(id)).toBe(true);
  rig.store.transaction(() => {
    rig.approvals.answer(id, { allow: true }, 'operator');
    expect(heard).toEqual([]);
  });
  await tick();
  expect(heard.map((approval) => approval.state)).toEqual(['answered']);
  expect(rig.approvals.awaited(id)).toBe(false);
});

it('tells nobody of an answer that was rolled back', async () => {
  const { id } = open('a').approval;
  let heard = 0;
  rig.approvals.onAnswered(id, () => {
    heard += 1;
  });
  expect(() =>
    rig.store.transaction(() => {
      rig.approvals.answer(id, { allow: true }, 'operator');
      throw new Error('disk full');
    }),
  ).toThrow('disk full');
  await tick();
  expect(heard).toBe(0);
  expect(rig.approvals.get(id).state).toBe('open');
  rig.approvals.answer(id, { allow: true }, 'operator');
  await tick();
  expect(heard).toBe(1);
});

it('tells a late listener at once, of a withdrawal too', async () => {
  const { id } = open('a').approval;
  rig.approvals.withdraw(id, 'host');
  await tick();
  const heard: string[] = [];
  rig.approvals.onAnswered(id, (approval) => heard.push(approval.state));
  await tick();
  expect(heard).toEqual(['withdrawn']);
});

it('lists open ones oldest first and, asked for all, the settled ones after them', () => {
  const ids = ['a', 'b', 'c'].map((request) => open(request).approval.id);
  open('d', { agent: 'bob', run: 'run_2' });
  rig.approvals.answer(ids[0]!, { allow: true }, 'operator');
  expect(rig.approvals.list({ agent: 'ada' }).map((each) => each.id)).toEqual([ids[1], ids[2]]);
  expect(rig.approvals.list({ agent: 'ada', state: 'all' }).map((each) => each.id)).toEqual([
    ids[1],
    ids[2],
    ids[0],
  ]);
  expect(rig.approvals.list()).toHaveLength(3);
  expect(rig.approvals.countOpen('ada')).toBe(2);
  expect(rig.approvals.openOfRun('run_2')).toHaveLength(1);
});

it('knows which answers have not reached their run, across a restart', async () => {
  const one = open('r:1').approval;
  const two = open('r:2').approval;
  rig.approvals.answer(one.id, { allow: true }, 'operator');
  rig.approvals.answer(two.id, { allow: false }, 'operator');
  rig.approvals.markDelivered(one.id);
  const { dir } = rig;
  await rig.close();
  rig = new Rig(dir);
  expect(rig.approvals.undelivered('run_1')).toMatchObject([{ id: two.id, request: 'r:2' }]);
});

it('bounds what one agent may leave open', () => {
  for (let n = 0; n < limits.approvals_open_per_agent_max; n += 1) open(`r:${n}`);
  expect(() => open('one more')).toThrow(/already waits for 100/);
  expect(open('r:0').reattached).toBe(true);
  expect(open('other', { agent: 'bob' }).reattached).toBe(false);
});

it('is told in the log once for each change of it, with whoever made the change', () => {
  const told = () =>
    rig.events
      .list({ topics: ['approval.'] })
      .map(({ topic, agent, run, principal, grade }) => [topic, agent, run, principal, grade]);
  const { id } = open('run_1:req_1').approval;
  open('run_1:req_1');
  rig.approvals.answer(id, { allow: true }, 'operator');
  expect(() => rig.approvals.answer(id, { allow: true }, 'operator')).toThrow(/already answered/);
  expect(rig.approvals.withdraw(id, 'host')).toBeNull();
  expect(told()).toEqual([
    ['approval.opened', 'ada', 'run_1', 'agent:ada', 'enforced'],
    ['approval.answered', 'ada', 'run_1', 'operator', 'enforced'],
  ]);
  // An outside client is a principal and no agent.
  const asked = open('client:x:1', { kind: 'question', agent: 'client:x', run: null });
  rig.approvals.withdraw(asked.approval.id, 'client:x', 'observed');
  expect(told().slice(2)).toEqual([
    ['approval.opened', null, null, 'client:x', 'enforced'],
    ['approval.withdrawn', null, null, 'client:x', 'observed'],
  ]);
});

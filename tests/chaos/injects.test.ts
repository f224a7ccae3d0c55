/**
 * A short rain of messages for every run of the suite (`npm run chaos -- --injects 1000 --kills 20` is the long one),
 * and its judge, who must see each way in which a message can go wrong.
 */
import { describe, expect, test } from 'vitest';
import { type InjectEvidence, judgeInjects } from './inject-judge.ts';
import { drawInjects, type Message } from './inject-plan.ts';
import { explainInjects, runInjects } from './injects.ts';

test('messages of every priority over the death of a host and of its successor: each is told once, in its order, and its receipt says so', async () => {
  const report = await runInjects({ seed: 'short-4', agents: 2, injects: 30, kills: 2 });
  expect(report.violations, explainInjects(report)).toEqual([]);
  expect(report.figures).toMatchObject({ messages: 30, counted: 30, unknown: 0, hostKills: 2, runs: 2 });
}, 150_000);

test('the same seed draws the same plan, another seed another one', () => {
  const size = { agents: 3, injects: 50, kills: 5 };
  expect(drawInjects('a', size)).toEqual(drawInjects('a', size));
  expect(drawInjects('a', size)).not.toEqual(drawInjects('b', size));
  const { messages, deaths } = drawInjects('a', size);
  expect(new Set(messages.map(({ token }) => token)).size).toBe(50);
  expect(deaths.reduce((sum, { successorDies_ms }) => sum + (successorDies_ms === null ? 1 : 2), 0)).toBe(5);
});

describe('the judge', () => {
  const message = (number: number, agent: string, priority: Message['priority'] = 'later'): Message => ({
    number,
    agent,
    priority,
    door: 'socket',
    token: `inject#${number}#00000000;`,
    text: `inject#${number}#00000000; Noted.`,
    pause_ms: 0,
  });
  const messages = [
    message(0, 'a'),
    message(1, 'b'),
    message(2, 'a'),
    message(3, 'a', 'now'),
    message(4, 'b'),
  ];

  /** Five messages, and all went as it must: `now` overtakes. */
  const good = () => ({
    messages,
    accepted: new Map(messages.map(({ number }) => [number, `id-${number}`])),
    receipts: messages.map(({ number, agent, text, priority }) => ({
      id: `id-${number}`,
      agent,
      text,
      priority: priority as string,
      state: 'acted',
      steps: ['queued', 'delivered', 'seen', 'acted'].map((stage) => ({ stage, at_ms: 0 })),
    })),
    told: [[0], [1], [0, 3], [1], [0, 3, 2], [1, 4]],
    frames: new Map(messages.map(({ number }) => [`id-${number}`, 1])),
    ran: new Map([[0, 1]]),
  });
  type Good = ReturnType<typeof good>;
  const judged = (spoil: (evidence: Good) => void): string[] => {
    const evidence = good();
    spoil(evidence);
    return judgeInjects(evidence satisfies InjectEvidence).violations;
  };

  test('finds nothing in a message that the engine dropped, and that was sent again once', () => {
    const again = (stages: string[], frames: number) =>
      judged((e) => {
        Object.assign(e.receipts[1]!, { steps: stages.map((stage) => ({ stage, at_ms: 0 })) });
        e.frames.set('id-1~1', frames);
      });
    const stages = ['queued', 'delivered', 'queued', 'delivered', 'seen', 'acted'];
    expect(again(stages, 1)).toEqual([]);
    expect(again(stages, 2)).toEqual(['message 1 was written to b for the 2. time 2 times']);
    expect(again(['queued', 'delivered', 'seen', 'queued', 'delivered', 'acted'], 1)).toEqual([
      expect.stringMatching(/goes queued → delivered → seen → queued/),
    ]);
  });

  test('finds nothing where there is nothing, and counts', () => {
    expect(judgeInjects(good())).toEqual({
      violations: [],
      figures: { messages: 5, acted: 5, seen: 0, unknown: 0, counted: 5 },
    });
  });

  test.each<[string, RegExp, (evidence: Good) => void]>([
    ['a message that no model was told', /b was never told message 4/, (e) => e.told.pop()],
    ['one that is told twice', /one request has message 0 twice/, (e) => e.told.push([0, 3, 2, 0])],
    [
      'one that is told to another agent',
      /one request has messages to a and b/,
      (e) => e.told.push([0, 3, 2, 4]),
    ],
    [
      'one that vanishes from the conversation',
      /a was told message 3, and then it was gone/,
      (e) => e.told.splice(4, 1, [0, 2]),
    ],
    [
      'one that overtakes another of its kind',
      /a was told message 2 before message 0, both later/,
      (e) => e.told.splice(0, 6, [1, 4], [2, 0, 3]),
    ],
    ['one that was written twice', /message 2 was written to a 2 times/, (e) => e.frames.set('id-2', 2)],
    ['one that was never written', /message 2 was written to a 0 times/, (e) => e.frames.delete('id-2')],
    ['a tool that ran twice', /the tool of message 0 ran 2 times/, (e) => e.ran.set(0, 2)],
    ['a receipt that is missing', /message 4 to b has no receipt/, (e) => e.receipts.pop()],
    [
      'a receipt too many',
      /5 messages were sent, and there are 6 receipts/,
      (e) => e.receipts.push({ ...e.receipts[0]!, id: 'another' }),
    ],
    [
      'a receipt of another text',
      /the receipt of message 1 is that of another message/,
      (e) => Object.assign(e.receipts[1]!, { text: 'x' }),
    ],
    [
      'a fate that is unknown',
      /the receipt of message 1 to b \(later\) says unknown/,
      (e) => Object.assign(e.receipts[1]!, { state: 'unknown' }),
    ],
    [
      'one that waits for ever',
      /the receipt of message 1 to b \(later\) says delivered/,
      (e) => Object.assign(e.receipts[1]!, { state: 'delivered' }),
    ],
    [
      'a step that is taken twice',
      /goes queued → delivered → delivered → seen → acted/,
      (e) => e.receipts[1]!.steps.splice(1, 0, { stage: 'delivered', at_ms: 0 }),
    ],
  ])('finds %s', (_, what, spoil) => {
    expect(judged(spoil)).toContainEqual(expect.stringMatching(what));
  });
});

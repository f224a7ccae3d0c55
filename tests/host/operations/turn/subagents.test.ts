/** Subagents as an engine tells of them: each is named while it is at work, and ends at the latest with its engine. */
import { expect, test } from 'vitest';
import { limits } from '../../../../src/host/limits.ts';
import { useSeams } from '../../../support/seams.ts';

const { begin, next } = useSeams();
const began = (id: string, label?: string) =>
  ({ kind: 'subagent', id, phase: 'began', ...(label === undefined ? {} : { label }) }) as const;
const ended = (id: string) => ({ kind: 'subagent', id, phase: 'ended' }) as const;

test('one is there from when it began until it is done, and the next host knows it', async () => {
  const host = await begin();
  await host.say(began('s1', 'look it up'), began('s1', 'once more'), began('s2'), ended('s3'));
  const names = () => host.run.record.turn.subagents?.map(({ id, label }) => [id, label]);
  const both = [
    ['s1', 'look it up'],
    ['s2', null],
  ];
  expect(names()).toEqual(both);
  expect(host.events('subagent.began')).toEqual(both.map(([subagent, label]) => ({ subagent, label })));
  host.clock.advance(1_500);
  await host.say(ended('s1'));
  expect(host.events('subagent.ended')).toMatchObject([{ subagent: 's1', label: 'look it up' }]);
  host.die();
  const later = await next(host);
  expect(later.run.record.turn.subagents).toMatchObject([{ id: 's2', label: null }]);
});

test('what is at work when the run ends has ended with it', async () => {
  const host = await begin();
  await host.say(began('s1', 'look it up'));
  const { run } = host;
  // It is closed as soon as it has ended.
  await run.client.stop('end', { term_ms: 100, kill_ms: 2_000 }, 'test').catch(() => undefined);
  await host.until('the end', () => host.events('run.exited').length > 0);
  expect(host.events('subagent.ended')).toMatchObject([{ subagent: 's1', label: 'look it up' }]);
  expect(run.record.turn.subagents).toEqual([]);
});

test('more than can be named are left out', async () => {
  const host = await begin();
  const many = Array.from({ length: limits.subagents_max + 5 }, (_, at) => began(`s${at}`));
  await host.say(...many);
  expect(host.run.record.turn.subagents).toHaveLength(limits.subagents_max);
  await host.say(ended('s0'), began('last'));
  expect(host.run.record.turn.subagents?.at(-1)?.id).toBe('last');
});

test('what it is to do, has used and came to is told; no more of its words is kept than is shown', async () => {
  const host = await begin();
  const task = 'x'.repeat(2 * limits.subagent_task_chars_max);
  await host.say(
    { ...began('s1', 'l'.repeat(5_000)), task },
    { kind: 'subagent', id: 's1', phase: 'working', tokens: 7 },
  );
  const [known] = host.run.record.turn.subagents!;
  expect(known!.tokens).toBe(7);
  expect(known!.task!.length).toBeLessThanOrEqual(limits.subagent_task_chars_max);
  expect(known!.label!.length).toBeLessThanOrEqual(limits.subagent_label_chars_max);
  await host.say(
    { kind: 'subagent', id: 's2', phase: 'working', tokens: 9 },
    { ...ended('s1'), outcome: 'failed', tokens: 8 },
  );
  expect(host.events('subagent.ended')).toMatchObject([{ subagent: 's1', tokens: 8, outcome: 'failed' }]);
  expect(host.run.record.turn.subagents).toEqual([]);
});

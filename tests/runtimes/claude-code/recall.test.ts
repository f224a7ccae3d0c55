/** What is remembered reaches the real program beside a prompt, and after it has summarised its conversation. */
import { expect, it } from 'vitest';
import { useClaude } from './desk.ts';

const bench = useClaude();

it('has it beside the first prompt of a process, and anew after a summary', async () => {
  const engine = await bench.start({ goal: '[[say one]]' });
  engine.remembered = 'OLD-FACT';
  await bench.ended(engine);
  expect(bench.subject.lastRequest()).toContain('OLD-FACT');
  engine.remembered = 'NEW-FACT';
  let from = engine.observed.events.length;
  engine.say('[[say two]]');
  await bench.ended(engine, from);
  expect(bench.subject.lastRequest()).not.toContain('NEW-FACT');
  const content = '/compact';
  const message = { type: 'user', uuid: crypto.randomUUID(), message: { role: 'user', content } };
  engine.write({ id: 'compact', data: `${JSON.stringify(message)}\n` });
  await engine.observed.waitFor('recall-asked', ({ at }) => at === 'compaction');
  await engine.observed.waitFor('note', ({ text }) => text.includes('summarised'));
  from = engine.observed.events.length;
  engine.say('[[say three]]');
  await bench.ended(engine, from);
  const seen = bench.subject.lastRequest();
  expect(seen).toContain('NEW-FACT');
  expect(seen).not.toContain('OLD-FACT');
});

it('begins without it where the host does not answer', async () => {
  const engine = await bench.start({ goal: '[[say alone]]' });
  engine.remembers = false;
  expect((await bench.ended(engine)).outcome).toBe('done');
  expect(engine.observed.find('recall-asked')).toMatchObject({ at: 'start' });
});

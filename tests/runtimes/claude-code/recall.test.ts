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
  const from = engine.observed.events.length;
  engine.say('[[say two]]');
  await bench.ended(engine, from);
  expect(bench.subject.lastRequest()).not.toContain('NEW-FACT');
  const content = '/compact';
  const message = { type: 'user', uuid: crypto.randomUUID(), message: { role: 'user', content } };
  engine.write({ id: 'compact', data: `${JSON.stringify(message)}\n` });
  await engine.observed.waitFor('recall-asked', ({ at }) => at === 'compaction');
  await engine.observed.waitFor('note', ({ text }) => text.includes('summarised'));
  // The end of the turn that made the summary may come later than the note.
  engine.say('[[say three]]');
  await engine.observed.waitFor('message', ({ text }) => text === 'three');
  const seen = bench.subject.lastRequest();
  expect(seen).toContain('NEW-FACT');
  expect(seen).not.toContain('OLD-FACT');
});

it('waits with its first prompt for a host that is dead, and asks before no other one', async () => {
  const engine = await bench.start({ goal: 'THE-GOAL [[say begun]]' });
  engine.remembers = false;
  const asked = await engine.observed.waitFor('recall-asked', () => true);
  expect(asked).toMatchObject({ at: 'start', patient: true });
  engine.write(bench.runtime.recall!({ ...asked, text: 'OLD-FACT' }));
  await bench.ended(engine);
  expect(bench.subject.lastRequest()).toMatch(/THE-GOAL[\s\S]*OLD-FACT|OLD-FACT[\s\S]*THE-GOAL/);
  const from = engine.observed.events.length;
  engine.say('[[say two]]');
  await bench.ended(engine, from);
  expect(engine.observed.events.slice(from).filter(({ kind }) => kind === 'recall-asked')).toEqual([]);
});

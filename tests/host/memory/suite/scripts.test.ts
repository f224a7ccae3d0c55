/** Whether what was stored in a script, as a name or in another form of its word is found, through the tools alone. */
import { expect, it } from 'vitest';
import { SCRIPTS, scriptCases } from './scripts.ts';
import { ours } from './world.ts';

const SEED = 5;
const CASES = 48;

it.each(Object.entries(SCRIPTS))('finds at least 95 of 100 notes of %s', async (_name, script) => {
  const { notes, cases } = scriptCases(script, SEED, CASES);
  const kept = await ours.notes(notes);
  const missed: string[] = [];
  for (const { query, answer } of cases) {
    const { texts } = await kept.search(query);
    if (!texts.includes(answer)) missed.push(`${query} -> ${texts[0] ?? ''}`);
  }
  await kept.close();
  expect(missed.length / cases.length, missed.join('\n')).toBeLessThanOrEqual(0.05);
});

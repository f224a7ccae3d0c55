/**
 * Whether a search says when nothing certain was found, through the tools alone. The thresholds of the search were set on
 * facts of seed 1; here they are held to on others.
 */
import fs from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { clientCaller, Rig, tempDir } from '../../../mcp-tools/rig.ts';
import { generated, type Question } from './facts.ts';

let rig: Rig;

afterEach(async () => {
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

async function asked(questions: readonly Question[]): Promise<{ absent: number; found: number }> {
  let absent = 0;
  let found = 0;
  for (const { text, answer } of questions) {
    const result = await rig.call('aether_memory_search', clientCaller('suite'), { query: text });
    const { memories, note = '' } = result;
    if (memories.length === 0 || note.includes('Nothing certain')) absent += 1;
    if (memories.slice(0, 5).some((memory: { text: string }) => memory.text === answer)) found += 1;
  }
  return { absent: absent / questions.length, found: found / questions.length };
}

const SEEDS = [11, 23, 47];

it.each(SEEDS)('says what is not known, of the facts of seed %i', async (seed) => {
  rig = new Rig(tempDir());
  const { facts, direct, paraphrased, other, unrelated } = generated(seed);
  for (const { text } of facts) await rig.call('aether_memory_store', clientCaller('suite'), { text });
  const results = {
    direct: await asked(direct),
    paraphrased: await asked(paraphrased),
    other: await asked(other),
    unrelated: await asked(unrelated),
  };
  const rates = Object.entries(results).map(([what, { absent, found }]) => [what, absent, found]);
  console.log(`${facts.length} facts, seed ${seed}: ${JSON.stringify(rates)}`);
  expect(results.unrelated.absent).toBeGreaterThanOrEqual(0.99);
  expect(results.other.absent).toBeGreaterThanOrEqual(0.95);
  expect(results.paraphrased.absent).toBeLessThanOrEqual(0.1);
  expect(results.direct.absent).toBeLessThanOrEqual(0.02);
  expect(results.direct.found).toBeGreaterThanOrEqual(0.98);
});

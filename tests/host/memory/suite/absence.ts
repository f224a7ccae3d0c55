/** What a search says of questions that are answered by what is known, and of some that are not. */
import type { Question } from './facts.ts';
import type { Notes } from './world.ts';

/** Shares. `absent`: said that nothing certain is known; `found`: the answer is among the first five. */
export async function asked(
  notes: Notes,
  questions: readonly Question[],
): Promise<{ absent: number; found: number }> {
  let absent = 0;
  let found = 0;
  for (const { text, answer } of questions) {
    const { texts, certain } = await notes.search(text);
    if (texts.length === 0 || !certain) absent += 1;
    if (answer !== null && texts.slice(0, 5).includes(answer)) found += 1;
  }
  return { absent: absent / questions.length, found: found / questions.length };
}

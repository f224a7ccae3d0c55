/**
 * What a word that no memory holds was probably meant to be: all words one slip of the finger away (a letter too many,
 * too few, another one, two swapped) are made and looked up, so it costs the same in a vocabulary of any size, and the
 * ending is stemmed after it was corrected.
 */
import { stemOf } from './tokens.ts';

const CHARS_MIN = 5;
const CHARS_MAX = 24;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

function* slips(word: string): Generator<string> {
  for (let at = 0; at + 1 < word.length; at += 1) {
    if (word[at] !== word[at + 1]) yield word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2);
  }
  for (let at = 0; at < word.length; at += 1) yield word.slice(0, at) + word.slice(at + 1);
  for (let at = 0; at <= word.length; at += 1) {
    for (const letter of LETTERS) yield word.slice(0, at) + letter + word.slice(at);
  }
  // People get the first letter right.
  for (let at = 1; at < word.length; at += 1) {
    for (const letter of LETTERS)
      if (letter !== word[at]) yield word.slice(0, at) + letter + word.slice(at + 1);
  }
}

/**
 * @param heldBy how many memories hold a term
 * @returns the term, and the word it is of; null where no word that is held is near
 */
export function corrected(
  word: string,
  heldBy: (term: string) => number,
): { term: string; surface: string } | null {
  if (word.length < CHARS_MIN || word.length > CHARS_MAX || !/^[a-z]+$/.test(word)) return null;
  let best: { term: string; surface: string } | null = null;
  let most = 0;
  const tried = new Set<string>();
  for (const surface of slips(word)) {
    const term = stemOf(surface);
    if (tried.has(term)) continue;
    tried.add(term);
    const held = heldBy(term);
    if (held > most) {
      most = held;
      best = { term, surface };
    }
  }
  return best;
}

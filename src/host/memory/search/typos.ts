/**
 * What a word that no memory holds was probably meant to be: all words one slip of the finger away (a letter too many,
 * too few, another one, two swapped) are made and looked up, so it costs the same in a vocabulary of any size, and the
 * ending is stemmed after it was corrected.
 */
import { stemmed } from './tokens.ts';

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
 * @param heldOf how many memories hold each of these terms; one that none holds may be left out
 * @returns the term, and the word it is of; null where no word that is held is near
 */
export function corrected(
  word: string,
  heldOf: (terms: ReadonlySet<string>) => ReadonlyMap<string, number>,
): { term: string; surface: string } | null {
  if (word.length < CHARS_MIN || word.length > CHARS_MAX || !/^[a-z]+$/.test(word)) return null;
  const surfaces = new Map<string, string>();
  for (const surface of slips(word)) {
    const term = stemmed(surface);
    if (!surfaces.has(term)) surfaces.set(term, surface);
  }
  const held = heldOf(new Set(surfaces.keys()));
  let best: { term: string; surface: string } | null = null;
  let most = 0;
  for (const [term, surface] of surfaces) {
    const count = held.get(term) ?? 0;
    if (count <= most) continue;
    most = count;
    best = { term, surface };
  }
  return best;
}

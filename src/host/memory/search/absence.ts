/**
 * Whether what was found answers the query. An answer is never withheld; a weak one is said to be weak. The telling case
 * is a word that other memories hold and the best ones do not: "the port of the billing service", where ports and that
 * service are known, but not its port. A word that no memory holds may be another word for what they say.
 */
import { cutText } from '../../text.ts';
import type { Prepared, Weighed } from './prepare.ts';
import type { Ranked } from './rank.ts';
import { isFiller, sameSense } from './senses.ts';
import { termsOf } from './tokens.ts';

/** Of what was found, so many are looked at. */
const LOOKED = 3;
const READ_CHARS_MAX = 4_000;
/** The thresholds were set on generated facts of one seed and are tested on others. */
const HELD_MIN = 0.4;
const LACKED_MAX = 0.1;
/** A list of likely words, rather than a question: its words are alternatives. */
const ALTERNATIVES = 4;
const ALTERNATIVES_LACKED_MAX = 0.6;
/** Of the rarest word's weight, what a word counts that no memory holds. */
const UNKNOWN = 0.45;

const ASKS =
  /[?？؟]|^\s*(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|has|have|can|should|will)\b/i;

export interface Looked {
  ranked: Ranked;
  text: string;
}

export function certaintyOf(prepared: Prepared, text: string, found: readonly Looked[]): boolean {
  if (found.length === 0) return false;
  const words = prepared.words
    .map((word, index) => ({ word, index }))
    .filter(({ word }) => !isFiller(word.term));
  if (words.length === 0) return true;
  const lists = !ASKS.test(text) && words.length >= ALTERNATIVES;
  return found.slice(0, LOOKED).some((looked) => answers(prepared, words, looked, lists));
}

type Indexed = { word: Weighed; index: number };

function answers(
  { rarest }: Prepared,
  words: readonly Indexed[],
  { ranked, text }: Looked,
  lists: boolean,
): boolean {
  const own = new Set([...ranked.matched, ...ranked.around]);
  let terms: Set<string> | null = null;
  let held = 0;
  let lacked = 0;
  let unknown = 0;
  for (const { word, index } of words) {
    const known = word.held > 0 || word.others.length > 0;
    const weight = known
      ? Math.max(word.weight, ...word.others.map((other) => other.weight))
      : UNKNOWN * rarest;
    if (own.has(index)) {
      held += weight;
      continue;
    }
    terms ??= new Set(termsOf(cutText(text, { chars_max: READ_CHARS_MAX })));
    if ([...terms].some((term) => sameSense(term, word.term))) held += weight / 2;
    else if (known) lacked += weight;
    else unknown += weight;
  }
  const all = held + lacked + unknown;
  return held / all >= HELD_MIN && lacked / all <= (lists ? ALTERNATIVES_LACKED_MAX : LACKED_MAX);
}

/**
 * Whether what was found answers the query. An answer is never withheld; a weak one is said to be weak. The telling case
 * is a word that other memories hold and the best ones do not: "the port of the billing service", where ports and that
 * service are known, but not its port. A word that no memory holds may be another word for what they say.
 */
import { cutText } from '../../text.ts';
import { type Prepared, sum, type Weighed } from './prepare.ts';
import type { Ranked } from './rank.ts';
import { hasSense, isFiller, isVague, sameSense } from './senses.ts';
import { termsOf } from './tokens.ts';

/** Of what was found, so many are looked at: what is known of one thing may be ten notes. */
const LOOKED = 10;
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
  const has = words.filter(({ index }) => own.has(index));
  const lacks = words.filter(({ index }) => !own.has(index)).map(({ word }) => word);
  const asked = new Set(has.map(({ word }) => word.term));
  const said =
    lacks.length === 0
      ? []
      : [...new Set(termsOf(cutText(text, { chars_max: READ_CHARS_MAX })))].filter(
          (term) => !asked.has(term),
        );
  const meanable = lacks.filter((word) => hasSense(word.term));
  const telling = meanable.filter((word) => !isVague(word.term));
  const deciding = telling.length > 0 ? telling : meanable;
  const meant = deciding.filter((word) => said.some((term) => sameSense(term, word.term)));
  const weightOf = (word: Weighed) =>
    isKnown(word) ? Math.max(word.weight, ...word.others.map(({ weight }) => weight)) : UNKNOWN * rarest;
  const held = sum(has, ({ word }) => weightOf(word)) + sum(meant, weightOf) / 2;
  const others = lacks.filter((word) => !meant.includes(word));
  // A thing that may be asked in other words, of which this memory has none.
  const lacked = others.filter((word) => isKnown(word) || (deciding.includes(word) && meant.length === 0));
  const all = held + sum(others, weightOf);
  // What is found by guesses at misspelt words alone is no answer, unless it has all of them.
  if (lacks.length > 0 && has.every(({ word }) => word.readAs !== null)) return false;
  // One common word of a question does not answer it.
  if (!lists && meant.length === 0 && 2 * has.length < words.length) return false;
  const lackedShare = sum(lacked, weightOf) / all;
  return held / all >= HELD_MIN && lackedShare <= (lists ? ALTERNATIVES_LACKED_MAX : LACKED_MAX);
}

const isKnown = (word: Weighed): boolean => word.held > 0 || word.others.length > 0;

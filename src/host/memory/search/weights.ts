/**
 * The weights of the ranking. They were fitted on public conversations (LoCoMo, leaving one out) and rounded; they are
 * fixed, and nothing of a store changes them.
 */

/** BM25: how soon more of the same word adds nothing, and how much a long text is discounted. */
export const K1 = 1.2;
export const B = 0.75;

export const WEIGHTS = {
  own: 0.5,
  /** Two before and one after, at half their counts. */
  near: 5,
  /** Four before and four after. */
  wide: 4,
  irregular: 7.5,
  date: 7,
  speaker: 1.2,
  length: 1,
  asks: -1.8,
  firstPerson: 0.7,
  answersQuestion: 1.4,
  when: 2.2,
  which: 2.5,
  howMany: 2.5,
} as const;

/** What a word that a memory holds counts in all. */
export const LEXICAL = WEIGHTS.own + WEIGHTS.near + WEIGHTS.wide;

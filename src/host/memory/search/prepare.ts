/** A query against what there is: how much each of its words tells, which are names of people who spoke, which are typos. */
import { type Part, speakerTerm } from './part.ts';
import type { Query, Word } from './query.ts';
import { hasSense, isFiller } from './senses.ts';
import { corrected } from './typos.ts';

/** Of the weight of the rarest word, what a word counts for that no memory holds. */
const UNKNOWN_SHARE = 0.5;
/** The most that another form of such a word counts for. */
const OTHER_SHARE = 0.8;
/** A guess at what was meant counts less than what was said. */
const TYPO_SHARE = 0.7;
const TYPO_PARTS = 2;
/** Of one query; more unknown words are no slips of the finger. */
const TYPOS_MAX = 8;

/** The memories of one scope, in the order of their rows. */
export interface Shelf {
  parts: Part[];
}

/** A word of the query, weighed. */
export interface Weighed {
  word: Word;
  term: string;
  /** What the word was taken for, where no memory holds it as it was asked. */
  readAs: string | null;
  /** Memories that hold it. */
  held: number;
  weight: number;
  others: { term: string; weight: number }[];
}

export interface Prepared {
  query: Query;
  words: Weighed[];
  /** Terms of people who said something, named in the query. */
  speakers: string[];
  size: number;
  averageLength: number;
  /** The sum of the words' weights: what a memory that answers all of them would reach. */
  mass: number;
  /** The weight of a word that one memory holds. */
  rarest: number;
}

export function prepare(query: Query, shelves: readonly Shelf[]): Prepared {
  const parts = shelves.flatMap((shelf) => shelf.parts);
  const size = sum(parts, (part) => part.size);
  const heldBy = (term: string) => sum(parts, (part) => part.postings(term)?.docs.length ?? 0);
  // Many words are tried for one that is misspelt: the largest parts know those that are common.
  const largest = [...parts].sort((a, b) => b.size - a.size).slice(0, TYPO_PARTS);
  const commonOf = (terms: ReadonlySet<string>) => {
    const held = new Map<string, number>();
    for (const part of largest)
      for (const term of part.heldOf(terms))
        held.set(term, (held.get(term) ?? 0) + part.postings(term)!.docs.length);
    return held;
  };
  const rarity = (held: number) => Math.log(1 + (size - held + 0.5) / (held + 0.5));
  const rarest = Math.max(rarity(1), 0.1);
  const spoke = new Map(
    query.words
      .map((word) => [word, speakerTerm(word.surface)] as const)
      .filter(([, speaker]) => heldBy(speaker) > 0),
  );
  // One who speaks more often than is spoken of is asked for what was said; the name in a text says little.
  const isSpeaker = (word: Word) => spoke.has(word) && heldBy(spoke.get(word)!) >= heldBy(word.term);
  const asked = query.words.filter((word) => !isSpeaker(word));
  const unknown = asked.filter(({ term }) => heldBy(term) === 0).slice(0, TYPOS_MAX);
  const words = asked.map((word) =>
    weighed(word, {
      ...{ query, size, heldBy, rarity, rarest },
      commonOf: unknown.includes(word) ? commonOf : () => NONE,
    }),
  );
  const mass = sum(words, ({ held, weight }) => (held === 0 ? UNKNOWN_SHARE * rarest : weight));
  return {
    query,
    words,
    speakers: [...spoke.values()],
    size,
    averageLength: Math.max(1, sum(parts, (part) => part.lengthSum) / Math.max(1, size)),
    mass: Math.max(mass, UNKNOWN_SHARE * rarest),
    rarest,
  };
}

const NONE: ReadonlyMap<string, number> = new Map();

/** A word of everyday questions is no slip of the finger. */
const isPlain = (term: string): boolean => isFiller(term) || hasSense(term);

interface Statistics {
  query: Query;
  size: number;
  heldBy(term: string): number;
  commonOf(terms: ReadonlySet<string>): ReadonlyMap<string, number>;
  rarity(held: number): number;
  rarest: number;
}

function weighed(word: Word, { query, size, heldBy, commonOf, rarity, rarest }: Statistics): Weighed {
  const asked = (term: string) => query.words.some((other) => other.term === term);
  const others = word.others
    .map((term) => ({ term, held: heldBy(term) }))
    .filter(({ term, held }) => held > 0 && !asked(term));
  const held = heldBy(word.term);
  const meant =
    held > 0 || others.length > 0 || size === 0 || isPlain(word.term)
      ? null
      : corrected(word.surface, commonOf);
  const typo = meant === null || asked(meant.term) ? null : meant;
  const term = typo?.term ?? word.term;
  const count = typo === null ? held : heldBy(term);
  const weight = count === 0 ? 0 : rarity(count) * (typo === null ? 1 : TYPO_SHARE);
  const limit = count === 0 ? OTHER_SHARE * rarest : weight;
  return {
    word,
    term,
    readAs: typo?.surface ?? null,
    held: count,
    weight,
    others: others.map((other) => ({ term: other.term, weight: Math.min(rarity(other.held), limit) })),
  };
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

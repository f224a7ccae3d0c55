/**
 * What a statement seems to rest on, where its writer does not say: those memories that its reader was shown before and
 * whose telling words it shares. Names, numbers and identifiers tell more than other words, and a word that few of the
 * shown memories have tells more than one that many have.
 */
import type { MemoryRecord } from '../store/memory-record.ts';
import { isFiller } from './search/senses.ts';
import { eachTerm } from './search/tokens.ts';

/** Of what was shown, the latest. */
export const LOOKED_AT_MAX = 500;
/** A text may rest on several; what it shares less with than with the best of them by this factor is another subject. */
const OF_BEST_MIN = 0.35;
/** Found with generated notes of one seed, held to on others (tests/host/memory/suite). */
const SHARED_MIN = 0.24;
const TELLING = 2;
const SOURCES_MAX = 20;

type Weights = Map<string, number>;

/** @param shown what its reader was given before, in any state */
export function possibleSources(text: MemoryRecord, shown: readonly MemoryRecord[]): MemoryRecord[] {
  if (shown.length === 0) return [];
  const own = termsOf(text);
  const others = shown.map(termsOf);
  const holders = new Map<string, number>();
  for (const terms of others)
    for (const term of terms.keys()) holders.set(term, (holders.get(term) ?? 0) + 1);
  const weightOf = (term: string, telling: number) =>
    telling * Math.log(1 + (shown.length + 1) / ((holders.get(term) ?? 0) + 0.5));
  const scored = others.map((terms, at) => ({ memory: shown[at]!, score: shared(own, terms, weightOf) }));
  const best = Math.max(...scored.map(({ score }) => score));
  return scored
    .filter(({ score }) => score >= SHARED_MIN && score >= best * OF_BEST_MIN)
    .sort((a, b) => b.score - a.score)
    .slice(0, SOURCES_MAX)
    .map(({ memory }) => memory);
}

/** Which part of the shorter one's weight is in both. */
function shared(own: Weights, other: Weights, weightOf: (term: string, telling: number) => number): number {
  let both = 0;
  for (const [term, telling] of other)
    if (own.has(term)) both += weightOf(term, Math.max(telling, own.get(term)!));
  const all = (terms: Weights) =>
    [...terms].reduce((sum, [term, telling]) => sum + weightOf(term, telling), 0);
  const least = Math.min(all(own), all(other));
  return least === 0 ? 0 : both / least;
}

/** Its terms, and how much each tells by its form. */
function termsOf({ text, key, tags }: Pick<MemoryRecord, 'text' | 'key' | 'tags'>): Weights {
  const names = namesIn(text);
  const terms: Weights = new Map();
  eachTerm([text, key ?? '', ...tags].join(' '), (term, surface) => {
    if (isFiller(term) || FUNCTION_WORDS.has(surface) || (surface.length < 2 && /^[a-z]$/.test(surface)))
      return;
    const telling = /\p{N}/u.test(surface) || names.has(surface) ? TELLING : 1;
    terms.set(term, Math.max(telling, terms.get(term) ?? 0));
  });
  return terms;
}

/** Words with a capital that do not begin a sentence. */
function namesIn(text: string): Set<string> {
  const found = text.matchAll(/(?<![.!?]\s{1,3}|^\s{0,3})(?<![\p{L}\p{N}])\p{Lu}[\p{L}\p{N}]+/gu);
  return new Set([...found].map(([name]) => name.toLowerCase()));
}

const FUNCTION_WORDS = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but
  by can could did do does doing down during each few for from further had has have having he her here hers him his
  how i if in into is it its itself just me more most my no nor not now of off on once only or other our ours out over
  own same s she should so some such t than that the their theirs them then there these they this those through
  to too under until up us very was we were what when where which while who whom why will with would you your yours
  since therefore thus hence so per via within without whose one two every`.split(/\s+/),
);

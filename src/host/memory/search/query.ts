/**
 * From what was typed to what is looked for. Any text is a query: nothing in it is syntax but quotation marks, and those
 * only in pairs.
 */
import { limits } from '../../limits.ts';
import { otherStems } from './forms.ts';
import { eachTerm, folded } from './tokens.ts';

const PHRASES_MAX = 8;

const STOP_WORDS = new Set(
  `a about above after again all also am an and any are as at be because been before being between both but by can could
  did do does doing down during each few for from further had has have having he her here hers him his how i if in into
  is it its itself just let me might more most my no nor not now of off on once only or other our out over own please
  same she should so some such than that the their theirs them then there these they this those through to too under
  until up us very was we were what when where which while who whom why will with would you your yours s t`.split(
    /\s+/,
  ),
);

export interface Word {
  term: string;
  /** As it was asked, folded. */
  surface: string;
  /** Stems of its irregular forms. */
  others: string[];
}

/** Words that are to follow each other as they stand. */
export interface Phrase {
  terms: string[];
  surfaces: string[];
}

export interface Dates {
  months: number[];
  years: number[];
  days: number[];
}

export interface Query {
  words: Word[];
  /** What stands in quotation marks. */
  phrases: Phrase[];
  dates: Dates | null;
  asksWhen: boolean;
  asksWhich: boolean;
  asksHowMany: boolean;
}

const QUOTED =
  /"([^"]{1,400})"|“([^”]{1,400})”|„([^“”]{1,400})[“”]|«([^»]{1,400})»|「([^」]{1,400})」|『([^』]{1,400})』/g;
const WHEN = /^\s*when\b|\b(?:what|which) (?:date|day|month|year)\b/i;
const WHICH =
  /\b(?:who|where|which (?:city|country|state|place|band|book|movie)|names?|called|city|cities|country|countries|states?|book|books|movie|bands?)\b/i;
const HOW_MANY = /how (?:many|much|long|old|often)/i;

export function parseQuery(text: string): Query {
  const phrases = [...text.matchAll(QUOTED)]
    .slice(0, PHRASES_MAX)
    .map((found) => phraseOf(found.slice(1).find((group) => group !== undefined) ?? ''))
    .filter(({ terms }) => terms.length > 0);
  return {
    words: wordsOf(text),
    phrases,
    dates: datesIn(text),
    asksWhen: WHEN.test(text),
    asksWhich: WHICH.test(text),
    asksHowMany: HOW_MANY.test(text),
  };
}

function phraseOf(text: string): Phrase {
  const phrase: Phrase = { terms: [], surfaces: [] };
  eachTerm(text, (term, surface) => {
    phrase.terms.push(term);
    phrase.surfaces.push(surface);
  });
  return phrase;
}

/** Whether a text has the words of a phrase as they stand, one after the other. */
export function holdsPhrase(text: string, { surfaces }: Phrase): boolean {
  const words: string[] = [];
  eachTerm(text, (_term, surface) => words.push(surface));
  return words.some((_, at) => surfaces.every((surface, away) => words[at + away] === surface));
}

/** Each once, without those that every text has; where there are no others, these. */
function wordsOf(text: string): Word[] {
  const all = new Map<string, Word>();
  eachTerm(
    text,
    (term, surface) => {
      if (!all.has(term)) all.set(term, { term, surface, others: [] });
    },
    true,
  );
  const telling = [...all.values()].filter(({ surface }) => !STOP_WORDS.has(surface));
  const used = (telling.length > 0 ? telling : [...all.values()]).slice(0, limits.memory_query_words_max);
  return used.map((word) => ({ ...word, others: otherStems(word.surface) }));
}

const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);
/** "May" is a month beside a day or a word of time, a verb elsewhere. */
const MONTH_OF_MAY = /\b(?:in|during|of|on|by|since|until|early|late|mid|\d+) may\b|\bmay,? \d/;

function datesIn(text: string): Dates | null {
  const words = folded(text).match(/[a-z0-9]+/g) ?? [];
  const months = words
    .filter((word) => word !== 'may' || MONTH_OF_MAY.test(folded(text)))
    .map((word) => MONTHS.indexOf(word))
    .filter((month) => month !== -1);
  const years = words.filter((word) => /^(?:19|20)\d\d$/.test(word)).map(Number);
  const days = months.length === 0 ? [] : words.filter((word) => /^\d{1,2}$/.test(word)).map(Number);
  return months.length + years.length === 0
    ? null
    : { months: once(months), years: once(years), days: once(days) };
}

const once = (values: number[]): number[] => [...new Set(values)];

/** 0 to 1: how much of what was asked of a date is true of a day. */
export function dateShare({ months, years, days }: Dates, day: number): number {
  const date = new Date(day * 86_400_000);
  const hits =
    Number(months.includes(date.getUTCMonth())) +
    Number(years.includes(date.getUTCFullYear())) +
    Number(days.includes(date.getUTCDate()));
  return hits / (months.length + years.length + days.length);
}

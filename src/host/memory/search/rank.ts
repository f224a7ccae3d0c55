/**
 * The order of what was found: candidates and their neighbours in a conversation are ranked by a sum of few features. A
 * memory of a conversation is read with what was said before and after it; one that stands alone by its own words.
 */
import { cueFirstPerson, cueNames, cueNumber, cueTimes } from './features.ts';
import type { Part } from './part.ts';
import { pick } from './pick.ts';
import type { Prepared, Shelf } from './prepare.ts';
import { dateShare, type Query } from './query.ts';
import { B, K1, WEIGHTS } from './weights.ts';

/** How far a conversation is read before and after a memory. */
const AROUND = 4;
const NEAR_BEFORE = 2;
const NEAR_AFTER = 1;
/** How much longer the windows are than one memory, on average. */
const NEAR_LENGTH = 3.7;
const WIDE_LENGTH = 8;
const DIGITS = 1e6;

export interface Ranked {
  rowid: number;
  shelf: number;
  score: number;
  /** Indexes of the query's words that it holds itself, and of those that only its neighbours hold. */
  matched: number[];
  around: number[];
  speaker: boolean;
  date: boolean;
  /** It is near in meaning. */
  meaning?: true;
}

export interface Ranking {
  ranked: Ranked[];
  /** How many memories hold a word of the query. */
  matched: number;
}

/** The best `count` memories on the shelves and their neighbours, best first; of equals the newer. */
export function rank(prepared: Prepared, shelves: readonly Shelf[], count: number): Ranking {
  const { places, matched } = pick(prepared, shelves, count);
  const ranked = shelves.flatMap((shelf, index) => {
    const ordinals = places.filter((place) => place.shelf === index).map(({ ordinal }) => ordinal);
    return ordinals.length === 0 ? [] : new Window(prepared, shelf, ordinals).ranked(index);
  });
  ranked.sort((a, b) => b.score - a.score || b.rowid - a.rowid);
  return { ranked, matched };
}

const bm25 = (count: number, length: number, average: number): number =>
  count === 0 ? 0 : (count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / average));

/** Candidates of one shelf with everything that is near them: their values side by side, in the shelf's order. */
class Window {
  readonly #prepared: Prepared;
  readonly #ordinals: number[];
  readonly #wanted: Set<number>;
  readonly #docs: { part: Part; doc: number }[];
  /** Per document the indexes of those of its conversation, and how far each is from it. */
  readonly #near: { index: number; away: number }[][];
  readonly #counts: Float32Array[];
  readonly #others: { counts: Float32Array; weight: number }[][];
  readonly #speakers: Float32Array[];

  constructor(prepared: Prepared, shelf: Shelf, candidates: readonly number[]) {
    this.#prepared = prepared;
    const place = placer(shelf);
    this.#wanted = widened(candidates, place);
    this.#ordinals = [...widened([...this.#wanted], place)].sort((a, b) => a - b);
    this.#docs = this.#ordinals.map((ordinal) => place(ordinal)!);
    const at = new Map(this.#ordinals.map((ordinal, index) => [ordinal, index]));
    this.#near = this.#ordinals.map((ordinal) =>
      this.#wanted.has(ordinal)
        ? aroundOf(ordinal, place).map((other) => ({ index: at.get(other)!, away: other - ordinal }))
        : [],
    );
    this.#counts = prepared.words.map(({ term }) => this.#countsOf(term));
    this.#others = prepared.words.map(({ others }) =>
      others.map(({ term, weight }) => ({ counts: this.#countsOf(term), weight })),
    );
    this.#speakers = prepared.speakers.map((term) => this.#countsOf(term));
  }

  /** How often each document holds a term: both lists are sorted, so each is walked once. */
  #countsOf(term: string): Float32Array {
    const counts = new Float32Array(this.#docs.length);
    let from: Part | null = null;
    let postings: ReturnType<Part['postings']> = null;
    let low = 0;
    for (let index = 0; index < this.#docs.length; index += 1) {
      const { part, doc } = this.#docs[index]!;
      if (part !== from) {
        from = part;
        postings = part.postings(term);
        low = 0;
      }
      if (postings === null) continue;
      low = atLeast(postings.docs, doc, low);
      if (postings.docs[low] === doc) counts[index] = postings.counts[low]!;
    }
    return counts;
  }

  ranked(shelf: number): Ranked[] {
    const found: Ranked[] = [];
    this.#ordinals.forEach((ordinal, index) => {
      if (!this.#wanted.has(ordinal)) return;
      const { part, doc } = this.#docs[index]!;
      const lexical = this.#lexical(index);
      const named = this.#speakers.filter((counts) => counts[index]! > 0).length;
      const { dates } = this.#prepared.query;
      const date = dates === null ? 0 : dateShare(dates, part.documents.days[doc]!);
      const score =
        lexical.score / this.#prepared.mass +
        WEIGHTS.date * date +
        WEIGHTS.speaker * speakerShare(named, this.#speakers.length) +
        (WEIGHTS.length * Math.log1p(part.documents.lengths[doc]!)) / 3 +
        this.#cues(index);
      found.push({
        rowid: part.documents.rowids[doc]!,
        shelf,
        score: Math.round(score * DIGITS) / DIGITS,
        matched: lexical.matched,
        around: lexical.around,
        speaker: named > 0,
        date: date > 0,
      });
    });
    return found;
  }

  /** What the words count for, in the memory and around it. */
  #lexical(index: number): { score: number; matched: number[]; around: number[] } {
    const { averageLength, words } = this.#prepared;
    const near = this.#near[index]!;
    const length = this.#length(index);
    let nearLength = length;
    let wideLength = length;
    for (const { index: other, away } of near) {
      wideLength += this.#length(other);
      if (isNear(away)) nearLength += this.#length(other);
    }
    let score = 0;
    const matched: number[] = [];
    const around: number[] = [];
    words.forEach(({ weight }, word) => {
      const counts = this.#counts[word]!;
      const own = counts[index]!;
      let nearCount = own;
      let wideCount = own;
      for (const { index: other, away } of near) {
        wideCount += counts[other]!;
        if (isNear(away)) nearCount += counts[other]! / 2;
      }
      const ownScore = weight * bm25(own, length, averageLength);
      let irregular = 0;
      for (const other of this.#others[word]!) {
        irregular = Math.max(irregular, other.weight * bm25(other.counts[index]!, length, averageLength));
      }
      score +=
        WEIGHTS.own * ownScore +
        WEIGHTS.near * weight * bm25(nearCount, nearLength, NEAR_LENGTH * averageLength) +
        WEIGHTS.wide * weight * bm25(wideCount, wideLength, WIDE_LENGTH * averageLength) +
        WEIGHTS.irregular * Math.max(0, irregular - ownScore);
      if (own > 0 || irregular > 0) matched.push(word);
      else if (wideCount > 0) around.push(word);
    });
    return { score, matched, around };
  }

  #length(index: number): number {
    const { part, doc } = this.#docs[index]!;
    return part.documents.lengths[doc]!;
  }

  /** What kind of sentence it is: known of conversations only, and misleading elsewhere. */
  #cues(index: number): number {
    const { part, doc } = this.#docs[index]!;
    if (part.documents.sessions[doc] === 0) return 0;
    const before = this.#near[index]!.find(({ away }) => away === -1);
    const cues = part.documents.cues[doc]!;
    return (
      WEIGHTS.asks * this.#asks(index) +
      WEIGHTS.firstPerson * cueFirstPerson(cues) +
      WEIGHTS.answersQuestion * (before === undefined ? 0 : this.#asks(before.index)) +
      answerCue(this.#prepared.query, cues)
    );
  }

  #asks(index: number): number {
    const { part, doc } = this.#docs[index]!;
    return part.documents.asks[doc]! / 255;
  }
}

function answerCue({ asksWhen, asksWhich, asksHowMany }: Query, cues: number): number {
  return (
    (asksWhen ? WEIGHTS.when * cueTimes(cues) : 0) +
    (asksWhich ? WEIGHTS.which * cueNames(cues) : 0) +
    (asksHowMany ? WEIGHTS.howMany * cueNumber(cues) : 0)
  );
}

/** Of two people that are named each has said half of what is asked. */
const speakerShare = (named: number, asked: number): number => (asked === 0 ? 0 : asked === 1 ? named : 0.5);

const isNear = (away: number): boolean => away >= -NEAR_BEFORE && away <= NEAR_AFTER;

type Placer = (ordinal: number) => { part: Part; doc: number } | null;

function placer({ parts }: Shelf): Placer {
  const bases: number[] = [];
  let total = 0;
  for (const part of parts) {
    bases.push(total);
    total += part.size;
  }
  return (ordinal) => {
    if (ordinal < 0 || ordinal >= total) return null;
    let index = bases.length - 1;
    while (bases[index]! > ordinal) index -= 1;
    return { part: parts[index]!, doc: ordinal - bases[index]! };
  };
}

const sessionAt = (place: Placer, ordinal: number): number => {
  const at = place(ordinal);
  return at === null ? 0 : at.part.documents.sessions[at.doc]!;
};

/** Ordinals of the same conversation within reach, without its own. */
function aroundOf(ordinal: number, place: Placer): number[] {
  const session = sessionAt(place, ordinal);
  if (session === 0) return [];
  const around: number[] = [];
  for (let away = -AROUND; away <= AROUND; away += 1) {
    if (away !== 0 && sessionAt(place, ordinal + away) === session) around.push(ordinal + away);
  }
  return around;
}

function widened(ordinals: readonly number[], place: Placer): Set<number> {
  const wide = new Set<number>(ordinals);
  for (const ordinal of ordinals) for (const other of aroundOf(ordinal, place)) wide.add(other);
  return wide;
}

/** The first index from `low` on whose value is not below `value`: looked for in growing steps. */
function atLeast(values: Uint16Array, value: number, low: number): number {
  let step = 1;
  let from = low;
  while (from + step < values.length && values[from + step]! < value) {
    from += step;
    step *= 2;
  }
  let to = Math.min(values.length, from + step);
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

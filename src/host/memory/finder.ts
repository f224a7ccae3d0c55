/**
 * One search from its words to the rows that are shown. It reads one moment of the database, in any thread that has a
 * connection: the searching thread of the host, or a test.
 */
import { AetherError } from '../errors.ts';
import type { FoundBy } from '../found-words.ts';
import { DamagedIndex } from '../store/memory-codec.ts';
import { FoundRows, type MemoryFilter, type Standing } from '../store/memory-found.ts';
import type { MemoryRecord } from '../store/memory-record.ts';
import { ShelfReader } from '../store/memory-shelves.ts';
import type { Readable } from '../store/reader.ts';
import { type Near, VectorReader } from './dense/vectors.ts';
import { certaintyOf } from './search/absence.ts';
import { type Prepared, prepare, type Shelf } from './search/prepare.ts';
import { holdsPhrase, parseQuery, type Query } from './search/query.ts';
import { type Ranked, rank } from './search/rank.ts';

/** Candidates that are ranked; where a filter leaves too few of them, more. */
const PICKED = 200;
const PICKED_STEP = 8;
const PICKED_MAX = 1_000_000;
/** Rows of the best candidates that are read first. */
const CHECKED = 48;
/** Of those that are near in meaning. */
const NEAR = 100;
/** What is known of a row besides its words moves it by some places. */
const SPARE = 16;

export interface MemoryQuery {
  text: string;
  filter: MemoryFilter;
  limit: number;
  offset: number;
  /** What an embedding model made of it; absent: it is searched by its words. */
  vector?: Int8Array | undefined;
}

export interface MemoryHit {
  memory: MemoryRecord;
  score: number;
  why: FoundBy;
}

export interface MemoryResult {
  hits: MemoryHit[];
  /** How many match; exact where it is small. */
  total: number;
  more: boolean;
  /** The newest row that was there: what a next page does not go beyond. */
  last: number;
  /** False: nothing that was found answers the query for certain. */
  certain: boolean;
  /** Words that were taken for others, since no memory holds them. */
  readAs: { asked: string; as: string }[];
  /** The phrase in quotation marks is in no memory, and was searched as words. */
  phraseMissing: boolean;
  /** Rows that were not searched, because their index is being made. */
  unread: number;
}

interface Wanted {
  shelves: readonly Shelf[];
  near: readonly Near[];
  filter: MemoryFilter;
  /** At least so many, and one more, where there are. */
  wanted: number;
}

interface Found {
  ranked: Ranked;
  standing: Standing;
  score: number;
}

export class Finder {
  readonly #readable: Readable;
  readonly #shelves: ShelfReader;
  readonly #rows: FoundRows;
  readonly #vectors: VectorReader;

  constructor(readable: Readable) {
    this.#readable = readable;
    this.#shelves = new ShelfReader(readable);
    this.#rows = new FoundRows(readable);
    this.#vectors = new VectorReader(readable);
  }

  /** @throws AetherError `memory.index-damaged` */
  find(query: MemoryQuery): MemoryResult {
    try {
      return this.#readable.db.transaction(() => this.#find(query))();
    } catch (error) {
      if (!isDamage(error)) throw error;
      throw new AetherError({
        code: 'memory.index-damaged',
        who: 'host',
        message: `The index of the memories is damaged: ${error.message}.`,
        next: 'The host makes it again from the memories; search once more.',
      });
    }
  }

  #find({ text, filter, limit, offset, vector }: MemoryQuery): MemoryResult {
    const query = parseQuery(text);
    const last = filter.rowid_max ?? this.#rows.last();
    if (query.words.length === 0 && query.phrases.length === 0)
      return this.#newest(filter, limit, offset, last);
    const { shelves, unread } = this.#shelves.read(filter.scopes);
    const near = vector === undefined ? [] : this.#vectors.near(filter.scopes, vector, NEAR);
    let prepared = prepare(query, shelves);
    const bestOf = (words: Prepared) => this.#best(words, { shelves, near, filter, wanted: offset + limit });
    let best = bestOf(prepared);
    const phraseMissing = query.phrases.length > 0 && best.found.length === 0;
    if (phraseMissing) {
      prepared = prepare({ ...query, phrases: [] }, shelves);
      best = bestOf(prepared);
    }
    const shown = best.found.slice(offset, offset + limit);
    const records = this.#rows.records(shown.map(({ ranked }) => ranked.rowid));
    const looked = records.map((memory, index) => ({ ranked: shown[index]!.ranked, text: spoken(memory) }));
    return {
      hits: records.map((memory, index) => {
        const { ranked, score } = shown[index]!;
        return { memory, score, why: whyOf(ranked, prepared) };
      }),
      total: best.total,
      more: best.found.length > offset + limit,
      last,
      certain: offset > 0 || certaintyOf(prepared, text, looked),
      readAs: prepared.words.flatMap(({ word, readAs }) =>
        readAs === null ? [] : [{ asked: word.surface, as: readAs }],
      ),
      phraseMissing,
      unread,
    };
  }

  #newest(filter: MemoryFilter, limit: number, offset: number, last: number): MemoryResult {
    const records = this.#rows.newest(filter, { limit, offset });
    const total = this.#rows.count(filter);
    const why = { words: [], around: [], missing: [], speaker: false, date: false };
    return {
      hits: records.map((memory) => ({ memory, score: 0, why })),
      total,
      more: total > offset + limit,
      last,
      certain: true,
      readAs: [],
      phraseMissing: false,
      unread: 0,
    };
  }

  #best(prepared: Prepared, { shelves, near, filter, wanted }: Wanted): { found: Found[]; total: number } {
    for (let picked = Math.max(PICKED, 2 * wanted); ; picked *= PICKED_STEP) {
      const { ranked: byWords, matched } = rank(prepared, shelves, picked);
      const ranked = near.length === 0 ? byWords : fused(byWords, near);
      const all = matched <= picked;
      const found: Found[] = [];
      let through = 0;
      // Where everything that matches is here, it is counted; else rows are read until there are enough.
      for (
        let step = CHECKED;
        through < ranked.length && (all || found.length <= wanted + SPARE);
        step *= 2
      ) {
        found.push(...this.#passing(ranked.slice(through, through + step), filter, prepared.query));
        through += step;
      }
      if (!all && found.length <= wanted && picked < PICKED_MAX) continue;
      const share = found.length / Math.max(1, Math.min(through, ranked.length));
      const total = all ? found.length : Math.max(found.length, Math.round(matched * share));
      return { found: inOrder(found), total };
    }
  }

  #passing(ranked: readonly Ranked[], filter: MemoryFilter, query: Query): Found[] {
    const rowids = ranked.map(({ rowid }) => rowid);
    const standing = this.#rows.passing(rowids, filter);
    const passing = ranked.flatMap((each) => {
      const its = standing.get(each.rowid);
      return its === undefined ? [] : [{ ranked: each, standing: its, score: adjusted(each.score, its) }];
    });
    return this.#withPhrases(passing, query);
  }

  #withPhrases(found: Found[], { phrases }: Query): Found[] {
    if (phrases.length === 0) return found;
    const records = this.#rows.records(found.map(({ ranked }) => ranked.rowid));
    const holds = records.map(({ text, key, tags }) =>
      phrases.every((phrase) => [text, key ?? '', ...tags].some((part) => holdsPhrase(part, phrase))),
    );
    return found.filter((_, index) => holds[index] === true);
  }
}

const IMPORTANCE = 0.15;
const PINNED = 0.3;
const FEEDBACK = 0.5;
/** About what a word more or less makes: what is stale comes after what is as near and is not. */
const STALE = { live: 0, possibly_stale: -0.5, stale: -2, superseded: -2, expired: -2 };

function adjusted(score: number, { importance, pinned, weight, state }: Standing): number {
  const more =
    IMPORTANCE * (importance - 1) +
    PINNED * pinned +
    FEEDBACK * Math.max(-1, Math.min(1, weight)) +
    STALE[state];
  return score + more;
}

/** Reciprocal ranks, on the scale of what words make: the first of both orders has as much as some words. */
const RECIPROCAL = 60;
const FUSED = 4 * RECIPROCAL;
/** What has the words comes before what is only near in meaning. */
const BY_WORDS = 1.25;

/** Both orders by their places alone: scores of different models cannot be compared with those of words. */
function fused(byWords: readonly Ranked[], near: readonly Near[]): Ranked[] {
  const share = (place: number): number => FUSED / (RECIPROCAL + place + 1);
  const all = new Map<number, Ranked>();
  for (const [place, ranked] of byWords.entries())
    all.set(ranked.rowid, { ...ranked, score: BY_WORDS * share(place) });
  for (const [place, { rowid }] of near.entries()) {
    const { score, ...ranked } = all.get(rowid) ?? { ...UNMATCHED, rowid };
    all.set(rowid, { ...ranked, score: score + share(place), meaning: true });
  }
  return [...all.values()].sort((a, b) => b.score - a.score || b.rowid - a.rowid);
}

const UNMATCHED: Ranked = {
  rowid: 0,
  shelf: -1,
  score: 0,
  matched: [],
  around: [],
  speaker: false,
  date: false,
};

/** Best first; never a stale one first, while there is another. */
function inOrder(found: Found[]): Found[] {
  found.sort((a, b) => b.score - a.score || b.ranked.rowid - a.ranked.rowid);
  const first = found.findIndex(
    ({ standing }) => standing.state === 'live' || standing.state === 'possibly_stale',
  );
  if (first > 0) found.unshift(...found.splice(first, 1));
  return found;
}

function whyOf(ranked: Ranked, { words }: Prepared): FoundBy {
  const named = (indexes: readonly number[]) => indexes.map((index) => words[index]!.word.surface);
  const seen = new Set([...ranked.matched, ...ranked.around]);
  return {
    words: named(ranked.matched),
    around: named(ranked.around),
    missing: words.filter((_, index) => !seen.has(index)).map(({ word }) => word.surface),
    speaker: ranked.speaker,
    date: ranked.date,
    ...(ranked.meaning === true ? { meaning: true } : {}),
  };
}

const spoken = ({ text, key, tags }: MemoryRecord): string => [text, key ?? '', ...tags].join(' ');

const isDamage = (error: unknown): error is Error =>
  error instanceof DamagedIndex ||
  (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_CORRUPT'));

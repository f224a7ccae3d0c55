/**
 * The candidates: every list of every word of the query is read to its end, which costs a few nanoseconds a posting and
 * misses nothing, and the memories with the highest sums are taken.
 */
import { LENGTH_MAX, PART_DOCS_MAX, type Part, type Postings } from './part.ts';
import type { Prepared, Shelf } from './prepare.ts';
import { B, K1, LEXICAL, WEIGHTS } from './weights.ts';

/** Lengths are compared to so many averages: about what the windows of the ranking make of a memory alone. */
const PICKED_LENGTH = 4;
/** More than one scope may hold. */
const SHELF_STEP = 2 ** 40;

export interface Place {
  shelf: number;
  /** Counted over the parts of the shelf. */
  ordinal: number;
}

const scores = new Float32Array(PART_DOCS_MAX);
const required = new Uint8Array(PART_DOCS_MAX);
const saturation = new Float32Array(LENGTH_MAX + 1);

/** @returns the best `count` places in no order, and how many memories hold anything of the query */
export function pick(
  prepared: Prepared,
  shelves: readonly Shelf[],
  count: number,
): { places: Place[]; matched: number } {
  for (let length = 0; length <= LENGTH_MAX; length += 1) {
    saturation[length] = K1 * (1 - B + (B * length) / (PICKED_LENGTH * prepared.averageLength));
  }
  const best = new Best(count);
  shelves.forEach((shelf, index) => {
    let base = index * SHELF_STEP;
    for (const part of shelf.parts) {
      score(prepared, part);
      best.offer(scores, part.size, base);
      base += part.size;
    }
  });
  return {
    places: best.places().map((place) => ({
      shelf: Math.floor(place / SHELF_STEP),
      ordinal: place % SHELF_STEP,
    })),
    matched: best.matched,
  };
}

/** Fills `scores` for one part. */
function score({ query, words, speakers, mass }: Prepared, part: Part): void {
  scores.fill(0, 0, part.size);
  for (const { term, weight, others } of words) {
    if (weight > 0) add(part, part.postings(term), weight);
    for (const other of others) add(part, part.postings(other.term), other.weight);
  }
  const boost = (WEIGHTS.speaker * mass) / (LEXICAL * (K1 + 1));
  for (const speaker of speakers) {
    const said = part.postings(speaker);
    if (said === null) continue;
    // Named beside other words, a speaker orders what they find; alone it finds what that person said.
    for (const doc of said.docs) if (words.length === 0 || scores[doc]! > 0) scores[doc]! += boost;
  }
  const phrases = new Set(query.phrases.flatMap(({ terms }) => terms));
  if (phrases.size > 0) keepHolders(part, phrases);
}

function add({ documents: { lengths } }: Part, postings: Postings | null, weight: number): void {
  if (postings === null) return;
  const { docs, counts } = postings;
  for (let index = 0; index < docs.length; index += 1) {
    const doc = docs[index]!;
    const count = counts[index]!;
    scores[doc] = scores[doc]! + (weight * count) / (count + saturation[lengths[doc]!]!);
  }
}

/** What does not hold all terms of the phrases is no candidate. */
function keepHolders(part: Part, terms: ReadonlySet<string>): void {
  required.fill(0, 0, part.size);
  for (const term of terms) for (const doc of part.postings(term)?.docs ?? []) required[doc]! += 1;
  for (let doc = 0; doc < part.size; doc += 1) {
    if (required[doc]! < terms.size) scores[doc] = 0;
    else if (scores[doc] === 0) scores[doc] = 1e-6;
  }
}

/** Keeps the highest of many scores; of equals those that came later. */
class Best {
  readonly #count: number;
  readonly #scores: Float32Array;
  readonly #places: Float64Array;
  #size = 0;
  #floor = 0;
  matched = 0;

  constructor(count: number) {
    this.#count = count;
    this.#scores = new Float32Array(8 * count);
    this.#places = new Float64Array(8 * count);
  }

  offer(offered: Float32Array, size: number, base: number): void {
    let matched = 0;
    for (let doc = 0; doc < size; doc += 1) {
      const value = offered[doc]!;
      if (value <= 0) continue;
      matched += 1;
      if (value < this.#floor) continue;
      this.#scores[this.#size] = value;
      this.#places[this.#size] = base + doc;
      this.#size += 1;
      if (this.#size === this.#scores.length) this.#cut();
    }
    this.matched += matched;
  }

  #cut(): void {
    if (this.#size <= this.#count) return;
    const found = this.#scores.slice(0, this.#size);
    const places = this.#places.slice(0, this.#size);
    const floor = found.slice().sort()[this.#size - this.#count]!;
    let above = 0;
    for (const value of found) if (value > floor) above += 1;
    // Of those at the floor the last ones fill what is left.
    let spare = this.#count - above;
    let kept = 0;
    for (let index = this.#size - 1; index >= 0; index -= 1) {
      const value = found[index]!;
      if (value < floor || (value === floor && spare-- <= 0)) continue;
      this.#scores[kept] = value;
      this.#places[kept] = places[index]!;
      kept += 1;
    }
    this.#size = kept;
    this.#floor = floor;
  }

  places(): number[] {
    this.#cut();
    return [...this.#places.subarray(0, this.#size)];
  }
}

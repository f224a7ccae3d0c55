/**
 * A part of the index: up to 32,768 memories of one scope in the order of their rows, with a list per term of those that
 * hold it. The newest rows are a part in memory; older ones are parts in the database, which are written once
 * and of which only removals take something.
 */
import { cuesOf, dayOf, packCues, type Said, saidBy } from './features.ts';
import { eachTerm, folded, stemOf } from './tokens.ts';

export const PART_DOCS_MAX = 32_768;

/** Sorted offsets of documents, and how often each holds the term. */
export interface Postings {
  docs: Uint16Array;
  counts: Uint8Array;
}

/** A value per document. */
export interface Documents {
  rowids: Float64Array;
  /** In terms, at most LENGTH_MAX. */
  lengths: Uint16Array;
  /** Neighbours with the same value, 0 excepted, were said in one conversation. */
  sessions: Uint16Array;
  days: Int32Array;
  asks: Uint8Array;
  cues: Uint8Array;
}

export interface Part {
  readonly size: number;
  readonly lengthSum: number;
  readonly documents: Documents;
  /** Null: none holds it. */
  postings(term: string): Postings | null;
  /** Those of many terms that are held, which are few: asked for at once. */
  heldOf(terms: ReadonlySet<string>): string[];
}

export const LENGTH_MAX = 4_095;

/** What is indexed of a row of `memories`. */
export interface IndexedMemory {
  rowid: number;
  key: string | null;
  text: string;
  tags: string[];
  layer: string;
  author: string;
  run: string | null;
  valid_from_ms: number | null;
  created_ms: number;
}

/** The term by which what one person said is found. */
export const speakerTerm = (speaker: string): string => `@${stemOf(speaker)}`;

const KEY_WEIGHT = 3;
const TAG_WEIGHT = 2;

/** Terms of a memory with how often it holds each; both, what is indexed and what is removed, come from here. */
export function weighedTerms(memory: Pick<IndexedMemory, 'key' | 'text' | 'tags' | 'layer'>): {
  terms: Map<string, number>;
  length: number;
  day: number | null;
  body: string;
} {
  const { speaker, day, body } = spoken(memory);
  const terms = new Map<string, number>();
  let length = 0;
  const put = (weight: number) => (term: string) => {
    terms.set(term, (terms.get(term) ?? 0) + weight);
    length += 1;
  };
  eachTerm(body, put(1));
  if (memory.key !== null) eachTerm(memory.key, put(KEY_WEIGHT));
  for (const tag of memory.tags) eachTerm(tag, put(TAG_WEIGHT));
  if (speaker !== null) {
    terms.set(speakerTerm(speaker), 1);
    for (const name of speaker.split(' ')) terms.set(speakerTerm(name), 1);
  }
  return { terms, length, day, body };
}

/** "Ada: likes tea" is said by her in a conversation and about her in a note; with a date before it, by her as well. */
function spoken({ text, layer }: Pick<IndexedMemory, 'text' | 'layer'>): Said {
  const said = saidBy(text);
  return layer === 'episodic' || said.day !== null ? said : { speaker: null, day: null, body: text };
}

/**
 * Which conversation an episodic memory belongs to: what a tag "session…" says, else the run that stored it, else its
 * author. A memory of another layer stands alone: what was stored before it says nothing about it.
 */
export function sessionOf({ layer, tags, run, author }: IndexedMemory): number {
  if (layer !== 'episodic') return 0;
  const session = tags.find((tag) => /^(?:session|conversation)\b/i.test(tag)) ?? run ?? author;
  return (hash(folded(session)) % 65_535) + 1;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}

/** A part that grows. */
export class GrowingPart implements Part {
  readonly #lists = new Map<string, { docs: number[]; counts: number[]; view: Postings | null }>();
  #documents = room(256);
  #size = 0;
  #lengthSum = 0;

  get size(): number {
    return this.#size;
  }

  get lengthSum(): number {
    return this.#lengthSum;
  }

  get documents(): Documents {
    return this.#documents;
  }

  get lastRowid(): number {
    return this.#size === 0 ? 0 : this.#documents.rowids[this.#size - 1]!;
  }

  add(memory: IndexedMemory): void {
    const doc = this.#size;
    if (doc === this.#documents.rowids.length) this.#documents = grown(this.#documents, 2 * doc);
    const { terms, length, day, body } = weighedTerms(memory);
    const documents = this.#documents;
    documents.rowids[doc] = memory.rowid;
    documents.lengths[doc] = Math.min(LENGTH_MAX, length);
    documents.sessions[doc] = sessionOf(memory);
    documents.days[doc] = day ?? dayOf(memory.valid_from_ms ?? memory.created_ms);
    const { asks, cues } = packCues(cuesOf(body));
    documents.asks[doc] = asks;
    documents.cues[doc] = cues;
    for (const [term, count] of terms) this.#list(term, doc, Math.min(255, count));
    this.#size += 1;
    this.#lengthSum += documents.lengths[doc]!;
  }

  #list(term: string, doc: number, count: number): void {
    let list = this.#lists.get(term);
    if (list === undefined) {
      list = { docs: [], counts: [], view: null };
      this.#lists.set(term, list);
    }
    list.docs.push(doc);
    list.counts.push(count);
    list.view = null;
  }

  postings(term: string): Postings | null {
    const list = this.#lists.get(term);
    if (list === undefined) return null;
    list.view ??= { docs: Uint16Array.from(list.docs), counts: Uint8Array.from(list.counts) };
    return list.view;
  }

  heldOf(terms: ReadonlySet<string>): string[] {
    return [...terms].filter((term) => this.#lists.has(term));
  }

  /** Sorted, since a table takes its keys fastest in their order. */
  terms(): string[] {
    return [...this.#lists.keys()].sort();
  }
}

function room(size: number): Documents {
  return {
    rowids: new Float64Array(size),
    lengths: new Uint16Array(size),
    sessions: new Uint16Array(size),
    days: new Int32Array(size),
    asks: new Uint8Array(size),
    cues: new Uint8Array(size),
  };
}

function grown(from: Documents, size: number): Documents {
  const to = room(size);
  for (const name of Object.keys(to) as (keyof Documents)[]) to[name].set(from[name]);
  return to;
}

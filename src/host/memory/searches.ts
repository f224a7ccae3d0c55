/**
 * Searches as callers ask for them: their words and filters checked, a page at a time, on the event loop where that is
 * quick and in a thread elsewhere. A search that finds the index damaged has it made again, and is answered
 * from what is sound.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { AetherError } from '../errors.ts';
import type { Events } from '../events/events.ts';
import { limits } from '../limits.ts';
import type { Actor, MemoryLayer, MemoryState } from '../shapes.ts';
import { MemoryScopeTable } from '../store/memory-scopes.ts';
import type { ReadThread } from '../store/read-thread.ts';
import type { Store } from '../store/store.ts';
import type { DenseKeeper } from './dense/keeper.ts';
import { Finder, type MemoryHit, type MemoryQuery, type MemoryResult } from './finder.ts';
import { IndexKeeper } from './index-keeper.ts';
import { checkedTags } from './input.ts';
import { sinceOf } from './moment.ts';
import type { ScopeChoice, Scopes } from './scopes.ts';
import { fitting, tokensOf } from './search/budget.ts';
import { parseQuery } from './search/query.ts';
import { findMemories, MEMORY_SEARCHING } from './searching.ts';

const RESULTS_DEFAULT = 10;
/** What is searched in a millisecond or two; the way to a thread would take longer. */
const AT_ONCE_ROWS_MAX = 500;
const AT_ONCE_BYTES_MAX = 256 * 1024;

/** What is true, or may be. What was replaced or is over is found when it is asked for. */
const STATES: MemoryState[] = ['live', 'possibly_stale', 'stale'];
const ALL_STATES: MemoryState[] = [...STATES, 'superseded', 'expired'];

export interface MemorySearch {
  query: string;
  limit?: number | undefined;
  tags?: string[] | undefined;
  /** Default: all that the caller sees. */
  scope?: ScopeChoice | 'all' | undefined;
  layer?: MemoryLayer | MemoryLayer[] | undefined;
  state?: MemoryState | MemoryState[] | 'all' | undefined;
  /** A principal. */
  author?: string | undefined;
  /** A time, or how long ago: "7d". */
  since?: string | undefined;
  /** Memories are left to the next page where their texts would take more. Default: no limit. */
  budget_tokens?: number | undefined;
  /** From an earlier result of the same search. */
  cursor?: string | undefined;
}

export interface SearchResult extends Omit<MemoryResult, 'more' | 'last'> {
  /** What is to be said of the search by meaning; null: nothing. */
  meant: string | null;
  /** For the next page; null: there is none. */
  cursor: string | null;
  /** Of this page, what takes more than the whole budget. */
  longer: { id: string; tokens: number }[];
}

/** Of a memory in a result, besides its text. */
const FIELDS_TOKENS = 60;

export class Searches {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #scopes: Scopes;
  readonly #keeper: IndexKeeper;
  readonly #kept: MemoryScopeTable;
  readonly #dense: DenseKeeper;
  #finder: { finder: Finder; rollbacks: number } | null = null;
  #thread: ReadThread | null = null;

  constructor(parts: {
    store: Store;
    clock: Clock;
    events: Pick<Events, 'append'>;
    scopes: Scopes;
    dense: DenseKeeper;
  }) {
    this.#dense = parts.dense;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#scopes = parts.scopes;
    this.#keeper = new IndexKeeper(parts);
    this.#kept = new MemoryScopeTable(parts.store);
  }

  /** A row was added. */
  added(scope: string, text: string): void {
    this.#keeper.added(scope, text.length);
    this.#dense.wake();
  }

  /** Resolves when the index has caught up with the rows. */
  async settled(): Promise<void> {
    await this.#keeper.settled();
  }

  find(by: Actor, input: MemorySearch): SearchResult {
    const { query, resultOf } = this.#pageOf(by, input);
    return resultOf(this.#here(query));
  }

  /** As `find`; where there are many memories, a thread searches them, for which the event loop does not wait. */
  findApart(by: Actor, input: MemorySearch): SearchResult | Promise<SearchResult> {
    const { query, resultOf } = this.#pageOf(by, input);
    if (this.#dense.isOn() && hasWords(query.text)) return this.#meant(query, resultOf);
    return this.isQuick() ? resultOf(this.#here(query)) : this.#there(query).then(resultOf);
  }

  /** By its words and by what an embedding model makes of it. */
  async #meant(query: MemoryQuery, resultOf: (found: MemoryResult) => SearchResult): Promise<SearchResult> {
    const { vector, note } = await this.#dense.query(query.text, query.filter.scopes);
    const both = vector === null ? query : { ...query, vector };
    const found = this.isQuick() ? this.#here(both) : await this.#there(both);
    return { ...resultOf(found), meant: note };
  }

  /** Whether so little is remembered that the event loop may search it. */
  isQuick(): boolean {
    const { rows, bytes } = this.#kept.total();
    return rows <= AT_ONCE_ROWS_MAX && bytes <= AT_ONCE_BYTES_MAX;
  }

  #here(query: MemoryQuery): MemoryResult {
    const { rollbacks } = this.#store;
    // What was read of rows that were rolled back is not read again by itself.
    if (this.#finder?.rollbacks !== rollbacks) this.#finder = { finder: new Finder(this.#store), rollbacks };
    const { finder } = this.#finder!;
    try {
      return finder.find(query);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#keeper.damaged(query.filter.scopes);
      return finder.find(query);
    }
  }

  async #there(query: MemoryQuery): Promise<MemoryResult> {
    this.#thread ??= this.#store.openThread(MEMORY_SEARCHING);
    try {
      return (await this.#thread.run(findMemories.name, query)) as MemoryResult;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#keeper.damaged(query.filter.scopes);
      return (await this.#thread.run(findMemories.name, query)) as MemoryResult;
    }
  }

  #pageOf(
    by: Actor,
    input: MemorySearch,
  ): { query: MemoryQuery; resultOf(found: MemoryResult): SearchResult } {
    const { scope = 'all', cursor, query: text, author = null } = input;
    const since_ms = input.since === undefined ? null : sinceOf(input.since, this.#clock.now());
    const filter = {
      scopes: scope === 'all' ? this.#scopes.visibleTo(by) : [this.#scopes.of(by, scope)],
      states: input.state === undefined ? STATES : input.state === 'all' ? ALL_STATES : [input.state].flat(),
      layers: input.layer === undefined ? null : [input.layer].flat(),
      tags: checkedTags(input.tags ?? []),
      author,
    };
    // A time that is given as "7d" moves between two pages: the search is the same one.
    const asked = createHash('shake256', { outputLength: 9 })
      .update(JSON.stringify([text, filter, input.since]))
      .digest('base64url');
    const from = cursor === undefined ? { offset: 0, last: null } : placeOf(cursor, asked);
    const most = limits.memory_results_max;
    const limit = Math.min(Math.max(1, Math.trunc(input.limit ?? RESULTS_DEFAULT)), most);
    const last = from.last ?? this.#kept.lastRow();
    return {
      query: { text, filter: { ...filter, since_ms, rowid_max: last }, limit, offset: from.offset },
      resultOf: ({ hits, more, last: _last, ...found }) => {
        const { fit, through, longer } = fitting(
          hits,
          tokensOfHit,
          input.budget_tokens ?? Number.POSITIVE_INFINITY,
        );
        const goesOn = more || through < hits.length;
        const offset = from.offset + through;
        return {
          ...found,
          meant: null,
          hits: fit,
          cursor: goesOn && offset <= OFFSET_MAX ? cursorOf({ offset, last }, asked) : null,
          longer: longer.map(({ item, tokens }) => ({ id: item.memory.id, tokens })),
        };
      },
    };
  }
}

const hasWords = (text: string): boolean => {
  const { words, phrases } = parseQuery(text);
  return words.length > 0 || phrases.length > 0;
};

const tokensOfHit = ({ memory: { text, key, tags } }: MemoryHit): number =>
  FIELDS_TOKENS + tokensOf([text, key ?? '', ...tags].join(' '));

interface Place {
  offset: number;
  last: number | null;
}

const cursorOf = ({ offset, last }: Place, asked: string): string =>
  Buffer.from(`${asked}.${offset}.${last}`).toString('base64url');

/** How far pages go: the rest is better found by other words. */
const OFFSET_MAX = 10_000;

function placeOf(cursor: string, asked: string): Place {
  const [theirs, offset, last] = Buffer.from(cursor, 'base64url').toString('latin1').split('.');
  const place = { offset: Number(offset), last: Number(last) };
  const sound = Number.isSafeInteger(place.offset) && Number.isSafeInteger(place.last);
  if (theirs === asked && sound && place.offset >= 0 && place.offset <= OFFSET_MAX) return place;
  throw new AetherError({
    code: 'memory.cursor',
    who: 'agent',
    message: 'This cursor is not of this search, or goes too far.',
    next: 'Give the cursor that the last result had, with the same query and filters; or leave it out.',
  });
}

const isDamage = (error: unknown): boolean =>
  error instanceof AetherError && error.code === 'memory.index-damaged';

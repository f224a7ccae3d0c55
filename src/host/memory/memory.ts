/**
 * Memories, which outlive a conversation: short texts under an optional key, in the scope of one principal or shared by
 * all, found again by ranked full-text search. Storing under a key that exists replaces it and counts the version up;
 * forgetting leaves a tombstone that no search finds.
 */
import type { MemoryView, Principal } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError, nearest } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { Ids } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Actor, MemoryScope } from '../shapes.ts';
import { type MemoryQuery, type MemoryResult, MemoryTable } from '../store/memories.ts';
import { MEMORY_QUERIES, searchMemories } from '../store/memory-queries.ts';
import { type MemoryRecord, newRecord, stateOf } from '../store/memory-record.ts';
import type { ReadThread } from '../store/read-thread.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';
import { matchExpression } from './query.ts';

const SHARED = 'shared';
const RESULTS_DEFAULT = 10;
/** A search of so many takes a millisecond or less. */
const SEARCHED_AT_ONCE_MAX = 2_000;

export interface NewMemory {
  text: string;
  key?: string;
  tags?: string[];
  /** 'agent' (default): the principal's own; 'fleet', or 'shared': every agent of this host. */
  scope?: 'agent' | 'fleet' | 'shared';
}

export interface MemorySearch {
  query: string;
  limit?: number;
  tags?: string[];
  scope?: 'agent' | 'fleet' | 'shared' | 'all';
}

export interface FoundMemories {
  memories: (MemoryView & { score: number })[];
  total: number;
}

export class Memory {
  readonly #store: Store;
  readonly #table: MemoryTable;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #events: Pick<Events, 'append'>;
  readonly #counts = new Map<string, number>();
  #thread: ReadThread | null = null;

  constructor(options: { store: Store; clock: Clock; ids: Ids; events: Pick<Events, 'append'> }) {
    this.#store = options.store;
    this.#table = new MemoryTable(options.store);
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#events = options.events;
  }

  /**
   * Keeps a text; under a key that exists in the scope it replaces what is there.
   * @param via the senders that its author follows at this moment, besides itself
   */
  store(
    by: Actor,
    input: NewMemory,
    via: readonly Principal[] = [],
  ): { memory: MemoryView; replaced: boolean } {
    const owner = by.principal;
    const text = checkedText(input.text);
    const tags = checkedTags(input.tags ?? []);
    const key = input.key === undefined ? null : checkedKey(input.key);
    const scope = input.scope === 'shared' || input.scope === 'fleet' ? SHARED : owner;
    return this.#store.transaction(() => {
      const now = this.#clock.now();
      const previous = key === null ? null : this.#table.byKey(scope, key);
      if (previous !== null) {
        const memory = {
          ...previous,
          text,
          tags,
          author: owner,
          via: [...via],
          version: previous.version + 1,
          updated_ms: now,
        };
        this.#table.update(memory);
        return this.#stored(by, memory, true);
      }
      if (this.#isFull(scope)) {
        throw new AetherError({
          code: 'memory.full',
          who: 'agent',
          message: `This scope already holds ${limits.memories_per_scope_max} memories.`,
          next: 'Forget what is no longer true, or store under a key that exists to replace it.',
        });
      }
      const memory = newRecord({
        id: this.#ids.uuid(now),
        scope,
        key,
        text,
        tags,
        author: owner,
        via: [...via],
        run: by.run,
        created_ms: now,
      });
      this.#table.insert(memory);
      return this.#stored(by, memory, false);
    });
  }

  #stored(by: Actor, record: MemoryRecord, replaced: boolean): { memory: MemoryView; replaced: boolean } {
    const data = { memory: toView(record), replaced };
    this.#events.append({ topic: 'memory.stored', ...by, grade: 'enforced', data });
    return data;
  }

  /**
   * Best first; of equals the newer first. A query without any word lists the newest. Nothing found is an
   * empty list, not an error.
   * @param input.limit 1 to limits.memory_results_max, default 10
   */
  search(owner: Principal, input: MemorySearch): FoundMemories {
    return foundIn(this.#table.search(queryOf(owner, input)));
  }

  /**
   * As `search`. Where there are many memories, a thread of its own searches them, which the event loop does not wait
   * for; where there are few, the way to it would take longer than the search.
   */
  searchApart(owner: Principal, input: MemorySearch): FoundMemories | Promise<FoundMemories> {
    if (this.#table.atMost() <= SEARCHED_AT_ONCE_MAX) return this.search(owner, input);
    this.#thread ??= this.#store.openThread(MEMORY_QUERIES);
    return this.#thread
      .run(searchMemories.name, queryOf(owner, input))
      .then((result) => foundIn(result as MemoryResult));
  }

  /** By id or by key; a key is looked up in the principal's own scope first, then in the shared one. */
  get(owner: Principal, input: { id?: string; key?: string }): MemoryView {
    return toView(this.#find(owner, input));
  }

  /** @returns what was forgotten. */
  forget(by: Actor, input: { id?: string; key?: string }): MemoryView {
    return this.#store.transaction(() => {
      const memory = toView(this.#find(by.principal, input));
      this.#table.forget(memory.id, this.#clock.now());
      this.#events.append({ topic: 'memory.forgotten', ...by, grade: 'enforced', data: { memory } });
      return memory;
    });
  }

  /** Counts rows only when the estimate, which forgetting and rollbacks leave too high, says that it may be so. */
  #isFull(scope: string): boolean {
    let count = this.#counts.get(scope);
    if (count === undefined || count >= limits.memories_per_scope_max) count = this.#table.count(scope);
    this.#counts.set(scope, count + 1);
    return count >= limits.memories_per_scope_max;
  }

  #find(owner: Principal, input: { id?: string; key?: string }): MemoryRecord {
    if ((input.id === undefined) === (input.key === undefined)) {
      throw new AetherError({
        code: 'memory.id-or-key',
        who: 'agent',
        message: 'Exactly one of id and key names a memory.',
        next: 'Give the id that a search or store returned, or the key it was stored under.',
      });
    }
    if (input.id !== undefined) {
      const memory = this.#table.byId(input.id);
      // The same words for "none" and "another's": whether another agent's memory exists is not told.
      if (memory === null || (memory.scope !== owner && memory.scope !== SHARED)) throw unknownId(input.id);
      return memory;
    }
    const key = input.key as string;
    const memory = this.#table.byKey(owner, key) ?? this.#table.byKey(SHARED, key);
    if (memory === null) throw this.#unknownKey(owner, key);
    return memory;
  }

  #unknownKey(owner: Principal, key: string): AetherError {
    const { hits } = this.#table.search({
      match: matchExpression(key),
      scopes: [owner, SHARED],
      tags: [],
      limit: limits.memory_results_max,
    });
    // A key is text, too: those of others would be read here without being followed.
    const own = hits.filter(({ memory }) => memory.author === owner && memory.via.length === 0);
    const keys = own.flatMap((hit) => (hit.memory.key === null ? [] : [hit.memory.key]));
    const near = nearest(key, keys);
    const offered = (near.length > 0 ? near : keys).slice(0, 3);
    return new AetherError({
      code: 'memory.unknown',
      who: 'agent',
      message: `No memory is stored under the key ${JSON.stringify(key)}.`,
      next:
        offered.length > 0
          ? `Keys like it: ${offered.map((name) => JSON.stringify(name)).join(', ')}.`
          : 'Search for it by its words instead.',
    });
  }
}

function queryOf(owner: Principal, input: MemorySearch): MemoryQuery {
  const { scope = 'all' } = input;
  const scopes: [string, string?] =
    scope === 'agent' ? [owner] : scope === 'all' ? [owner, SHARED] : [SHARED];
  const limit = Math.min(Math.max(1, Math.trunc(input.limit ?? RESULTS_DEFAULT)), limits.memory_results_max);
  return { match: matchExpression(input.query), scopes, tags: checkedTags(input.tags ?? []), limit };
}

const foundIn = ({ hits, total }: MemoryResult): FoundMemories => ({
  memories: hits.map(({ memory, score }) => ({ ...toView(memory), score })),
  total,
});

function unknownId(id: string): AetherError {
  return new AetherError({
    code: 'memory.unknown',
    who: 'agent',
    message: `No memory has the id ${JSON.stringify(cutText(id, { chars_max: 64 }))}, or it was forgotten.`,
    next: 'Search for it by its words to learn its id.',
  });
}

function checkedText(text: string): string {
  if (text.trim() === '') {
    throw new AetherError({
      code: 'memory.empty',
      who: 'agent',
      message: 'A memory needs a text.',
      next: 'Say in a sentence what is to be remembered.',
    });
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.memory_text_bytes_max) {
    throw new AetherError({
      code: 'memory.too-long',
      who: 'agent',
      message: `The text has ${bytes} bytes; a memory holds ${limits.memory_text_bytes_max}.`,
      next: 'Store the gist, or split it; keep long documents in files and remember where they are.',
    });
  }
  return text;
}

function checkedKey(key: string): string {
  if (key.trim() === '' || key.length > limits.memory_key_chars_max) {
    throw new AetherError({
      code: 'memory.key',
      who: 'agent',
      message: `A key has 1 to ${limits.memory_key_chars_max} characters; this one has ${key.length}.`,
      next: 'Use a short name such as "deploy-target", or leave the key out.',
    });
  }
  return key;
}

function checkedTags(tags: string[]): string[] {
  const distinct = [...new Set(tags)];
  const bad = distinct.find((tag) => tag.trim() === '' || tag.length > limits.memory_tag_chars_max);
  if (distinct.length > limits.memory_tags_max || bad !== undefined) {
    throw new AetherError({
      code: 'memory.tags',
      who: 'agent',
      message: `At most ${limits.memory_tags_max} tags of 1 to ${limits.memory_tag_chars_max} characters each.`,
      next: 'Use a few short tags.',
    });
  }
  return distinct;
}

function toView({ via, stale_why, stale, expired_ms, weight: _weight, ...record }: MemoryRecord): MemoryView {
  return {
    ...record,
    scope: scopeName(record.scope),
    state: stateOf({ ...record, expired_ms, stale }),
    ...(stale_why === null ? {} : { stale: stale_why }),
    ...(via.length === 0 ? {} : { via }),
  };
}

function scopeName(scope: string): MemoryScope {
  if (scope === SHARED) return 'fleet';
  if (scope.startsWith('workspace:')) return 'workspace';
  return scope.startsWith('branch:') ? 'branch' : 'agent';
}

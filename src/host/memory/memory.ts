/**
 * Memories, which outlive a conversation: short texts under an optional key, each in a scope (scopes.ts), found again by
 * ranked search. A statement never changes: a newer one takes its place (statements.ts), its time may be over
 * (expiry.ts), and what rests on it is stale from then on (cascade.ts). Forgetting leaves a tombstone without content.
 */
import type { MemoryView, Principal } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError, nearest } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { FoundBy } from '../found-words.ts';
import type { Ids } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Actor, MemoryMarks, MemoryRemains } from '../shapes.ts';
import { MemoryCurationTable } from '../store/memory-curation.ts';
import { MemoryLinkTable, type SourceState } from '../store/memory-links.ts';
import type { MemoryRecord } from '../store/memory-record.ts';
import { MemoryRows } from '../store/memory-rows.ts';
import { MemoryScopeTable } from '../store/memory-scopes.ts';
import { MemoryShownTable } from '../store/memory-shown.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';
import { Cascade } from './cascade.ts';
import type { Endpoint } from './dense/endpoint.ts';
import { DenseKeeper } from './dense/keeper.ts';
import { Expiry } from './expiry.ts';
import { Forgetting } from './forgetting.ts';
import { type MemoryQuotas, Quotas } from './quotas.ts';
import { type Place, Scopes } from './scopes.ts';
import { type MemorySearch, Searches, type SearchResult } from './searches.ts';
import { LOOKED_AT_MAX } from './sources.ts';
import { actorOf, type NewMemory, Statements } from './statements.ts';
import { toView } from './view.ts';

export type { MemorySearch };

/** Why it was found, and what says otherwise. */
export interface FoundMemory extends MemoryView {
  score: number;
  found: FoundBy;
  age_ms: number;
  /** Live ones that say something else. */
  contradictedBy: MemoryView[];
}

export interface FoundMemories extends Omit<SearchResult, 'hits'> {
  memories: FoundMemory[];
}

export interface StoredMemory {
  memory: MemoryView;
  /** An earlier statement stood under its key. */
  replaced: boolean;
  superseded: string[];
  marked: MemoryMarks;
  /** Live ones that say something else. */
  contradictedBy: MemoryView[];
}

/** All that is known of one memory. */
export interface ReadMemory {
  memory: MemoryView;
  /** Earlier statements under its key, the newest first; none unless asked for. */
  history: MemoryView[];
  /** What it rests on. `state` null: forgotten, or not the reader's to see. */
  sources: SourceState[];
  contradictedBy: MemoryView[];
}

export interface ForgottenMemory {
  /** As it was. */
  memory: MemoryView;
  /** Ids of the earlier statements under its key, which went with it. */
  earlier: string[];
  marked: MemoryMarks;
}

/** One of the two. */
export type MemoryName = { id?: string | undefined; key?: string | undefined };

export interface MemoryParts {
  store: Store;
  clock: Clock;
  ids: Ids;
  events: Pick<Events, 'append' | 'redact'>;
  /** Where an agent works; null: in no workspace of this host. */
  placeOf?(by: Actor): Place | null;
  quotas?(): MemoryQuotas;
  /** Null: memories are searched by their words alone. */
  embeddings?(): Endpoint | null;
}

const QUOTAS: MemoryQuotas = {
  memories_per_scope_max: limits.memories_per_scope_max,
  bytes_per_scope_max: limits.memory_bytes_per_scope_max,
};

const SHOWN_AGAIN_MS = 60_000;
const SHOWN_KEPT_MAX = 10_000;

export class Memory {
  readonly #store: Store;
  readonly #rows: MemoryRows;
  readonly #links: MemoryLinkTable;
  readonly #shown: MemoryShownTable;
  /** When a memory was last written down as shown, by reader and id. */
  readonly #shownAt = new Map<string, number>();
  readonly #curated: MemoryCurationTable;
  readonly #clock: Clock;
  readonly #events: Pick<Events, 'append'>;
  readonly #scopes: Scopes;
  readonly #expiry: Expiry;
  readonly #forgetting: Forgetting;
  readonly #statements: Statements;
  readonly #searches: Searches;
  readonly #dense: DenseKeeper;
  /** How much each scope may hold, and what would make room. */
  readonly quotas: Quotas;

  constructor(parts: MemoryParts) {
    const { store, clock, ids, events } = parts;
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    const rows = new MemoryRows(store);
    const scopeTable = new MemoryScopeTable(store);
    const links = new MemoryLinkTable(store);
    const scopes = new Scopes(parts.placeOf ?? (() => null), () => scopeTable.all());
    const cascade = new Cascade(rows, links);
    this.#rows = rows;
    this.#links = links;
    this.#shown = new MemoryShownTable(store);
    this.#curated = new MemoryCurationTable(store);
    this.#scopes = scopes;
    this.#dense = new DenseKeeper({ store, clock, events, endpoint: parts.embeddings ?? (() => null) });
    this.#searches = new Searches({ store, clock, events, scopes, dense: this.#dense });
    this.#forgetting = new Forgetting({ store, rows, shown: this.#shown, cascade, clock, events });
    this.#expiry = new Expiry({ store, rows, cascade, clock, events });
    this.quotas = new Quotas(rows, scopeTable, parts.quotas ?? (() => QUOTAS));
    this.#statements = new Statements({
      ...{ store, rows, links, cascade, scopes, clock, ids, events },
      quotas: this.quotas,
      find: (by, id) => this.#find(by, { id }),
      shownTo: (reader) => this.#shown.shownTo(reader, LOOKED_AT_MAX).flatMap((id) => rows.byId(id) ?? []),
      said: (reader, id) => this.#shown.add(reader, id, clock.now()),
    });
  }

  /**
   * Keeps a text; under a key that exists in the scope it takes the place of what stands there.
   * @param via the senders that its author follows at this moment, besides itself
   * @param reader what was shown to it may be what the text rests on
   */
  store(
    by: Actor,
    input: NewMemory,
    via: readonly Principal[] = [],
    reader: string | null = by.run,
  ): StoredMemory {
    this.#expiry.settle();
    const { record, previous, superseded, marked } = this.#statements.store(by, input, via, reader);
    this.#searches.added(record.scope, record.text);
    return {
      memory: toView(record),
      replaced: previous !== null,
      superseded,
      marked,
      contradictedBy: this.#contradicting(by, record).map(toView),
    };
  }

  /**
   * Best first; of equals the newer first, and a stale one never before one that is not. A query without any word
   * lists the newest. Nothing found is an empty list, not an error.
   * @param input.limit 1 to limits.memory_results_max, default 10
   */
  search(by: Actor, input: MemorySearch): FoundMemories {
    this.#expiry.settle();
    return this.#found(by, this.#searches.find(by, input));
  }

  /** As `search`. Where there are many memories, a thread searches them, for which the event loop does not wait. */
  searchApart(by: Actor, input: MemorySearch): FoundMemories | Promise<FoundMemories> {
    this.#expiry.settle();
    const result = this.#searches.findApart(by, input);
    return result instanceof Promise
      ? result.then((later) => this.#found(by, later))
      : this.#found(by, result);
  }

  /** What is pinned of all that the reader sees, the newest first. */
  pinned(by: Actor): MemoryView[] {
    this.#expiry.settle();
    return this.#curated.pinned(this.#scopes.visibleTo(by), limits.memory_results_max).map(toView);
  }

  /** Resolves when every memory has its place in the index of the search. */
  async indexed(): Promise<void> {
    await this.#searches.settled();
    await this.#dense.settled();
  }

  /** By id or by key; a key is looked up in the principal's own scope first, then from the narrower to the wider. */
  get(by: Actor, { history = false, ...name }: MemoryName & { history?: boolean }): ReadMemory {
    this.#expiry.settle();
    const record = this.#find(by, name);
    const { scope, key, id } = record;
    const versions =
      key === null || !history ? [] : this.#rows.versions(scope, key, limits.memory_versions_max + 1);
    const visible = this.#scopes.visibleTo(by);
    return {
      memory: toView(record),
      history: versions.filter((one) => one.version < record.version).map(toView),
      sources: this.#links.sourceStates(id, visible),
      contradictedBy: this.#contradicting(by, record).map(toView),
    };
  }

  /** @returns what was forgotten, as it was. */
  forget(by: Actor, input: MemoryName): ForgottenMemory {
    this.#expiry.settle();
    return this.#store.transaction(() => {
      const record = this.#find(by, input);
      const { scope, key } = record;
      const stands = record.superseded_ms === null;
      const earlier =
        key === null || !stands
          ? []
          : this.#rows
              .versions(scope, key, limits.memory_versions_max + 1)
              .filter(({ id }) => id !== record.id);
      const gone = [record, ...earlier].map(({ id }) => id);
      const marked = this.#forgetting.begin(by, [record, ...earlier]);
      const { id, author, version } = record;
      this.#events.append({
        topic: 'memory.forgotten',
        ...actorOf(by),
        grade: 'enforced',
        data: {
          memory: { id, author, version, scope: toView(record).scope },
          ...(earlier.length === 0 ? {} : { earlier: gone.slice(1) }),
          ...(marked.stale + marked.possibly_stale === 0 ? {} : { marked }),
        },
      });
      return { memory: toView(record), earlier: gone.slice(1), marked };
    });
  }

  /** Every few seconds: marks those whose time has come, which each read does too, and has missing vectors made. */
  upkeep(): void {
    this.#expiry.settle();
    this.#dense.wake();
  }

  /** Removes from the rest of the database what a memory said that was forgotten. @returns where it still stands */
  scrub(memory: string): Promise<MemoryRemains[]> {
    return this.#forgetting.scrub(memory);
  }

  /** For a new host: what the last one had forgotten and not removed everywhere. */
  resume(): Promise<void> {
    return this.#forgetting.resume();
  }

  /** By an operator: removes what an agent that forgot it could not. @returns how many places */
  redact(memory: string): Promise<number> {
    return this.#forgetting.redact(memory);
  }

  /**
   * A reader (a run, or the bridge of an outside client) is given these. One that asks for the same again and again
   * costs one write in SHOWN_AGAIN_MS, not one a read.
   */
  shown(reader: string, memories: readonly Pick<MemoryView, 'id'>[]): void {
    const now = this.#clock.now();
    const fresh = memories.filter(({ id }) => {
      const at = this.#shownAt.get(`${reader} ${id}`);
      return at === undefined || now < at || now - at >= SHOWN_AGAIN_MS;
    });
    if (fresh.length === 0) return;
    this.#store.transaction(() => {
      if (this.#shownAt.size > SHOWN_KEPT_MAX) this.#shownAt.clear();
      this.#store.onRollback(() => this.#shownAt.clear());
      for (const { id } of fresh) {
        this.#shown.add(reader, id, now);
        this.#rows.used(id, now);
        this.#shownAt.set(`${reader} ${id}`, now);
      }
    });
  }

  /** Ids of what this reader was given until then, the latest first. */
  shownTo(reader: string, until_ms: number): string[] {
    return this.#shown.shownTo(reader, limits.memory_weighed_max, until_ms);
  }

  /** Live ones that contradict it: declared so, or under its key in another scope that the reader sees. */
  #contradicting(by: Actor, record: MemoryRecord): MemoryRecord[] {
    if (record.superseded_ms !== null || record.expired_ms !== null) return [];
    const visible = this.#scopes.visibleTo(by);
    const declared = this.#links.opposed(record.id).flatMap((id) => this.#rows.byId(id) ?? []);
    const underKey = record.key === null ? [] : this.#rows.underKey(record.key, visible);
    const others = [...declared, ...underKey.filter(({ text }) => text !== record.text)].filter(
      (one) =>
        one.id !== record.id &&
        one.superseded_ms === null &&
        one.expired_ms === null &&
        visible.includes(one.scope),
    );
    return others.filter(({ id }, at) => others.findIndex((one) => one.id === id) === at);
  }

  #find(by: Actor, input: MemoryName): MemoryRecord {
    if ((input.id === undefined) === (input.key === undefined)) {
      throw new AetherError({
        code: 'memory.id-or-key',
        who: 'agent',
        message: 'Exactly one of id and key names a memory.',
        next: 'Give the id that a search or store returned, or the key it was stored under.',
      });
    }
    const visible = this.#scopes.visibleTo(by);
    if (input.id !== undefined) {
      const memory = this.#rows.byId(input.id);
      // The same words for "none" and "another's": whether another agent's memory exists is not told.
      if (memory === null || !visible.includes(memory.scope)) throw unknownId(input.id);
      return memory;
    }
    const key = input.key as string;
    for (const scope of visible) {
      const memory = this.#rows.byKey(scope, key);
      if (memory !== null) return memory;
    }
    throw this.#unknownKey(by, key);
  }

  #found(by: Actor, { hits, ...result }: SearchResult): FoundMemories {
    const memories = hits.map(({ memory, score, why }) => ({
      ...toView(memory),
      score,
      found: why,
      age_ms: Math.max(0, this.#clock.now() - memory.updated_ms),
      contradictedBy: this.#contradicting(by, memory).map(toView),
    }));
    return { ...result, memories };
  }

  #unknownKey(by: Actor, key: string): AetherError {
    // Among many memories this would hold up the host: there the caller searches.
    const { hits } = this.#searches.isQuick()
      ? this.#searches.find(by, { query: key, limit: limits.memory_results_max })
      : { hits: [] };
    // A key is text, too: those of others would be read here without being followed.
    const own = hits.filter(({ memory }) => memory.author === by.principal && memory.via.length === 0);
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

function unknownId(id: string): AetherError {
  return new AetherError({
    code: 'memory.unknown',
    who: 'agent',
    message: `No memory has the id ${JSON.stringify(cutText(id, { chars_max: 64 }))}, or it was forgotten.`,
    next: 'Search for it by its words to learn its id.',
  });
}

/**
 * Keeps what is stored. A statement never changes: one that is stored under a key that exists, or that names others as
 * superseded, takes their place, and they stay as history. All of it is one transaction: two writers that saw the same
 * version cannot both replace it.
 */
import type { Principal } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { Ids } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Actor, MemoryEvidence, MemoryLayer, MemoryMarks } from '../shapes.ts';
import type { MemoryLinkTable } from '../store/memory-links.ts';
import { type MemoryRecord, newRecord, stateOf } from '../store/memory-record.ts';
import type { MemoryRows } from '../store/memory-rows.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';
import { type Cascade, markOf } from './cascade.ts';
import { checkedExpiry, checkedIds, checkedKey, checkedMoment, checkedTags, checkedText } from './input.ts';
import { bytesOf, type Quotas } from './quotas.ts';
import type { ScopeChoice, Scopes } from './scopes.ts';
import { possibleSources } from './sources.ts';
import { noteOf } from './view.ts';

export interface NewMemory {
  text: string;
  key?: string | undefined;
  tags?: string[] | undefined;
  /** Default 'agent': the principal's own. */
  scope?: ScopeChoice | undefined;
  layer?: MemoryLayer | undefined;
  /** 0 to 3, default 1. */
  importance?: number | undefined;
  /** ISO 8601, or from now on: "7d". */
  expires?: string | undefined;
  valid_from?: string | undefined;
  /** The version under the key that the writer has seen; 0: none. */
  if_version?: number | undefined;
  /** Ids that this one takes the place of. */
  supersedes?: string[] | undefined;
  /** Ids that it rests on. Absent: not said; empty: it rests on none. */
  derived_from?: string[] | undefined;
  contradicts?: string[] | undefined;
  evidence?: MemoryEvidence | undefined;
}

export interface StoredRecord {
  record: MemoryRecord;
  /** What it took the place of under its key. */
  previous: MemoryRecord | null;
  /** Ids of all that it took the place of. */
  superseded: string[];
  marked: MemoryMarks;
}

interface Parts {
  store: Store;
  rows: MemoryRows;
  links: MemoryLinkTable;
  cascade: Cascade;
  quotas: Quotas;
  scopes: Scopes;
  clock: Clock;
  ids: Ids;
  events: Pick<Events, 'append'>;
  /** By id or key, among what the principal sees. @throws AetherError `memory.unknown` */
  find(by: Actor, id: string): MemoryRecord;
  /** What this reader was shown before, and has said itself, the latest first. */
  shownTo(reader: string): MemoryRecord[];
  said(reader: string, id: string): void;
}

export class Statements {
  readonly #o: Parts;

  constructor(parts: Parts) {
    this.#o = parts;
  }

  /**
   * @param via the senders that its author follows at this moment, besides itself
   * @param reader what was shown to it may be what the text rests on; null: it was shown nothing
   */
  store(by: Actor, input: NewMemory, via: readonly Principal[], reader: string | null): StoredRecord {
    const { store, rows, scopes, clock } = this.#o;
    const draft = draftOf(input, clock.now());
    const supersedes = checkedIds(input.supersedes ?? [], 'supersedes');
    const derivedFrom = input.derived_from && checkedIds(input.derived_from, 'derived_from');
    const contradicts = checkedIds(input.contradicts ?? [], 'contradicts');
    return store.transaction(() => {
      const scope = scopes.of(by, input.scope ?? 'agent');
      const previous = draft.key === null ? null : rows.byKey(scope, draft.key);
      requireVersion(input, previous);
      const named = supersedes.map((id) => standing(this.#o.find(by, id)));
      const replaced = named.filter(({ id }) => id !== previous?.id);
      if (previous !== null) replaced.push(previous);
      const sources = derivedFrom?.map((id) => this.#o.find(by, id));
      const opposed = contradicts.map((id) => this.#o.find(by, id));
      const record = this.#record(by, scope, draft, via);
      const freed = replaced.filter((one) => one.scope === scope).length;
      this.#o.quotas.require(scope, { memories: freed > 0 ? 0 : 1, bytes: bytesOf(record) });
      const shown = sources === undefined && reader !== null ? this.#o.shownTo(reader) : [];
      const possible = possibleSources(record, shown);
      const stored = this.#keep(record, { replaced, sources, possible, opposed });
      if (reader !== null) this.#o.said(reader, record.id);
      if (previous !== null) this.#trim(record);
      this.#o.events.append({
        topic: 'memory.stored',
        ...actorOf(by),
        grade: 'enforced',
        data: {
          memory: noteOf(record),
          replaced: previous !== null,
          ...(stored.superseded.length === 0 ? {} : { superseded: stored.superseded }),
          ...(stored.marked.stale + stored.marked.possibly_stale === 0 ? {} : { marked: stored.marked }),
        },
      });
      return { ...stored, previous };
    });
  }

  #record(by: Actor, scope: string, draft: Draft, via: readonly Principal[]): MemoryRecord {
    const { rows, clock, ids } = this.#o;
    const now = clock.now();
    return newRecord({
      ...draft,
      id: ids.uuid(now),
      scope,
      author: by.principal,
      via: [...via],
      run: by.run,
      version: draft.key === null ? 1 : rows.lastVersion(scope, draft.key) + 1,
      created_ms: now,
    });
  }

  #keep(
    record: MemoryRecord,
    given: {
      replaced: MemoryRecord[];
      sources: MemoryRecord[] | undefined;
      possible: MemoryRecord[];
      opposed: MemoryRecord[];
    },
  ): Omit<StoredRecord, 'previous'> {
    const { rows, links, cascade } = this.#o;
    const superseded = given.replaced.map(({ id }) => id);
    const others = (list: MemoryRecord[]) => list.filter(({ id }) => !superseded.includes(id));
    const declared = given.sources !== undefined;
    const sources = given.sources ?? given.possible;
    const mark = markOf(others(sources), declared);
    if (mark !== null) {
      record.stale = mark.stale;
      record.stale_why = mark.why;
    }
    const now = record.created_ms;
    for (const id of superseded) rows.supersede(id, record.id, now);
    rows.insert(record);
    for (const { id } of sources) links.add(record.id, declared ? 'derived' : 'possible', id);
    for (const { id } of given.opposed) links.add(record.id, 'contradicts', id);
    for (const id of superseded) links.add(record.id, 'supersedes', id);
    const marked = cascade.mark(superseded, { what: 'superseded', at_ms: now }, record.id);
    return { record, superseded, marked };
  }

  /** Of one key so many earlier versions are kept. */
  #trim({ scope, key }: MemoryRecord): void {
    if (key === null) return;
    const { rows, clock } = this.#o;
    for (const old of rows
      .versions(scope, key, limits.memory_versions_max + 8)
      .slice(limits.memory_versions_max))
      rows.forget(old.id, clock.now());
  }
}

export const actorOf = ({ principal, agent, run }: Actor): Actor => ({ principal, agent, run });

type Draft = Pick<
  MemoryRecord,
  'text' | 'key' | 'tags' | 'layer' | 'importance' | 'expires_ms' | 'valid_from_ms' | 'evidence'
>;

function draftOf(input: NewMemory, now_ms: number): Draft {
  return {
    text: checkedText(input.text),
    key: input.key === undefined ? null : checkedKey(input.key),
    tags: checkedTags(input.tags ?? []),
    layer: input.layer ?? 'semantic',
    importance: Math.min(3, Math.max(0, Math.trunc(input.importance ?? 1))),
    expires_ms: input.expires === undefined ? null : checkedExpiry(input.expires, now_ms),
    valid_from_ms:
      input.valid_from === undefined ? null : checkedMoment(input.valid_from, 'valid_from', now_ms),
    evidence: input.evidence ?? null,
  };
}

/** @throws AetherError `memory.conflict` where the writer has seen another version than the one that stands */
function requireVersion({ key, if_version: seen }: NewMemory, current: MemoryRecord | null): void {
  if (seen === undefined) return;
  if (key === undefined) {
    throw new AetherError({
      code: 'memory.key-missing',
      who: 'agent',
      message: 'if_version is the version under a key, and no key was given.',
      next: 'Give the key, or leave if_version out.',
    });
  }
  if (seen === (current?.version ?? 0)) return;
  const is =
    current === null
      ? 'there is none'
      : `it is version ${current.version} (${current.id}, by ${current.author}): ${cutText(current.text, { chars_max: 2_000 })}`;
  throw new AetherError({
    code: 'memory.conflict',
    who: 'agent',
    message: `Nothing was stored: the memory under ${JSON.stringify(key)} is not at version ${seen}; ${is}`,
    next: 'Merge your change with what is there now, and store it with the version that is named here.',
  });
}

/** @throws AetherError `memory.conflict` where another has taken its place already */
function standing(memory: MemoryRecord): MemoryRecord {
  if (stateOf(memory) !== 'superseded') return memory;
  throw new AetherError({
    code: 'memory.conflict',
    who: 'agent',
    message: `Nothing was stored: ${memory.id} was superseded by ${memory.superseded_by ?? 'another'} meanwhile.`,
    next: 'Read the one that stands now, and name that one in supersedes if yours still replaces it.',
  });
}

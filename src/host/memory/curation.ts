/**
 * Memory as people look after it: they see every scope, and what they say is the operator's word. An edit is a newer
 * statement like any other, so that what rests on the old one is stale from then on.
 */
import type {
  CuratedMemory,
  ImportedMemories,
  MemoryChange,
  MemoryFilter,
  MemoryPage,
  MemoryQuota,
  MemoryStory,
  Principal,
} from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError } from '../errors.ts';
import type { Events } from '../events/events.ts';
import { foundBy, searchNotes } from '../found-words.ts';
import { limits } from '../limits.ts';
import type { MemoryRemains } from '../shapes.ts';
import { MemoryCurationTable } from '../store/memory-curation.ts';
import { MemoryLinkTable } from '../store/memory-links.ts';
import type { MemoryRecord } from '../store/memory-record.ts';
import { MemoryRows } from '../store/memory-rows.ts';
import { MemoryShownTable } from '../store/memory-shown.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';
import { because } from './because.ts';
import type { PortableMemory } from './formats/portable.ts';
import type { ForgottenMemory, Memory } from './memory.ts';
import { FLEET, toView } from './view.ts';

const LISTED_DEFAULT = 50;
const READERS_MAX = 50;
const FEEDBACK_MAX = 50;
/** Shorter beginnings of an id name too many. */
const PREFIX_CHARS_MIN = 4;

interface Parts {
  store: Store;
  memory: Memory;
  clock: Clock;
  events: Pick<Events, 'append' | 'feedbackOn'>;
  /** Null: not a run of this host, or not any more. */
  agentOf(run: string): string | null;
}

export class Curation {
  readonly #o: Parts;
  readonly #table: MemoryCurationTable;
  readonly #rows: MemoryRows;
  readonly #links: MemoryLinkTable;
  readonly #shown: MemoryShownTable;

  constructor(parts: Parts) {
    this.#o = parts;
    this.#table = new MemoryCurationTable(parts.store);
    this.#rows = new MemoryRows(parts.store);
    this.#links = new MemoryLinkTable(parts.store);
    this.#shown = new MemoryShownTable(parts.store);
  }

  /** By words the best first, otherwise the newest first. */
  async list(by: Principal, asked: MemoryFilter): Promise<MemoryPage> {
    const scopes = this.#table.scopes().map(({ scope, ...use }) => ({ ...use, scope: outerScope(scope) }));
    const quota = this.#o.memory.quotas.limits;
    const limit = asked.limit ?? LISTED_DEFAULT;
    const { query = '', state, layer, author, tag } = asked;
    if (query.trim() !== '') {
      const found = await this.#o.memory.searchApart(actor(by), {
        ...{ query, state, layer, author, cursor: asked.cursor },
        limit: Math.min(limit, limits.memory_results_max),
        ...(tag === undefined ? {} : { tags: [tag] }),
        ...(asked.scope === undefined ? {} : { scope: { exact: innerScope(asked.scope) } }),
      });
      const memories = found.memories.flatMap(({ id, score, found: why }) => {
        const record = this.#rows.byId(id);
        return record === null || (asked.pinned === true && !record.pinned)
          ? []
          : [{ ...curated(record), score, found: foundBy(why) }];
      });
      const notes = searchNotes({ ...found, shown: memories.length });
      return { memories, scopes, quota, notes, cursor: found.cursor };
    }
    const listed = this.#table.list({
      scope: asked.scope === undefined ? null : innerScope(asked.scope),
      state: asked.state ?? null,
      layer: asked.layer ?? null,
      author: asked.author ?? null,
      tag: asked.tag ?? null,
      pinned: asked.pinned ?? false,
      before: asked.cursor === undefined ? null : placeOf(asked.cursor),
      limit,
    });
    const last = listed.length === limit ? listed.at(-1) : undefined;
    return {
      memories: listed.map(({ rowid: _rowid, ...record }) => curated(record)),
      scopes,
      quota,
      notes: [],
      cursor: last === undefined ? null : `${last.updated_ms}.${last.rowid}`,
    };
  }

  /** @param id the beginning of one is enough. @throws AetherError `memory.unknown`, `memory.ambiguous` */
  show(by: Principal, id: string): MemoryStory {
    const record = this.#named(id);
    const { contradictedBy } = this.#o.memory.get(actor(by), { id: record.id });
    const versions =
      record.key === null
        ? this.#before(record)
        : this.#rows.versions(record.scope, record.key, limits.memory_versions_max + 1);
    const seen = (other: string) => {
      const found = this.#rows.byId(other);
      return found === null ? null : curated(found);
    };
    const story: MemoryStory = {
      memory: curated(record),
      history: versions.filter((one) => one.id !== record.id).map(curated),
      sources: this.#links.sources(record.id).map((link) => ({ ...link, memory: seen(link.id) })),
      dependants: this.#links
        .dependants(record.id)
        .slice(0, READERS_MAX)
        .map(({ id: dependant, kind }) => ({ id: dependant, kind, memory: seen(dependant) })),
      contradictedBy: contradictedBy.flatMap(({ id: other }) => seen(other) ?? []),
      shownTo: this.#shown
        .readersOf(record.id, READERS_MAX)
        .map(({ reader, at_ms }) => ({ reader, agent: this.#o.agentOf(reader), at_ms })),
      feedback: this.#o.events.feedbackOn(record.id, FEEDBACK_MAX).map(({ data, principal, at_ms }) => ({
        ...{ thumb: data.thumb, by: principal, at_ms },
        kept: data.kept === undefined ? null : seen(data.kept),
      })),
      because: [],
    };
    return { ...story, because: because(story) };
  }

  /** What it took the place of without a key. */
  #before({ id }: MemoryRecord): MemoryRecord[] {
    return this.#links.replaced(id).flatMap((old) => this.#rows.byId(old) ?? []);
  }

  /**
   * What is not changed stays as it was, except what it rests on: that is the operator's word now.
   * @throws AetherError `memory.conflict` where it does not stand any more
   */
  edit(by: Principal, id: string, change: MemoryChange): CuratedMemory {
    const { store, memory } = this.#o;
    return store.transaction(() => {
      const old = this.#named(id);
      if (old.superseded_ms !== null) throw replaced(old);
      const key = change.key ?? old.key ?? undefined;
      const { expires = untilOf(old, this.#o.clock.now()) } = change;
      const { memory: made } = memory.store(actor(by), {
        text: change.text ?? old.text,
        ...(key === undefined ? {} : { key }),
        tags: change.tags ?? old.tags,
        layer: change.layer ?? old.layer,
        importance: change.importance ?? old.importance,
        ...(expires === null ? {} : { expires }),
        ...(old.valid_from_ms === null || change.text !== undefined
          ? {}
          : { valid_from: iso(old.valid_from_ms) }),
        scope: { exact: old.scope },
        supersedes: [old.id],
        derived_from: [],
      });
      if (old.pinned) this.#table.pin(made.id, true);
      return curated(this.#rows.byId(made.id)!);
    });
  }

  pin(by: Principal, id: string, pinned: boolean): CuratedMemory {
    return this.#o.store.transaction(() => {
      const record = this.#named(id);
      if (record.superseded_ms !== null) throw replaced(record);
      if (record.pinned !== pinned) {
        this.#table.pin(record.id, pinned);
        this.#o.events.append({
          topic: 'memory.pinned',
          agent: agentOf(record.scope),
          principal: by,
          grade: 'enforced',
          data: { memory: record.id, pinned },
        });
      }
      return curated({ ...record, pinned });
    });
  }

  /** @returns what went with it, how many memories that rest on it are stale now, and where it still stands */
  async forget(by: Principal, id: string): Promise<ForgottenMemory & { remains: MemoryRemains[] }> {
    const { memory } = this.#o;
    const gone = memory.forget(actor(by), { id: this.#named(id).id });
    const remains = await memory.scrub(gone.memory.id);
    // Its words are gone from the host: they do not come back in an answer.
    return { ...gone, memory: { ...gone.memory, text: '', key: null, tags: [] }, remains };
  }

  /** What an agent that forgot it could not remove. @param id whole: what is forgotten is not looked up */
  async redact(id: string): Promise<{ places: number }> {
    return { places: await this.#o.memory.redact(id) };
  }

  /**
   * Those that the scope does not hold yet, in this order. The operator is their author: what a file says of authors is
   * said by a file.
   * @param from where they come from, for people
   * @param preview nothing is stored
   */
  import(
    by: Principal,
    asked: {
      scope: string;
      from: string;
      memories: readonly PortableMemory[];
      preview?: boolean | undefined;
    },
  ): ImportedMemories {
    const { store, memory } = this.#o;
    const scope = innerScope(asked.scope);
    return store.transaction(() => {
      const fates = this.#fatesOf(scope, asked.memories);
      const fresh = asked.memories.filter((_one, at) => fates[at] === 'new' || fates[at] === 'replaces');
      for (const { text, key, tags, layer, importance, pinned, expires_ms, ...more } of fresh) {
        if (asked.preview === true) break;
        const since = more.valid_from_ms ?? more.created_ms;
        const { memory: made } = memory.store(actor(by), {
          ...{ text, key, tags, layer, importance, scope: { exact: scope }, derived_from: [] },
          evidence: { from: asked.from },
          ...(expires_ms === undefined ? {} : { expires: iso(expires_ms) }),
          ...(since === undefined ? {} : { valid_from: iso(since) }),
        });
        if (pinned === true) this.#table.pin(made.id, true);
      }
      return { stored: fresh.length, known: asked.memories.length - fresh.length, fates };
    });
  }

  #fatesOf(scope: string, memories: readonly PortableMemory[]): ImportedMemories['fates'] {
    const known = this.#table.known(
      scope,
      memories.map(({ text }) => text),
    );
    const keys = new Set<string>();
    return memories.map(({ text, key, expires_ms }) => {
      if (known.has(text)) return 'known';
      if (expires_ms !== undefined && expires_ms <= this.#o.clock.now()) return 'over';
      known.add(text);
      if (key === undefined) return 'new';
      const stands = keys.has(key) || this.#rows.byKey(scope, key) !== null;
      keys.add(key);
      return stands ? 'replaces' : 'new';
    });
  }

  quota(scope: string): MemoryQuota {
    const { quotas } = this.#o.memory;
    const { first, ...use } = quotas.of(innerScope(scope));
    const named = first.flatMap(({ id, why }) => {
      const record = this.#rows.byId(id);
      return record === null ? [] : [{ memory: curated(record), why }];
    });
    return { scope, ...use, ...quotas.limits, first: named };
  }

  /** What feedback says of them. @returns those that are still there */
  weigh(ids: readonly string[], more: number): string[] {
    const there = ids.filter((id) => this.#rows.byId(id) !== null);
    for (const id of there) this.#table.weigh(id, more);
    return there;
  }

  #named(id: string): MemoryRecord {
    const exact = this.#rows.byId(id);
    if (exact !== null) return exact;
    const found = id.length < PREFIX_CHARS_MIN ? [] : this.#table.byPrefix(id);
    if (found.length === 1) return found[0]!;
    throw new AetherError(
      found.length > 1
        ? {
            code: 'memory.ambiguous',
            who: 'user',
            message: `Several memories have an id that begins with ${id}.`,
            next: 'Give more of it: ids differ in their last parts.',
          }
        : {
            code: 'memory.unknown',
            who: 'user',
            message: `No memory has the id ${JSON.stringify(cutText(id, { chars_max: 64 }))}, or it was forgotten.`,
            next: 'See `aether memory list`, or `aether memory search WORDS`.',
          },
    );
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Null where it has no end to come. */
const untilOf = ({ expires_ms }: MemoryRecord, now_ms: number): string | null =>
  expires_ms === null || expires_ms <= now_ms ? null : iso(expires_ms);

const actor = (principal: Principal) => ({ principal, agent: null, run: null });

const curated = (record: MemoryRecord): CuratedMemory => ({
  ...toView(record),
  holder: outerScope(record.scope),
});

export const outerScope = (scope: string): string => (scope === FLEET ? 'fleet' : scope);
const innerScope = (scope: string): string => (scope === 'fleet' ? FLEET : scope);
const agentOf = (scope: string): string | null =>
  scope.startsWith('agent:') ? scope.slice('agent:'.length) : null;

function placeOf(cursor: string): { updated_ms: number; rowid: number } {
  const [updated_ms, rowid] = cursor.split('.').map(Number);
  if (Number.isSafeInteger(updated_ms) && Number.isSafeInteger(rowid))
    return { updated_ms: updated_ms!, rowid: rowid! };
  throw new AetherError({
    code: 'memory.cursor',
    who: 'user',
    message: 'The cursor is none of a list of memories.',
    next: 'Give the cursor of the page before as it is, or none for the first page.',
  });
}

const replaced = ({ id, superseded_by }: MemoryRecord): AetherError =>
  new AetherError({
    code: 'memory.conflict',
    who: 'user',
    message: `${id} is history: ${superseded_by ?? 'another'} took its place.`,
    next: `See \`aether memory show ${superseded_by ?? id}\`, and change that one.`,
  });

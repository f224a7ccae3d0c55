/**
 * Keeps the memory's index behind the rows: a thread computes parts, and the host writes them in slices of a few
 * milliseconds. A search never waits for it: rows without a part are searched by themselves while they are few, and said
 * to be missing while they are many.
 */
import type { Clock } from '../clock.ts';
import type { Events } from '../events/events.ts';
import type { Topics } from '../events/topics.ts';
import { type BuiltPart, type PartRange, PartTable } from '../store/memory-parts.ts';
import type { ReadThread } from '../store/read-thread.ts';
import type { Store } from '../store/store.ts';
import {
  buildPart,
  checkIndex,
  INDEX_BUILDER,
  nextLists,
  planPart,
  UNINDEXED_BYTES,
  UNINDEXED_ROWS,
  waitingRows,
} from './index-builder.ts';
import { PART_DOCS_MAX } from './search/part.ts';

/** Lists of one slice to begin with; then as many as take the time. */
const LISTS = 256;
const LISTS_MIN = 16;
const LISTS_MAX = 4_096;
const SLICE_BYTES_MAX = 512 * 1024;
const SLICE_MS = 4;
/** So many rows without a part are worth an event. */
const TOLD_ROWS = 10_000;
const ROWS_MIN = 256;
const AGAIN_MS = 2_000;

const BY_HOST = { principal: 'host', grade: 'enforced' } as const;

type Why = Topics['memory.indexing']['why'];

export class IndexKeeper {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: Pick<Events, 'append'>;
  readonly #parts: PartTable;
  /** What came to each scope since a part was planned for it. */
  readonly #added = new Map<string, { rows: number; bytes: number }>();
  readonly #due = new Set<string>();
  #thread: ReadThread | null = null;
  #working: Promise<void> | null = null;
  /** An earlier host may have left damage. */
  #unchecked = false;
  #why: Why = 'new';
  #told: { since_ms: number; memories: number } | null = null;
  /** Fewer while removals come in between, which void what is being made. */
  #rows_max = PART_DOCS_MAX;
  #lists_max = LISTS;

  constructor(options: { store: Store; clock: Clock; events: Pick<Events, 'append'> }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#events = options.events;
    this.#parts = new PartTable(options.store);
    setImmediate(() => this.#start());
  }

  /** A row was added to a scope. */
  added(scope: string, bytes: number): void {
    const added = this.#added.get(scope) ?? { rows: 0, bytes: 0 };
    added.rows += 1;
    added.bytes += bytes;
    this.#added.set(scope, added);
    if (added.rows > UNINDEXED_ROWS || added.bytes > UNINDEXED_BYTES) this.#want([scope]);
  }

  /** The index of these scopes is not what was written: it is made again. */
  damaged(scopes: readonly string[]): void {
    const hit = scopes.filter((scope) => this.#parts.retireScope(scope) > 0);
    if (hit.length === 0) return;
    this.#why = 'damaged';
    this.#want(hit);
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#working !== null) await this.#working;
  }

  /** What another host, or another version, has left. */
  #start(): void {
    if (!this.#store.db.open) return;
    if (this.#parts.retireUnusable() > 0) this.#why = 'form';
    if (!this.#parts.isNeeded(UNINDEXED_ROWS, UNINDEXED_BYTES)) return;
    this.#unchecked = true;
    this.#want(this.#parts.scopes());
  }

  #want(scopes: readonly string[]): void {
    for (const scope of scopes) {
      this.#due.add(scope);
      this.#added.delete(scope);
    }
    // Later, because this may be a transaction, and nothing of it is there before it is committed.
    this.#working ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.#work());
  }

  async #work(): Promise<void> {
    let again_ms = 0;
    try {
      await this.#workThrough();
    } catch {
      // A full disk, a thread that ended: what is due stays due.
      again_ms = AGAIN_MS;
    }
    this.#working = null;
    if (!this.#store.db.open || this.#due.size === 0) return;
    if (again_ms === 0) this.#want([]);
    else this.#clock.after(again_ms, () => this.#want([]));
  }

  async #workThrough(): Promise<void> {
    this.#thread ??= this.#store.openThread(INDEX_BUILDER);
    if (this.#unchecked) {
      this.damaged((await this.#ask(checkIndex, null)) ?? []);
      this.#unchecked = false;
    }
    this.#tell((await this.#ask(waitingRows, [...this.#due])) ?? 0);
    for (let [scope] = this.#due; scope !== undefined && this.#store.db.open; [scope] = this.#due) {
      const range: PartRange | null = await this.#ask(planPart, { scope, rows_max: this.#rows_max });
      if (range === null) {
        this.#due.delete(scope);
      } else {
        const made = await this.#make(range);
        this.#rows_max = made ? PART_DOCS_MAX : Math.max(ROWS_MIN, this.#rows_max >> 1);
      }
    }
    while (this.#store.db.open && this.#slice(() => this.#parts.sweep(this.#lists_max))) await turn();
    if (!this.#store.db.open) return;
    this.#tellDone();
    await this.#thread.close();
  }

  /** @returns null as well where the store was closed meanwhile */
  async #ask<T>(query: (reader: never, argument: unknown) => T, argument: unknown): Promise<T | null> {
    const answer = (await this.#thread!.run(query.name, argument)) as T;
    return this.#store.db.open ? answer : null;
  }

  /** @returns false where a removal voided it */
  async #make(range: PartRange): Promise<boolean> {
    const id = this.#parts.begin(range);
    const built: BuiltPart | null = await this.#ask(buildPart, range);
    if (built === null) return true;
    let holds = this.#parts.describe(id, built);
    for (let from = 0; holds; ) {
      const asked = { from, lists_max: this.#lists_max, bytes_max: SLICE_BYTES_MAX };
      const lists: [string, Uint8Array][] | null = await this.#ask(nextLists, asked);
      if (lists === null) return true;
      if (lists.length === 0) return this.#parts.finish(id, range);
      holds = this.#slice(() => this.#parts.write(id, lists));
      from += lists.length;
      await turn();
    }
    this.#parts.abandon(id);
    return false;
  }

  /** Does one slice, and learns from it how large the next one may be. */
  #slice<T>(body: () => T): T {
    const since_ms = performance.now();
    const result = body();
    const took_ms = performance.now() - since_ms;
    const better =
      took_ms > SLICE_MS ? this.#lists_max >> 1 : took_ms < SLICE_MS / 2 ? this.#lists_max * 2 : 0;
    if (better !== 0) this.#lists_max = Math.max(LISTS_MIN, Math.min(LISTS_MAX, better));
    return result;
  }

  #tell(memories: number): void {
    if (this.#told !== null || (memories < TOLD_ROWS && this.#why === 'new')) return;
    this.#told = { since_ms: this.#clock.elapsed(), memories };
    this.#events.append({ ...BY_HOST, topic: 'memory.indexing', data: { memories, why: this.#why } });
  }

  #tellDone(): void {
    if (this.#told === null) return;
    const { memories, since_ms } = this.#told;
    this.#told = null;
    this.#why = 'new';
    const ms = Math.round(this.#clock.elapsed() - since_ms);
    this.#events.append({ ...BY_HOST, topic: 'memory.indexed', data: { memories, ms } });
  }
}

/** Lets the host do what else there is. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * A list of memories as it is loaded: page by page, and again when memories have changed. What was asked for last is
 * shown last, whichever answer comes first.
 */
import { batch, signal } from '@preact/signals';
import type { CuratedMemory, MemoryFilter, MemoryPage } from '../../../host/api.ts';
import type { WireError } from '../../console-protocol.ts';
import { call, wireOf } from '../state/api.ts';

const PAGE = 50;
/** More than these are not read again by themselves: a button does it. A search gives at most a page at once. */
const AGAIN_MAX = 500;
const KEPT_MAX = 4;

export class MemoryList {
  readonly memories = signal<readonly CuratedMemory[] | null>(null);
  readonly scopes = signal<MemoryPage['scopes']>([]);
  readonly quota = signal<MemoryPage['quota'] | null>(null);
  readonly notes = signal<readonly string[]>([]);
  readonly cursor = signal<string | null>(null);
  readonly problem = signal<WireError | null>(null);
  readonly loading = signal(false);
  /** What is shown may not be what there is. */
  readonly old = signal(false);
  filter: MemoryFilter = {};
  /** Where its reader had scrolled to. */
  top = 0;
  #asked: string | null = null;
  #turn = 0;

  /** What was shown for another filter stays until the answer is there. */
  async ask(filter: MemoryFilter): Promise<void> {
    const asked = JSON.stringify(filter);
    if (asked === this.#asked) return this.changed();
    this.#asked = asked;
    this.filter = filter;
    this.top = 0;
    await this.#read({ limit: PAGE }, []);
  }

  /** From the beginning, as much as is shown. */
  async load(): Promise<void> {
    const shown = this.memories.value?.length ?? 0;
    const most = this.filter.query === undefined ? AGAIN_MAX : PAGE;
    // Where all was shown, there is room for what was added.
    const wanted = this.cursor.value === null ? PAGE * Math.ceil((shown + 1) / PAGE) : Math.max(PAGE, shown);
    await this.#read({ limit: Math.min(most, wanted) }, []);
  }

  async more(): Promise<void> {
    const cursor = this.cursor.value;
    if (cursor !== null && !this.loading.value)
      await this.#read({ limit: PAGE, cursor }, this.memories.value ?? []);
  }

  /** Memories have changed: read again, unless that would throw away what was loaded. */
  async changed(): Promise<void> {
    const shown = this.memories.value?.length ?? 0;
    const most = this.filter.query === undefined ? AGAIN_MAX : PAGE;
    if (shown > most) this.old.value = true;
    else await this.load();
  }

  async #read(page: Pick<MemoryFilter, 'limit' | 'cursor'>, before: readonly CuratedMemory[]): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.loading.value = true;
    try {
      const found = await call('memories', { ...this.filter, ...page });
      if (turn !== this.#turn) return;
      const known = new Set(before.map(({ id }) => id));
      batch(() => {
        this.memories.value = [...before, ...found.memories.filter(({ id }) => !known.has(id))];
        this.scopes.value = found.scopes;
        this.quota.value = found.quota;
        if (page.cursor === undefined) {
          this.notes.value = found.notes;
          this.old.value = false;
        }
        this.cursor.value = found.cursor;
        this.problem.value = null;
      });
    } catch (error) {
      // Without a connection the banner says it; with the next one it is read again.
      if (turn === this.#turn && wireOf(error).code !== 'console.unreachable')
        this.problem.value = wireOf(error);
    } finally {
      if (turn === this.#turn) this.loading.value = false;
    }
  }
}

const kept = new Map<string | null, MemoryList>();

/** That of an agent (null: of the fleet) as it was left, so that going back from a memory finds its place again. */
export function listOf(agent: string | null): MemoryList {
  const list = kept.get(agent) ?? new MemoryList();
  kept.delete(agent);
  kept.set(agent, list);
  for (const name of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(name);
  return list;
}

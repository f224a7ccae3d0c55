/** How much a scope holds, and what it says when it is full. */
import { AetherError } from '../errors.ts';
import type { MemoryRecord } from '../store/memory-record.ts';
import { stateOf } from '../store/memory-record.ts';
import type { MemoryRows } from '../store/memory-rows.ts';
import type { MemoryScopeTable } from '../store/memory-scopes.ts';

export interface MemoryQuotas {
  memories_per_scope_max: number;
  bytes_per_scope_max: number;
}

const NAMED_MAX = 8;
/** Looked at for those that were used least. */
const LOOKED_AT_MAX = 500;

export class Quotas {
  readonly #rows: MemoryRows;
  readonly #scopes: MemoryScopeTable;
  readonly #quotas: () => MemoryQuotas;

  constructor(rows: MemoryRows, scopes: MemoryScopeTable, quotas: () => MemoryQuotas) {
    this.#rows = rows;
    this.#scopes = scopes;
    this.#quotas = quotas;
  }

  /**
   * @param more what is about to be stored: statements beyond those it replaces, and bytes
   * @throws AetherError `memory.full`
   */
  require(scope: string, more: { memories: number; bytes: number }): void {
    const { memories, bytes } = this.#scopes.useOf(scope);
    const { memories_per_scope_max, bytes_per_scope_max } = this.#quotas();
    const tooMany = more.memories > 0 && memories + more.memories > memories_per_scope_max;
    if (!tooMany && bytes + more.bytes <= bytes_per_scope_max) return;
    const holds = tooMany
      ? `already holds ${memories} memories, which is all it may`
      : `holds ${bytes} bytes of ${bytes_per_scope_max}, and this would be ${more.bytes} more`;
    const named = this.#leastWorth(scope).map(({ id, why }) => `${id} (${why})`);
    throw new AetherError({
      code: 'memory.full',
      who: 'agent',
      message: `This scope ${holds}.`,
      next:
        named.length === 0
          ? 'All of it is pinned: the operator can unpin some, or raise `memory` in aether.yaml.'
          : `Forget what is no longer needed, such as ${named.join(', ')}; or store under a key that exists to replace it.`,
    });
  }

  /** Of every scope. */
  get limits(): { memories_max: number; bytes_max: number } {
    const { memories_per_scope_max, bytes_per_scope_max } = this.#quotas();
    return { memories_max: memories_per_scope_max, bytes_max: bytes_per_scope_max };
  }

  /** What the scope holds, and which of it should be forgotten first. */
  of(scope: string): { memories: number; bytes: number; first: { id: string; why: string }[] } {
    return { ...this.#scopes.useOf(scope), first: this.#leastWorth(scope) };
  }

  /** What is over first, then what was used least and longest ago. */
  #leastWorth(scope: string): { id: string; why: string }[] {
    const spent = this.#rows.spent(scope, LOOKED_AT_MAX).sort((a, b) => rankOf(a) - rankOf(b));
    const named = spent
      .slice(0, NAMED_MAX)
      .map((memory) => ({ id: memory.id, why: stateOf(memory) as string }));
    if (named.length === NAMED_MAX) return named;
    const unused = this.#rows
      .oldest(scope, LOOKED_AT_MAX)
      .filter((memory) => stateOf(memory) === 'live')
      .sort((a, b) => a.importance - b.importance || a.uses - b.uses || (a.used_ms ?? 0) - (b.used_ms ?? 0));
    const less = unused.map(({ id, uses }) => ({
      id,
      why: uses === 0 ? 'never used' : `used ${uses === 1 ? 'once' : `${uses} times`}`,
    }));
    return [...named, ...less].slice(0, NAMED_MAX);
  }
}

const ORDER = { expired: 0, superseded: 1, stale: 2, possibly_stale: 3, live: 4 };
const rankOf = (memory: MemoryRecord) => ORDER[stateOf(memory)];

/** As memory_scopes counts them. */
export const bytesOf = ({ text, tags, key }: Pick<MemoryRecord, 'text' | 'tags' | 'key'>): number =>
  Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(tags)) + Buffer.byteLength(key ?? '');

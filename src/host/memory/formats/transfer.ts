/** Memories of a host as files carry them, and in parts that one call may hold: for the command line and the page. */
import type { CuratedMemory } from '../../memory-views.ts';
import type { PortableMemory } from './portable.ts';

export function portable(memory: CuratedMemory): PortableMemory {
  const { text, key, tags, layer, importance, pinned, author, holder } = memory;
  const { created_ms, valid_from_ms, expires_ms } = memory;
  return {
    text,
    ...(key === null ? {} : { key }),
    ...(tags.length === 0 ? {} : { tags }),
    ...{ layer, importance },
    ...(pinned ? { pinned } : {}),
    created_ms,
    ...(valid_from_ms === null ? {} : { valid_from_ms }),
    ...(expires_ms === null ? {} : { expires_ms }),
    ...{ author, scope: holder },
  };
}

/** As an import takes it: whose it was elsewhere is said by a file, and decides nothing. */
export type ImportedMemory = Omit<PortableMemory, 'author' | 'scope'>;

export function* batches(
  memories: readonly PortableMemory[],
  most: { memories: number; chars: number },
): Generator<ImportedMemory[]> {
  let batch: ImportedMemory[] = [];
  let chars = 0;
  for (const { author: _author, scope: _scope, ...memory } of memories) {
    const more = JSON.stringify(memory).length;
    if (batch.length > 0 && (batch.length >= most.memories || chars + more > most.chars)) {
      yield batch;
      [batch, chars] = [[], 0];
    }
    batch.push(memory);
    chars += more;
  }
  if (batch.length > 0) yield batch;
}

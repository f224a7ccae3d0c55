/** Whether the memory's index is what was written: each part has its documents, with their checksum, and all of its lists. */
import { DamagedIndex, decodeDocuments } from './memory-codec.ts';
import { INDEX_FORM } from './memory-index.ts';
import type { Readable } from './reader.ts';

interface CheckedPart {
  id: number;
  scope: string;
  size: number;
  lists: number;
  documents: Buffer | null;
}

/** Scopes with a part that is not; each list is checked when it is read. */
export function damagedScopes({ db }: Readable): string[] {
  const parts = db.prepare<[string], CheckedPart>(
    `SELECT id, scope, size, terms - gone AS lists, documents FROM memory_parts WHERE state = 'ready' AND form = ?`,
  );
  const count = db.prepare<[number], number>('SELECT count(*) FROM memory_postings WHERE part = ?').pluck();
  const damaged = parts
    .all(INDEX_FORM)
    .filter((part) => !hasDocuments(part) || count.get(part.id) !== part.lists)
    .map(({ scope }) => scope);
  return [...new Set(damaged)];
}

function hasDocuments({ documents, size }: CheckedPart): boolean {
  try {
    decodeDocuments(documents ?? Buffer.alloc(0), size);
    return true;
  } catch (error) {
    if (error instanceof DamagedIndex) return false;
    throw error;
  }
}

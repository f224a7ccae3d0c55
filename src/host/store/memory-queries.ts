/** Searches of memories for a thread of their own. */
import { type MemoryQuery, type MemoryResult, MemoryTable } from './memories.ts';
import type { Reader } from './reader.ts';

/** Where the thread finds this file, as published and as source. */
export const MEMORY_QUERIES = import.meta.url;

const tables = new WeakMap<Reader, MemoryTable>();

export function searchMemories(reader: Reader, query: unknown): MemoryResult {
  let table = tables.get(reader);
  if (table === undefined) {
    table = new MemoryTable(reader);
    tables.set(reader, table);
  }
  return table.search(query as MemoryQuery);
}

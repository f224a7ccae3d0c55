/** Searches for the thread that runs them. */
import type { Reader } from '../store/reader.ts';
import { Finder, type MemoryQuery, type MemoryResult } from './finder.ts';

/** Where the thread finds this file, as published and as source. */
export const MEMORY_SEARCHING = import.meta.url;

const finders = new WeakMap<Reader, Finder>();

export function findMemories(reader: Reader, query: unknown): MemoryResult {
  let finder = finders.get(reader);
  if (finder === undefined) {
    finder = new Finder(reader);
    finders.set(reader, finder);
  }
  return finder.find(query as MemoryQuery);
}

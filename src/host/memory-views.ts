/** Memory as people look after it: what the verbs about it take and give. */
import type { MemoryLayer, MemoryState, MemoryView } from './shapes.ts';

/** `holder`: whose it is: `agent:NAME`, `client:NAME`, `fleet`, `workspace:ID` or `branch:ID:NAME`. */
export type CuratedMemory = MemoryView & { holder: string; score?: number };

/** Of a list. */
export interface MemoryFilter {
  /** A `holder`. */
  scope?: string | undefined;
  query?: string | undefined;
  state?: MemoryState | undefined;
  layer?: MemoryLayer | undefined;
  author?: string | undefined;
  tag?: string | undefined;
  pinned?: boolean | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

export interface MemoryChange {
  text?: string | undefined;
  key?: string | undefined;
  tags?: string[] | undefined;
  layer?: MemoryLayer | undefined;
  importance?: number | undefined;
  expires?: string | undefined;
}

export interface MemoryPage {
  memories: CuratedMemory[];
  /** What every scope holds. */
  scopes: { scope: string; memories: number; bytes: number }[];
  /** Where the next page begins; null: this is the last one. */
  cursor: string | null;
}

/** All that is known of one memory, and why it is believed. `memory` null: forgotten. */
export interface MemoryStory {
  memory: CuratedMemory;
  /** Earlier and later statements under its key, the newest first; without a key those that it replaced. */
  history: CuratedMemory[];
  sources: { id: string; kind: 'derived' | 'possible'; memory: CuratedMemory | null }[];
  /** What rests on it. */
  dependants: { id: string; kind: 'derived' | 'possible'; memory: CuratedMemory | null }[];
  contradictedBy: CuratedMemory[];
  /** A reader is a run, or a client and its process; the latest first. */
  shownTo: { reader: string; at_ms: number }[];
  because: string[];
}

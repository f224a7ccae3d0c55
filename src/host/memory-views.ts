/** Memory as people look after it: what the verbs about it take and give. */
import type { MemoryLayer, MemoryState, MemoryView, Principal } from './shapes.ts';

/**
 * `holder`: whose it is: `agent:NAME`, `client:NAME`, `fleet`, `workspace:ID` or `branch:ID:NAME`. `found`: why a search
 * found it.
 */
export type CuratedMemory = MemoryView & { holder: string; score?: number; found?: string };

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
  /** Null: never any more. */
  expires?: string | null | undefined;
}

export interface MemoryPage {
  memories: CuratedMemory[];
  /** What every scope holds, and each may hold. */
  scopes: { scope: string; memories: number; bytes: number }[];
  quota: { memories_max: number; bytes_max: number };
  /** Of a search: what must be known before its results are believed, a sentence each. */
  notes: string[];
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
  /** A reader is a run (of `agent`), or a client and its process; the latest first. */
  shownTo: { reader: string; agent: string | null; at_ms: number }[];
  /** By people, the latest first. `kept`: the memory with their words, where it is still there. */
  feedback: { thumb: 'up' | 'down'; by: Principal; at_ms: number; kept: CuratedMemory | null }[];
  because: string[];
}

/** What a scope holds, and what to forget first where it is full. */
export interface MemoryQuota {
  scope: string;
  memories: number;
  memories_max: number;
  bytes: number;
  bytes_max: number;
  first: { memory: CuratedMemory; why: string }[];
}

/** Of an import, or of what would come of one. */
export interface ImportedMemories {
  stored: number;
  /** Left out: the scope holds it already, or its time is over. */
  known: number;
  /** Of each memory that was given, in order. `replaces`: stored, in the place of what stands under its key. */
  fates: ('new' | 'replaces' | 'known' | 'over')[];
}

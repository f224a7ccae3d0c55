/** A row of `memories` and what it says, for every file that reads the table. */
import type { Principal } from '../api.ts';
import type { MemoryEvidence, MemoryLayer, MemoryState, StaleReason } from '../shapes.ts';
import { toJson } from './json.ts';

export interface MemoryRecord {
  id: string;
  /** A principal ('agent:NAME', 'client:NAME', …), 'shared' (the fleet's), 'workspace:ID' or 'branch:ID:NAME'. */
  scope: string;
  key: string | null;
  text: string;
  tags: string[];
  layer: MemoryLayer;
  author: Principal;
  /** The senders that its author followed when storing it, besides itself. */
  via: Principal[];
  run: string | null;
  evidence: MemoryEvidence | null;
  version: number;
  importance: number;
  pinned: boolean;
  valid_from_ms: number | null;
  expires_ms: number | null;
  /** When it was found to have expired: it stays so, although a clock may go back. */
  expired_ms: number | null;
  superseded_by: string | null;
  superseded_ms: number | null;
  stale: 'stale' | 'possibly_stale' | null;
  stale_why: StaleReason | null;
  uses: number;
  used_ms: number | null;
  /** What feedback adds to its rank, and takes from it. */
  weight: number;
  created_ms: number;
  updated_ms: number;
}

type Needed = 'id' | 'scope' | 'text' | 'author' | 'created_ms';

/** A statement as it is when it is made: live, unused, not pinned. */
export function newRecord(given: Pick<MemoryRecord, Needed> & Partial<MemoryRecord>): MemoryRecord {
  return {
    key: null,
    tags: [],
    layer: 'semantic',
    via: [],
    run: null,
    evidence: null,
    version: 1,
    importance: 1,
    pinned: false,
    valid_from_ms: null,
    expires_ms: null,
    expired_ms: null,
    superseded_by: null,
    superseded_ms: null,
    stale: null,
    stale_why: null,
    uses: 0,
    used_ms: null,
    weight: 0,
    updated_ms: given.created_ms,
    ...given,
  };
}

type Json = 'tags' | 'via' | 'evidence' | 'stale_why';

/** As it is stored. */
export type MemoryRow = Omit<MemoryRecord, Json | 'author' | 'pinned'> & {
  rowid: number;
  author: string;
  pinned: number;
  tags: string;
  via: string | null;
  evidence: string | null;
  stale_why: string | null;
  forgotten_ms: number | null;
};

export function toRecord(row: MemoryRow): MemoryRecord {
  return {
    id: row.id,
    scope: row.scope,
    key: row.key,
    text: row.text,
    tags: JSON.parse(row.tags) as string[],
    layer: row.layer,
    author: row.author as Principal,
    via: parsed<Principal[]>(row.via) ?? [],
    run: row.run,
    evidence: parsed<MemoryEvidence>(row.evidence),
    version: row.version,
    importance: row.importance,
    pinned: row.pinned === 1,
    valid_from_ms: row.valid_from_ms,
    expires_ms: row.expires_ms,
    expired_ms: row.expired_ms,
    superseded_by: row.superseded_by,
    superseded_ms: row.superseded_ms,
    stale: row.stale,
    stale_why: parsed<StaleReason>(row.stale_why),
    uses: row.uses,
    used_ms: row.used_ms,
    weight: row.weight,
    created_ms: row.created_ms,
    updated_ms: row.updated_ms,
  };
}

/** The values of a statement that binds names. */
export function bound(memory: MemoryRecord) {
  return {
    ...memory,
    pinned: memory.pinned ? 1 : 0,
    tags: toJson(memory.tags),
    via: memory.via.length === 0 ? null : toJson(memory.via),
    evidence: memory.evidence === null ? null : toJson(memory.evidence),
    stale_why: memory.stale_why === null ? null : toJson(memory.stale_why),
  };
}

/** Of a memory that is not forgotten. */
export function stateOf(memory: Pick<MemoryRecord, 'superseded_ms' | 'expired_ms' | 'stale'>): MemoryState {
  if (memory.superseded_ms !== null) return 'superseded';
  if (memory.expired_ms !== null) return 'expired';
  return memory.stale ?? 'live';
}

const parsed = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T));

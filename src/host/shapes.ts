/**
 * JSON shapes that events and views have in common. They stand below both, so that a topic can carry a message
 * and the API can list events without the two files importing each other.
 */

/** Decided by the socket and its peer, never by an argument. `file:NAME`: an edit of that file while the host runs. */
export type Principal = `${'agent' | 'client' | 'file' | 'operator'}:${string}` | 'operator' | 'host';

/** Who does something: a principal, and which agent and run that is. */
export interface Actor {
  principal: Principal;
  /** Set when the principal is an agent. */
  agent: string | null;
  run: string | null;
}

/** One fact and how it is known. */
export interface Evidence {
  /** 'shim', 'stream', 'hook', 'transcript', 'operator', 'journal', … */
  source: string;
  /** enforced: the host did it; observed: the host saw it; claimed: the agent said so. */
  grade: 'enforced' | 'observed' | 'claimed';
  what: string;
  at_ms: number;
}

export interface ApprovalAnswer {
  allow?: boolean;
  text?: string;
}

/** What happened; what is so; how something is done; who people are and what they prefer. */
export type MemoryLayer = 'episodic' | 'semantic' | 'procedural' | 'social';

export type MemoryScope = 'agent' | 'fleet' | 'workspace' | 'branch';

/**
 * The first that holds, in this order: replaced by a newer statement; past its time; derived from what is no longer
 * true; perhaps derived from it; none of these.
 */
export type MemoryState = 'superseded' | 'expired' | 'stale' | 'possibly_stale' | 'live';

/** Why a memory is stale: what happened to which of its sources. */
export interface StaleReason {
  /** Id of the memory that it was derived from, at the far end of `through`. */
  source: string;
  what: 'superseded' | 'expired' | 'forgotten';
  at_ms: number;
  /** Ids of the memories between, the one next to it first; empty: derived from `source` itself. */
  through: string[];
}

/** From what a memory was made. */
export interface MemoryEvidence {
  /** Seq of the newest event of the log when it was stored. */
  event?: number;
  /** The engine's own id of the tool call. */
  toolUse?: string;
  /** Of the transcript of the run, in bytes of its journal. */
  offset?: number;
  /** Where it was imported from, or what the host made it of. */
  from?: string;
}

/** A statement: its text never changes. A newer one takes its place, and it stays as history. */
export interface MemoryView {
  id: string;
  text: string;
  key: string | null;
  tags: string[];
  scope: MemoryScope;
  layer: MemoryLayer;
  state: MemoryState;
  /** Its text reads as if it were to make its reader do something; absent: it does not. */
  instructs?: true;
  /** Why it is stale, or possibly so. */
  stale?: StaleReason;
  author: Principal;
  /** The senders that its author followed when storing it, besides itself; absent: none. */
  via?: Principal[];
  run: string | null;
  evidence: MemoryEvidence | null;
  /** 0 (little) to 3. */
  importance: number;
  pinned: boolean;
  /** From when it is true, where that is not when it was stored. */
  valid_from_ms: number | null;
  expires_ms: number | null;
  /** Id of the statement that took its place. */
  superseded_by: string | null;
  superseded_ms: number | null;
  /** How often it was given to a reader, and when last. */
  uses: number;
  used_ms: number | null;
  created_ms: number;
  updated_ms: number;
  /** Of its key in its scope; 1 for the first statement and for one without a key. */
  version: number;
}

/** How many memories a change has made stale, and perhaps so. */
export interface MemoryMarks {
  stale: number;
  possibly_stale: number;
}

/** What still says what a memory said, outside of what was removed when it was forgotten. */
export interface MemoryRemains {
  what: string;
  /** Which, the first of them. */
  where: string[];
  how: string;
}

/** What the event log says of a memory. `text` is its beginning. */
export type MemoryNote = Pick<
  MemoryView,
  'id' | 'text' | 'key' | 'tags' | 'scope' | 'layer' | 'author' | 'version' | 'via'
>;

export interface MessageView {
  id: string;
  from: Principal;
  to: string;
  subject: string;
  body: string;
  replyTo: string | null;
  sent_ms: number;
  acked_ms: number | null;
}

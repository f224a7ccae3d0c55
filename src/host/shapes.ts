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

export interface MemoryView {
  id: string;
  text: string;
  key: string | null;
  tags: string[];
  scope: 'agent' | 'shared';
  author: Principal;
  /** The senders that its author followed when storing it, besides itself; absent: none. */
  via?: Principal[];
  created_ms: number;
  updated_ms: number;
  version: number;
}

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

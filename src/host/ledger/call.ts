/** One MCP call on its way through the ledger, as the effect of a tool sees it. */
import type { Caller } from '../api.ts';

export type AfterCommit = () => undefined | Promise<Record<string, unknown>>;

/** One call, as its effect sees it. */
export interface Call extends Caller {
  /**
   * Runs once the transaction of a writing call is committed; not for a repeat. Must not throw. What it promises is
   * waited for, and its fields are part of the answer.
   */
  afterCommit(then: AfterCommit): void;
  /**
   * Writes what the call leaves besides its effect, such as what it has shown. Of a read it is written with its row in
   * the log, in one transaction, when the answer is there: a host that dies before that has answered nothing.
   */
  leaves(write: () => void): void;
}

/** How a waiting call came to its end. The connection of a bridge that went away comes again. */
export type HowEnded = 'done' | 'cancelled' | 'disconnected';

/** A call that opens something, waits for the outcome, and settles. */
export interface Waiting<T> {
  /** Null: there is nothing to wait for. Never rejects. */
  until: ((signal: AbortSignal) => Promise<void>) | null;
  settle(how: HowEnded): T;
}

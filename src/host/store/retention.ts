/**
 * SQL of what may go, over all tables: each statement removes a bounded number of rows that are over for good, so
 * that no removal holds up the host. What is open, unread, live or remembered is never touched here.
 */
import type { Store } from './store.ts';

/** Rows of one statement. */
export const SLICE = 500;
/** What a row of the event log takes besides its data: the other columns and its part of the indexes. */
const EVENT_ROW_BYTES = 300;

export interface EndedRun {
  id: string;
  agent: string;
  exited_ms: number;
  /** No later run of this agent exists. */
  newest: boolean;
}

export interface OldEvent {
  seq: number;
  at_ms: number;
  hash: string;
  bytes: number;
}

export class RetentionTable {
  readonly #store: Store;
  readonly #ended;
  readonly #known;
  readonly #oldRuns;
  readonly #addSum;
  readonly #deleteRun;
  readonly #deleteRunFacts;
  readonly #deleteFacts;
  readonly #oldestEvents;
  readonly #eventsAfter;
  readonly #deleteEvents;
  readonly #settled;
  readonly #receipts;

  constructor(store: Store) {
    const { db } = store;
    this.#store = store;
    this.#known = db.prepare<[string], { exited_ms: number | null }>(
      'SELECT exited_ms FROM runs WHERE id = ?',
    );
    this.#ended = db.prepare<[string], { id: string; agent: string; exited_ms: number; newest: number }>(
      `SELECT id, agent, exited_ms, ordinal = (SELECT max(ordinal) FROM runs AS other WHERE other.agent = runs.agent) AS newest
       FROM runs WHERE id = ? AND exited_ms IS NOT NULL`,
    );
    this.#oldRuns = db.prepare<
      [number, number],
      { id: string; agent: string; input_tokens: number; output_tokens: number; cost_usd: number | null }
    >(
      `SELECT id, agent, input_tokens, output_tokens, cost_usd FROM runs WHERE exited_ms < ?
         AND ordinal < (SELECT max(ordinal) FROM runs AS other WHERE other.agent = runs.agent) LIMIT ?`,
    );
    this.#addSum = db.prepare<[string, number, number, number | null]>(
      `INSERT INTO run_sums (agent, runs, input_tokens, output_tokens, cost_usd) VALUES (?, 1, ?, ?, ?)
       ON CONFLICT (agent) DO UPDATE SET runs = runs + 1, input_tokens = input_tokens + excluded.input_tokens,
         output_tokens = output_tokens + excluded.output_tokens,
         cost_usd = CASE WHEN excluded.cost_usd IS NULL THEN cost_usd ELSE coalesce(cost_usd, 0) + excluded.cost_usd END`,
    );
    this.#deleteRun = db.prepare<[string]>('DELETE FROM runs WHERE id = ?');
    this.#deleteRunFacts = db.prepare<[string]>('DELETE FROM facts WHERE run = ?');
    this.#deleteFacts = db.prepare<[number, number]>(
      `DELETE FROM facts WHERE (run, key) IN (
         SELECT facts.run, facts.key FROM runs JOIN facts ON facts.run = runs.id WHERE runs.exited_ms < ? LIMIT ?)`,
    );
    this.#oldestEvents = db.prepare<[number, number], OldEvent>(
      `SELECT seq, at_ms, hash, octet_length(data) + ${EVENT_ROW_BYTES} AS bytes FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#eventsAfter = db.prepare<[number, number], { last: number | null; bytes: number | null }>(
      `SELECT max(seq) AS last, sum(octet_length(data) + ${EVENT_ROW_BYTES}) AS bytes
       FROM (SELECT seq, data FROM events WHERE seq > ? ORDER BY seq LIMIT ?)`,
    );
    this.#deleteEvents = db.prepare<[number, number]>(
      'DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= ? ORDER BY seq LIMIT ?)',
    );
    this.#settled = [
      `DELETE FROM injections WHERE id IN (
         SELECT id FROM injections WHERE created_ms < ? AND (state IN ('acted', 'unknown', 'cancelled')
           OR state IN ('delivered', 'seen') AND run NOT IN (SELECT id FROM runs WHERE exited_ms IS NULL)) LIMIT ?)`,
      'DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE answered_ms < ? LIMIT ?)',
      'DELETE FROM messages WHERE ordinal IN (SELECT ordinal FROM messages WHERE acked_ms < ? LIMIT ?)',
      'DELETE FROM memories WHERE rowid IN (SELECT rowid FROM memories WHERE forgotten_ms < ? LIMIT ?)',
    ].map((sql) => db.prepare<[number, number]>(sql));
    this.#receipts = db.prepare<[number, number]>(
      `DELETE FROM calls WHERE (caller, instance, sequence) IN (
         SELECT caller, instance, sequence FROM calls WHERE at_ms < ? LIMIT ?)`,
    );
  }

  /** 'live', or the ended run, or null when no run of this id is known. */
  run(id: string): EndedRun | 'live' | null {
    const known = this.#known.get(id);
    if (known === undefined) return null;
    if (known.exited_ms === null) return 'live';
    const { newest, ...run } = this.#ended.get(id)!;
    return { ...run, newest: newest === 1 };
  }

  /** Rows of runs that ended before and are not the newest of their agent; their sums stay. @returns how many */
  forgetRuns(before_ms: number): number {
    return this.#store.transaction(() => {
      const old = this.#oldRuns.all(before_ms, SLICE);
      for (const run of old) {
        this.#addSum.run(run.agent, run.input_tokens, run.output_tokens, run.cost_usd);
        this.#deleteRunFacts.run(run.id);
        this.#deleteRun.run(run.id);
      }
      return old.length;
    });
  }

  /** A run that is over is not read again: nothing can tell the same fact twice. */
  forgetFacts(before_ms: number): number {
    return this.#store.transaction(() => this.#deleteFacts.run(before_ms, SLICE).changes);
  }

  /** Messages that were dealt with, approvals that were settled, memories that were forgotten. */
  forgetSettled(before_ms: number): number {
    return this.#store.transaction(() =>
      this.#settled.reduce((sum, statement) => sum + statement.run(before_ms, SLICE).changes, 0),
    );
  }

  forgetReceipts(before_ms: number): number {
    return this.#store.transaction(() => this.#receipts.run(before_ms, SLICE).changes);
  }

  /** Events from `after` on, oldest first, with what each takes. */
  events(after: number): OldEvent[] {
    return this.#oldestEvents.all(after, SLICE);
  }

  /** What the next events after `after` take together; null when there are none. */
  measure(after: number): { last: number; bytes: number } | null {
    const { last, bytes } = this.#eventsAfter.get(after, 10 * SLICE) ?? { last: null, bytes: null };
    return last === null ? null : { last, bytes: bytes ?? 0 };
  }

  /** Removes events up to `through`, some. @returns how many */
  forgetEvents(through: number): number {
    return this.#store.transaction(() => this.#deleteEvents.run(through, SLICE).changes);
  }
}

/** SQL of `events` (the append-only log) and `facts` (keys that make an observed fact idempotent in its run). */
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

/** What a row takes besides its data: the other columns and its part of the indexes. */
const ROW_BYTES = 300;

/** What goes is announced by an event (events.ts of the room `events`): a seq is never given out twice. */
export const events = defineTable({
  name: 'events',
  migrations: {
    22: /* sql */ `
  CREATE INDEX events_feedback ON events (json_extract(data, '$.memory'), seq) WHERE topic = 'feedback.given';
  `,
  },
  leaves: {
    kept: ({ events_days, events_bytes }) => ({ age_ms: events_days * DAY_MS, bytes: events_bytes }),
    order: 'seq',
    at_ms: 'at_ms',
    bytes: `octet_length(data) + ${ROW_BYTES}`,
  },
});

/** A run that is over is not read again: nothing can tell the same fact twice. */
export const facts = defineTable({
  name: 'facts',
  leaves: {
    kept_ms: () => DAY_MS,
    over: 'run IN (SELECT id FROM runs WHERE exited_ms < @before_ms)',
    key: 'run, key',
  },
});

/** As it is stored. `data` is JSON; `hash` covers the row and the hash before it (events/chain.ts). */
export interface EventRow {
  seq: number;
  id: string;
  at_ms: number;
  topic: string;
  agent: string | null;
  run: string | null;
  principal: string;
  grade: string;
  data: string;
  hash: string;
}

export interface EventFilter {
  after?: number | undefined;
  before?: number | undefined;
  agent?: string;
  /** Topic prefixes; a row matches when it starts with one of them. */
  topics?: string[];
  limit: number;
  /** The newest `limit` instead of the oldest after `after`; still returned oldest first. */
  last?: boolean;
}

export class EventTable {
  readonly #store: Readable;
  readonly #insert;
  readonly #newest;
  readonly #idAt;
  readonly #fact;

  constructor(store: Readable) {
    this.#store = store;
    this.#insert = store.db.prepare<
      [string, number, string, string | null, string | null, string, string, string, string]
    >(
      'INSERT INTO events (id, at_ms, topic, agent, run, principal, grade, data, hash) VALUES (?,?,?,?,?,?,?,?,?)',
    );
    this.#newest = store.db.prepare<[], { seq: number; id: string; hash: string }>(
      'SELECT seq, id, hash FROM events ORDER BY seq DESC LIMIT 1',
    );
    this.#idAt = store.db.prepare<[number], { id: string }>('SELECT id FROM events WHERE seq = ?');
    this.#fact = store.db.prepare<[string, string]>('INSERT OR IGNORE INTO facts (run, key) VALUES (?, ?)');
  }

  /** @returns the new row's seq. */
  insert(event: Omit<EventRow, 'seq' | 'data' | 'hash'>, data: string, hash: string): number {
    const result = this.#insert.run(
      event.id,
      event.at_ms,
      event.topic,
      event.agent,
      event.run,
      event.principal,
      event.grade,
      data,
      hash,
    );
    return Number(result.lastInsertRowid);
  }

  at(seq: number): EventRow | undefined {
    return this.#store.db.prepare<[number], EventRow>('SELECT * FROM events WHERE seq = ?').get(seq);
  }

  /** Only what was taken out on purpose changes a row; its hash stays, and an event says so (events/chain.ts). */
  rewrite(seq: number, data: string): void {
    this.#store.db.prepare<[string, number]>('UPDATE events SET data = ? WHERE seq = ?').run(data, seq);
  }

  newest(): { seq: number; id: string; hash: string } | undefined {
    return this.#newest.get();
  }

  /** The whole log as it is stored, oldest first. */
  rows(): IterableIterator<EventRow> {
    return this.#store.db.prepare<[], EventRow>('SELECT * FROM events ORDER BY seq').iterate();
  }

  /** Undefined where there is no such event: not yet, or not any more. */
  idAt(seq: number): string | undefined {
    return this.#idAt.get(seq)?.id;
  }

  /** The first event of this moment or later; what comes after the newest where there is none. */
  firstAt(at_ms: number): number {
    const from = this.#store.db.prepare<[number], { seq: number; at_ms: number }>(
      'SELECT seq, at_ms FROM events WHERE seq >= ? ORDER BY seq LIMIT 1',
    );
    let low = from.get(0)?.seq ?? 1;
    let high = (this.newest()?.seq ?? 0) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = from.get(middle);
      if (row === undefined || row.at_ms >= at_ms) high = middle;
      else low = row.seq + 1;
    }
    return low;
  }

  hashAt(seq: number): string | undefined {
    return this.#store.db
      .prepare<[number], { hash: string }>('SELECT hash FROM events WHERE seq = ?')
      .get(seq)?.hash;
  }

  /** True the first time this (run, key) is seen. */
  firstTime(run: string, key: string): boolean {
    return this.#fact.run(run, key).changes === 1;
  }

  /** Feedback on a memory itself, the newest first. */
  feedbackOn(memory: string, limit: number): EventRow[] {
    return this.#store.db
      .prepare<[string, number], EventRow>(
        `SELECT * FROM events WHERE topic = 'feedback.given' AND json_extract(data, '$.memory') = ?
         ORDER BY seq DESC LIMIT ?`,
      )
      .all(memory, limit);
  }

  list(filter: EventFilter): EventRow[] {
    const where: string[] = [];
    const values: (string | number)[] = [];
    if (filter.after !== undefined) {
      where.push('seq > ?');
      values.push(filter.after);
    }
    if (filter.before !== undefined) {
      where.push('seq < ?');
      values.push(filter.before);
    }
    if (filter.agent !== undefined) {
      where.push('agent = ?');
      values.push(filter.agent);
    }
    if (filter.topics && filter.topics.length > 0) {
      where.push(`(${filter.topics.map(() => 'topic >= ? AND topic < ?').join(' OR ')})`);
      for (const topic of filter.topics) values.push(topic, `${topic}￿`);
    }
    const sql = `SELECT * FROM events ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY seq ${
      filter.last ? 'DESC' : 'ASC'
    } LIMIT ?`;
    const rows = this.#store.db.prepare<(string | number)[], EventRow>(sql).all(...values, filter.limit);
    if (filter.last) rows.reverse();
    return rows;
  }
}

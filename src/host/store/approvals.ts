/**
 * SQL of `approvals`. `request` is unique: asking again under the same key finds the same row, after a
 * restart too. `detail` and `answer` are JSON; `delivered` says that the answer reached who waits for it.
 */
import type { ApprovalAnswer, ApprovalView } from '../api.ts';
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

export const approvals = defineTable({
  name: 'approvals',
  leaves: { kept_ms: ({ events_days }) => events_days * DAY_MS, over: 'answered_ms < @before_ms' },
});

export interface ApprovalRecord extends ApprovalView {
  request: string;
  delivered: boolean;
}

interface Row {
  id: string;
  kind: string;
  agent: string;
  run: string | null;
  request: string;
  title: string;
  detail: string;
  state: string;
  opened_ms: number;
  answer: string | null;
  answered_ms: number | null;
  answered_by: string | null;
  otherwise: string;
  delivered: number;
}

/** The inbox shows what is open, oldest first, and of the rest only the newest this many. */
const SETTLED_SHOWN_MAX = 500;

export class ApprovalTable {
  readonly #insert;
  readonly #settle;
  readonly #delivered;
  readonly #byId;
  readonly #byRequest;
  readonly #openRows;
  readonly #settledRows;
  readonly #countOpen;
  readonly #undelivered;
  readonly #openOfRun;

  constructor(store: Readable) {
    const { db } = store;
    this.#insert = db.prepare(
      `INSERT INTO approvals (id, kind, agent, run, request, title, detail, state, opened_ms, otherwise)
       VALUES (@id, @kind, @agent, @run, @request, @title, @detail, 'open', @opened_ms, @otherwise)`,
    );
    this.#settle = db.prepare<[string, string | null, number, string | null, string]>(
      'UPDATE approvals SET state = ?, answer = ?, answered_ms = ?, answered_by = ? WHERE id = ?',
    );
    this.#delivered = db.prepare<[string]>('UPDATE approvals SET delivered = 1 WHERE id = ?');
    this.#byId = db.prepare<[string], Row>('SELECT * FROM approvals WHERE id = ?');
    this.#byRequest = db.prepare<[string], Row>('SELECT * FROM approvals WHERE request = ?');
    this.#openRows = db.prepare<[{ agent: string | null }], Row>(
      "SELECT * FROM approvals WHERE state = 'open' AND (@agent IS NULL OR agent = @agent) ORDER BY opened_ms, rowid",
    );
    this.#settledRows = db.prepare<[{ agent: string | null; limit: number }], Row>(
      `SELECT * FROM approvals WHERE state <> 'open' AND (@agent IS NULL OR agent = @agent)
       ORDER BY answered_ms DESC, rowid DESC LIMIT @limit`,
    );
    this.#countOpen = db
      .prepare<[string], number>("SELECT count(*) FROM approvals WHERE state = 'open' AND agent = ?")
      .pluck();
    this.#undelivered = db.prepare<[string], Row>(
      "SELECT * FROM approvals WHERE run = ? AND state = 'answered' AND delivered = 0 ORDER BY answered_ms",
    );
    this.#openOfRun = db.prepare<[string], Row>(
      "SELECT * FROM approvals WHERE run = ? AND state = 'open' ORDER BY opened_ms, rowid",
    );
  }

  insert(approval: ApprovalRecord): void {
    this.#insert.run({ ...approval, detail: toJson(approval.detail) });
  }

  settle(
    id: string,
    state: 'answered' | 'withdrawn',
    answer: ApprovalAnswer | null,
    at_ms: number,
    by: string | null,
  ): void {
    this.#settle.run(state, answer === null ? null : toJson(answer), at_ms, by, id);
  }

  markDelivered(id: string): void {
    this.#delivered.run(id);
  }

  byId(id: string): ApprovalRecord | null {
    const row = this.#byId.get(id);
    return row === undefined ? null : toRecord(row);
  }

  byRequest(request: string): ApprovalRecord | null {
    const row = this.#byRequest.get(request);
    return row === undefined ? null : toRecord(row);
  }

  open(agent: string | null): ApprovalRecord[] {
    return this.#openRows.all({ agent }).map(toRecord);
  }

  /** Answered or withdrawn, newest first. */
  settled(agent: string | null): ApprovalRecord[] {
    return this.#settledRows.all({ agent, limit: SETTLED_SHOWN_MAX }).map(toRecord);
  }

  countOpen(agent: string): number {
    return this.#countOpen.get(agent) ?? 0;
  }

  /** Answered, and not known to have reached the run. */
  undelivered(run: string): ApprovalRecord[] {
    return this.#undelivered.all(run).map(toRecord);
  }

  openOfRun(run: string): ApprovalRecord[] {
    return this.#openOfRun.all(run).map(toRecord);
  }
}

function toRecord(row: Row): ApprovalRecord {
  return {
    id: row.id,
    kind: row.kind as ApprovalRecord['kind'],
    agent: row.agent,
    run: row.run,
    request: row.request,
    title: row.title,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    state: row.state as ApprovalRecord['state'],
    opened_ms: row.opened_ms,
    answer: row.answer === null ? null : (JSON.parse(row.answer) as ApprovalAnswer),
    answered_ms: row.answered_ms,
    answeredBy: row.answered_by,
    otherwise: row.otherwise,
    delivered: row.delivered === 1,
  };
}

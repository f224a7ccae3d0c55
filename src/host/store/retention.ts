/**
 * Removal by the rules of the tables: each statement removes a bounded number of rows, so that none holds up the host.
 */
import type { RetentionConfig } from '../config/types.ts';
import type { Store } from './store.ts';
import type { LogRows, Removal, SettledRows, Table } from './table.ts';
import { tables } from './tables.ts';

/** Rows of one statement. */
const ROWS_MAX = 500;

export interface OldRow {
  order: number;
  at_ms: number;
  bytes: number;
}

/** Removes what is over, from every table that has such rows. */
export class SettledRemover {
  readonly #store: Store;
  readonly #removals: { rule: SettledRows; remove: Removal }[];

  constructor(store: Store, definitions: readonly Table[] = tables) {
    this.#store = store;
    this.#removals = definitions.flatMap((table) =>
      table.leaves !== 'never' && 'over' in table.leaves
        ? [{ rule: table.leaves, remove: removalFrom(store, table.name, table.leaves) }]
        : [],
    );
  }

  /** One slice of each table. @returns how many rows went */
  remove(rules: RetentionConfig, now_ms: number): number {
    return this.#removals.reduce(
      (sum, { rule, remove }) =>
        sum + this.#store.transaction(() => remove(now_ms - rule.kept_ms(rules), ROWS_MAX)),
      0,
    );
  }
}

function removalFrom(store: Store, table: string, { over, key = 'rowid' }: SettledRows): Removal {
  if (typeof over !== 'string') return over(store);
  const statement = store.db.prepare<[{ before_ms: number; rows_max: number }]>(
    `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${over} LIMIT @rows_max)`,
  );
  return (before_ms, rows_max) => statement.run({ before_ms, rows_max }).changes;
}

/** The rows of one log, from its old end. */
export class LogTable {
  readonly name: string;
  readonly rule: LogRows;
  readonly #store: Store;
  readonly #page;
  readonly #measure;
  readonly #remove;

  constructor(store: Store, name: string, rule: LogRows) {
    const { order, at_ms, bytes } = rule;
    this.name = name;
    this.rule = rule;
    this.#store = store;
    this.#page = store.db.prepare<[number, number], OldRow>(
      `SELECT ${order} AS "order", ${at_ms} AS at_ms, ${bytes} AS bytes FROM ${name} WHERE ${order} > ? ORDER BY ${order} LIMIT ?`,
    );
    this.#measure = store.db.prepare<[number, number], { last: number | null; bytes: number | null }>(
      `SELECT max(place) AS last, sum(bytes) AS bytes
       FROM (SELECT ${order} AS place, ${bytes} AS bytes FROM ${name} WHERE ${order} > ? ORDER BY ${order} LIMIT ?)`,
    );
    this.#remove = store.db.prepare<[number, number]>(
      `DELETE FROM ${name} WHERE ${order} IN (SELECT ${order} FROM ${name} WHERE ${order} <= ? ORDER BY ${order} LIMIT ?)`,
    );
  }

  /** Rows after `after`, oldest first, with what each takes. */
  page(after: number): OldRow[] {
    return this.#page.all(after, ROWS_MAX);
  }

  /** What the next rows after `after` take together; null when there are none. */
  measure(after: number): { last: number; bytes: number } | null {
    const { last, bytes } = this.#measure.get(after, 10 * ROWS_MAX) ?? { last: null, bytes: null };
    return last === null ? null : { last, bytes: bytes ?? 0 };
  }

  /** Removes rows up to `through`, some. @returns how many */
  remove(through: number): number {
    return this.#store.transaction(() => this.#remove.run(through, ROWS_MAX).changes);
  }
}

/** The tables of which old rows leave by age and bytes. */
export function logTables(store: Store, definitions: readonly Table[] = tables): LogTable[] {
  return definitions.flatMap(({ name, leaves }) =>
    leaves !== 'never' && 'order' in leaves ? [new LogTable(store, name, leaves)] : [],
  );
}

/** Reads and rewrites the values that a search for traces has found (trace-queries.ts). */
import type { Readable } from './reader.ts';
import type { TracedRow } from './trace-queries.ts';

export class TracedValues {
  readonly #db: Readable['db'];

  constructor({ db }: Readable) {
    this.#db = db;
  }

  /** The value with the other columns of its row; null where the row is gone. */
  read(row: TracedRow): { value: string; row: Record<string, unknown> } | null {
    const found = this.#db
      .prepare<unknown[], Record<string, unknown>>(`SELECT * FROM "${row.table}" WHERE ${whereOf(row)}`)
      .get(...Object.values(row.key));
    const value = found?.[row.column];
    return found === undefined || typeof value !== 'string' ? null : { value, row: found };
  }

  /** Of any table but the event log, whose rows are chained. */
  write(row: TracedRow, value: string): void {
    this.#db
      .prepare<unknown[]>(`UPDATE "${row.table}" SET "${row.column}" = ? WHERE ${whereOf(row)}`)
      .run(value, ...Object.values(row.key));
  }
}

const whereOf = ({ key }: TracedRow): string =>
  Object.keys(key)
    .map((name) => `"${name}" = ?`)
    .join(' AND ');

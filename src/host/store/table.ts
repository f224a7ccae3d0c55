/**
 * What the store knows of a table: a definition in the table's own file, beside its row type and its statements. The
 * generator writes the list of all definitions (tables.ts); migrations and retention fold over it.
 */
import type { RetentionConfig } from '../config/types.ts';
import type { Readable } from './reader.ts';

export const DAY_MS = 24 * 3_600_000;

export interface Table {
  /** Its name in SQL. */
  name: string;
  /** Tables that hold a part of its rows, such as a full-text index, and have no rule of their own. */
  parts?: readonly string[];
  /**
   * By the version of the database that the SQL brings about: one number for all tables, the next free one. Never
   * edited once released. The versions from when tables had no files of their own are in schema.ts.
   */
  migrations?: Readonly<Record<number, string>>;
  leaves: Leaves;
}

/** Which rows retention removes. What is live, open, unread or remembered never leaves. */
export type Leaves = 'never' | SettledRows | LogRows;

/** Rows that are over for good leave by age. */
export interface SettledRows {
  kept_ms(rules: RetentionConfig): number;
  /** SQL condition: the row was over before @before_ms. Or a removal of its own, where more than the row is changed. */
  over: string | ((store: Readable) => Removal);
  /** Columns of the primary key of a table without rowids. */
  key?: string;
}

/** Rows that are appended and never changed leave oldest first, by age and by bytes, whichever is reached first. */
export interface LogRows {
  kept(rules: RetentionConfig): { age_ms: number; bytes: number };
  /** Column with a positive integer that rises in the order of appending. */
  order: string;
  /** Column with the time of appending. */
  at_ms: string;
  /** SQL expression: what one row takes. */
  bytes: string;
}

/** Removes rows that were over before `before_ms`, at most `rows_max`. @returns how many; called in a transaction */
export type Removal = (before_ms: number, rows_max: number) => number;

export function defineTable(table: Table): Table {
  return table;
}

/**
 * Appends the migrations of the tables to the earlier ones. The generator uses it, so it may not need its own output.
 * @throws Error when a version is brought twice, or one is missing
 */
export function inOrder(before: readonly string[], definitions: readonly Table[]): string[] {
  const brought = definitions.flatMap(({ name, migrations = {} }) =>
    Object.entries(migrations).map(([version, sql]) => ({ name, version: Number(version), sql })),
  );
  brought.sort((a, b) => a.version - b.version);
  const all = [...before];
  for (const { name, version, sql } of brought) {
    const next = all.length + 1;
    if (version !== next)
      throw new Error(`The migration of ${name} has version ${version}, and the next free one is ${next}.`);
    all.push(sql);
  }
  return all;
}

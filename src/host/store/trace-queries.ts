/** Looks through all text of the database for what a memory said: for a thread of its own, since a log may be large. */
import type { Readable, Reader } from './reader.ts';
import { TextTraces } from './text-traces.ts';

/** Where the thread finds this file, as published and as source. */
export const TRACE_QUERIES = import.meta.url;

/** Values of one column that hold a trace. */
export interface TracedRow {
  table: string;
  column: string;
  /** Columns of the primary key, or the rowid. */
  key: Record<string, string | number>;
}

const ROWS_MAX = 20_000;

/** @param given what it said, and the ids that it had */
export function findTraces(reader: Reader, given: unknown): TracedRow[] {
  const { texts, memories } = given as { texts: string[]; memories: string[] };
  const anchors = [...new Set(texts.flatMap((text) => new TextTraces(text).anchors))];
  const notes = notesOf(reader, memories);
  const found = columnsOf(reader).flatMap(({ table, column, key }) => {
    const where = anchors.map(() => `instr(${column}, ?)`).join(' OR ');
    const keys = key.map((name) => `"${name}"`).join(', ');
    const rows = reader.db
      .prepare<string[], Record<string, string | number>>(
        `SELECT ${keys} FROM "${table}" WHERE ${where} LIMIT ${ROWS_MAX}`,
      )
      .all(...anchors);
    return rows.map((row) => ({ table, column, key: row }));
  });
  const known = new Set(notes.map(({ key }) => key.seq));
  return [...notes, ...found.filter(({ table, key }) => table !== 'events' || !known.has(key.seq))];
}

/** Events that describe one of these memories, whatever they say. */
function notesOf({ db }: Readable, memories: string[]): TracedRow[] {
  const seqs = db
    .prepare<[string], number>(
      `SELECT e.seq FROM events e WHERE e.topic IN ('memory.stored', 'memory.forgotten')
       AND e.data ->> '$.memory.id' IN (SELECT value FROM json_each(?))`,
    )
    .pluck()
    .all(JSON.stringify(memories));
  return seqs.map((seq) => ({ table: 'events', column: 'data', key: { seq } }));
}

/** Every column that holds text, of every table but those of the memory and of indexes. */
function columnsOf({ db }: Readable): { table: string; column: string; key: string[] }[] {
  const tables = db
    .prepare<[], { name: string; wr: number }>(
      `SELECT name, wr FROM pragma_table_list
       WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'memor%'`, // they remove what they hold themselves
    )
    .all();
  return tables.flatMap(({ name, wr }) => {
    const columns = db
      .prepare<[string], { name: string; type: string; pk: number }>(
        'SELECT name, type, pk FROM pragma_table_info(?)',
      )
      .all(name);
    const primary = columns.filter(({ pk }) => pk > 0).map((column) => column.name);
    const key = wr === 1 || name === 'events' ? primary : ['rowid'];
    return columns
      .filter(({ type, name: column }) => type === 'TEXT' && !(name === 'events' && column !== 'data'))
      .map(({ name: column }) => ({ table: name, column, key }));
  });
}

/** Every migration in order: those of schema.ts, then those that the tables' own files bring. */
import { history } from './schema.ts';
import { inOrder } from './table.ts';
import { tables } from './tables.ts';

/** `migrations[n]` brings version n to n+1. */
export const migrations: string[] = inOrder(history, tables);

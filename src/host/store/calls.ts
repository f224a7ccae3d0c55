/**
 * SQL of `calls`: the receipts that make an MCP call happen once. A receipt is written in the transaction of
 * the effect it stands for; `result` is the JSON the caller got. It is dropped once the bridge says that the
 * call has been answered, or when it is too old for its bridge to be alive.
 */
import type { Principal } from '../api.ts';
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable } from './table.ts';

/** A receipt of a day belongs to a bridge that is long gone. */
export const calls = defineTable({
  name: 'calls',
  leaves: { kept_ms: () => DAY_MS, over: 'at_ms < @before_ms', key: 'caller, instance, sequence' },
});

export interface CallKey {
  caller: Principal;
  /** The bridge process instance. */
  instance: string;
  sequence: number;
}

export class CallTable {
  readonly #insert;
  readonly #replace;
  readonly #get;
  readonly #settle;

  constructor(store: Readable) {
    const { db } = store;
    this.#insert = db.prepare<[string, string, number, string, string, number]>(
      'INSERT INTO calls (caller, instance, sequence, tool, result, at_ms) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#replace = db.prepare<[string, string, string, number]>(
      'UPDATE calls SET result = ? WHERE caller = ? AND instance = ? AND sequence = ?',
    );
    this.#get = db.prepare<[string, string, number], { tool: string; result: string }>(
      'SELECT tool, result FROM calls WHERE caller = ? AND instance = ? AND sequence = ?',
    );
    this.#settle = db.prepare<[string, string, number]>(
      'DELETE FROM calls WHERE caller = ? AND instance = ? AND sequence <= ?',
    );
  }

  insert(key: CallKey, tool: string, result: unknown, at_ms: number): void {
    this.#insert.run(key.caller, key.instance, key.sequence, tool, toJson(result), at_ms);
  }

  /** Its answer has become more complete; nothing where the receipt is gone. */
  replace(key: CallKey, result: unknown): void {
    this.#replace.run(toJson(result), key.caller, key.instance, key.sequence);
  }

  get(key: CallKey): { tool: string; result: unknown } | null {
    const row = this.#get.get(key.caller, key.instance, key.sequence);
    return row === undefined ? null : { tool: row.tool, result: JSON.parse(row.result) as unknown };
  }

  /** Drops the receipts of an instance up to and including `sequence`. */
  settle(key: CallKey): void {
    this.#settle.run(key.caller, key.instance, key.sequence);
  }
}

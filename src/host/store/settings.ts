/**
 * SQL of `settings`: what was applied of aether.yaml for the whole fleet. The next host continues with it, whatever the
 * file says by then.
 */
import type { FleetSettings } from '../config/types.ts';
import { toJson } from './json.ts';
import type { Readable } from './reader.ts';
import { defineTable } from './table.ts';

export const settings = defineTable({
  name: 'settings',
  migrations: {
    12: /* sql */ `
  CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL -- JSON
  ) STRICT, WITHOUT ROWID;
  `,
  },
  leaves: 'never',
});

export class SettingTable {
  readonly #all;
  readonly #put;

  constructor(store: Readable) {
    this.#all = store.db.prepare<[], { name: string; value: string }>('SELECT name, value FROM settings');
    this.#put = store.db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?,?)');
  }

  /** Those that were applied; a version may know more. */
  all(): Partial<FleetSettings> {
    return Object.fromEntries(this.#all.all().map(({ name, value }) => [name, JSON.parse(value)]));
  }

  put(settings: FleetSettings): void {
    for (const [name, value] of Object.entries(settings)) this.#put.run(name, toJson(value));
  }
}

/**
 * The table `memories`; its rows are read and changed by memory-rows.ts and found by memory-shelves.ts. `tags` is a JSON
 * array of strings. A forgotten row stays as a tombstone and is in no index.
 */
import type { Readable } from './reader.ts';
import { DAY_MS, defineTable, type Removal } from './table.ts';

/** A forgotten memory leaves, with its links; a live one never does. */
export const memories = defineTable({
  name: 'memories',
  migrations: {
    13: 'ALTER TABLE memories ADD COLUMN via TEXT; -- JSON principals that its author followed when storing it; null: none',
    14: /* sql */ `
  ALTER TABLE memories ADD COLUMN layer TEXT NOT NULL DEFAULT 'semantic';
  ALTER TABLE memories ADD COLUMN importance INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE memories ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE memories ADD COLUMN valid_from_ms INTEGER;
  ALTER TABLE memories ADD COLUMN expires_ms INTEGER;
  ALTER TABLE memories ADD COLUMN expired_ms INTEGER;   -- found to have expired; it stays so when the clock goes back
  ALTER TABLE memories ADD COLUMN superseded_by TEXT;   -- id
  ALTER TABLE memories ADD COLUMN superseded_ms INTEGER;
  ALTER TABLE memories ADD COLUMN stale TEXT CHECK (stale IN ('stale', 'possibly_stale'));
  ALTER TABLE memories ADD COLUMN stale_why TEXT;       -- JSON StaleReason
  ALTER TABLE memories ADD COLUMN run TEXT;
  ALTER TABLE memories ADD COLUMN evidence TEXT;        -- JSON MemoryEvidence
  ALTER TABLE memories ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE memories ADD COLUMN used_ms INTEGER;
  ALTER TABLE memories ADD COLUMN weight REAL NOT NULL DEFAULT 0;
  DROP INDEX memories_live;
  CREATE INDEX memories_live ON memories (scope, updated_ms) WHERE forgotten_ms IS NULL AND superseded_ms IS NULL;
  DROP INDEX memories_by_key;
  CREATE UNIQUE INDEX memories_by_key ON memories (scope, key)
    WHERE key IS NOT NULL AND forgotten_ms IS NULL AND superseded_ms IS NULL;
  CREATE INDEX memories_versions ON memories (scope, key, version) WHERE key IS NOT NULL AND forgotten_ms IS NULL;
  CREATE INDEX memories_due ON memories (expires_ms)
    WHERE expires_ms IS NOT NULL AND expired_ms IS NULL AND forgotten_ms IS NULL AND superseded_ms IS NULL;
  `,
    18: /* sql */ `
  CREATE INDEX memories_spent ON memories (scope) WHERE forgotten_ms IS NULL AND pinned = 0
    AND (superseded_ms IS NOT NULL OR expired_ms IS NOT NULL OR stale IS NOT NULL);
  CREATE INDEX memories_keys ON memories (key, scope) WHERE key IS NOT NULL AND forgotten_ms IS NULL AND superseded_ms IS NULL;
  `,
  },
  leaves: { kept_ms: ({ events_days }) => events_days * DAY_MS, over: removeForgotten },
});

function removeForgotten({ db }: Readable): Removal {
  const over = db.prepare<[number, number], { rowid: number; id: string }>(
    'SELECT rowid, id FROM memories WHERE forgotten_ms < ? ORDER BY forgotten_ms LIMIT ?',
  );
  const links = db.prepare<[string, string]>('DELETE FROM memory_links WHERE from_id = ? OR to_id = ?');
  const row = db.prepare<[number]>('DELETE FROM memories WHERE rowid = ?');
  return (before_ms, rows_max) => {
    const gone = over.all(before_ms, rows_max);
    for (const { rowid, id } of gone) {
      links.run(id, id);
      row.run(rowid);
    }
    return gone.length;
  };
}

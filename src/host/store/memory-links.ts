/**
 * SQL of `memory_links`: which memory was made from which. `from_id` is the younger statement, `to_id` what it rests on,
 * contradicts or replaces. A link goes with the rows of its memories (memories.ts).
 */
import { defineTable } from './table.ts';

export const memoryLinks = defineTable({
  name: 'memory_links',
  migrations: {
    15: /* sql */ `
  CREATE TABLE memory_links (
    from_id TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('derived', 'possible', 'contradicts', 'supersedes')), to_id TEXT NOT NULL,
    PRIMARY KEY (from_id, kind, to_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX memory_links_to ON memory_links (to_id, kind, from_id);
  `,
  },
  leaves: 'never',
});

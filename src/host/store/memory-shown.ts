/**
 * SQL of `memory_shown`: which memories a reader was given, and when first. A reader is a run, or the bridge of an
 * outside client. What was shown before something was stored may be what it rests on.
 */
import { DAY_MS, defineTable } from './table.ts';

export const memoryShown = defineTable({
  name: 'memory_shown',
  migrations: {
    16: /* sql */ `
  CREATE TABLE memory_shown (
    reader TEXT NOT NULL, memory TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (reader, memory)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX memory_shown_of ON memory_shown (memory, at_ms);
  CREATE INDEX memory_shown_at ON memory_shown (at_ms);
  `,
  },
  leaves: {
    kept_ms: ({ events_days }) => events_days * DAY_MS,
    over: 'at_ms < @before_ms',
    key: 'reader, memory',
  },
});

/** Every table of the database. Written by `npm run generate` from the definitions in this folder. */
import { agents } from './agents.ts';
import { approvals } from './approvals.ts';
import { calls } from './calls.ts';
import { events, facts } from './events.ts';
import { injections } from './injections.ts';
import { leases } from './leases.ts';
import { memories } from './memories.ts';
import { memoryParts } from './memory-index.ts';
import { memoryLinks } from './memory-links.ts';
import { memoryRemains } from './memory-remains.ts';
import { memoryScopes } from './memory-scopes.ts';
import { memoryScrubs } from './memory-scrubs.ts';
import { memoryShown } from './memory-shown.ts';
import { memoryVectors } from './memory-vectors.ts';
import { clients, messages } from './messages.ts';
import { runSums } from './run-sums.ts';
import { hosts, runs } from './runs.ts';
import { settings } from './settings.ts';
import type { Table } from './table.ts';

export const tables: readonly Table[] = [
  agents,
  approvals,
  calls,
  clients,
  events,
  facts,
  hosts,
  injections,
  leases,
  memories,
  memoryLinks,
  memoryParts,
  memoryRemains,
  memoryScopes,
  memoryScrubs,
  memoryShown,
  memoryVectors,
  messages,
  runSums,
  runs,
  settings,
];

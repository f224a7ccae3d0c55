/** How long a journal is that somebody else is writing. */
import { statSync } from 'node:fs';
import { listSegments } from '../../src/host/shim/format.ts';

/** Bytes ever written, removed segments included; 0 for none. */
export function journalLength(dir: string): number {
  const newest = listSegments(dir).at(-1);
  return newest === undefined ? 0 : newest.start + statSync(newest.path).size;
}

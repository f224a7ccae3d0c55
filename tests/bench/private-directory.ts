/** A short directory of one's own, for sockets and results of a measurement. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function privateDirectory(): { path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'ab-')));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

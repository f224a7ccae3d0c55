/** For whoever looks into a violation: CHAOS_DUMP names a directory that the state directory is copied to. */
import fs from 'node:fs';
import type { LiveFleet } from '../support/live-fleet.ts';

export function dumpState(fleet: LiveFleet, violations: string[]): void {
  const dump = process.env.CHAOS_DUMP;
  if (dump === undefined || violations.length === 0) return;
  const filter = (path: string) => !fs.lstatSync(path).isSocket();
  fs.cpSync(fleet.stateDir, dump, { recursive: true, filter });
}

/** Which files of a workspace changed since a moment: told to an agent that was away. Bounded, never follows links. */
import fs from 'node:fs';
import path from 'node:path';
import type { AgentView } from '../api.ts';

const ENTRIES_MAX = 20_000;
const NAMED_MAX = 40;
const SKIPPED = new Set(['.git', 'node_modules', '.aether']);

/** @returns paths relative to the workspace, at most 40, then one entry that counts the rest. */
export function changedFiles(workspace: string, since_ms: number): string[] {
  const found: string[] = [];
  const waiting = [''];
  let seen = 0;
  while (waiting.length > 0 && seen < ENTRIES_MAX) {
    const relative = waiting.pop() as string;
    let entries: fs.Dirent[];
    try {
      entries = fs.readdirSync(path.join(workspace, relative), { withFileTypes: true });
    } catch {
      continue; // It vanished, or is not ours to read: then it is not a change that we can name.
    }
    for (const entry of entries) {
      seen += 1;
      const name = path.join(relative, entry.name);
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) waiting.push(name);
        continue;
      }
      const stat = fs.lstatSync(path.join(workspace, name), { throwIfNoEntry: false });
      if (stat !== undefined && Math.max(stat.mtimeMs, stat.ctimeMs) >= since_ms) found.push(name);
    }
  }
  found.sort();
  return found.length <= NAMED_MAX
    ? found
    : [...found.slice(0, NAMED_MAX), `and ${found.length - NAMED_MAX} more`];
}

/** What the agent would be told has changed if it went on now; null while nobody keeps it from going on. */
export function changesMeanwhile(
  view: Pick<AgentView, 'workspace' | 'lease' | 'hold' | 'activity' | 'activityEvidence'>,
): { since_ms: number; files: string[] } | null {
  const since = [
    view.lease?.phase === 'pending' ? null : view.lease?.since_ms,
    view.hold?.held_ms,
    view.activity === 'paused' ? view.activityEvidence?.at_ms : null,
  ].filter((at_ms) => at_ms !== null && at_ms !== undefined);
  if (since.length === 0) return null;
  const since_ms = Math.min(...since);
  return { since_ms, files: changedFiles(view.workspace, since_ms) };
}

/** What an agent that stood still is told of the time it was away: it notices nothing of that by itself. */
import { changedFiles } from './changed-files.ts';
import type { Wiring } from './wiring.ts';

/** Sentences, one a line; none where nothing has changed. */
export function whatChanged(wiring: Wiring, agent: string, since_ms: number, unread: number): string[] {
  const files = changedFiles(wiring.agents.get(agent).config.workspace, since_ms);
  const lines: string[] = [];
  if (files.length > 0) lines.push(`Files changed in the workspace meanwhile: ${files.join(', ')}.`);
  if (unread > 0)
    lines.push(`You have ${unread} unread message${unread === 1 ? '' : 's'}: aether_mail_inbox reads them.`);
  return lines;
}

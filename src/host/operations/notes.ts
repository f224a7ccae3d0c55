/**
 * Everything that the host tells an agent in its own name. Each begins with the same mark, so that an agent and a
 * reader of its transcript can tell it from the text of a person.
 */

import type { LeaseRecord } from '../store/leases.ts';
import { changedFiles } from '../workspaces/changed-files.ts';
import type { Wiring } from './wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'agents'>;

export const hostNote = (text: string): string => `[aether] ${text}`;

export const answerNote = (id: string, question: string, answer: string): string =>
  hostNote(`The operator answered your question ${id} (${question}): ${answer}`);

export const mailNote = (unread: number, from: string): string =>
  hostNote(
    `You have ${unread} unread message(s), the newest from ${from}. Read them with aether_mail_inbox and acknowledge what you have dealt with.`,
  );

export const heldNote = (by: string, away_ms: number): string =>
  hostNote(`${by} held you for ${duration(away_ms)}; now you may go on.`);

export const frozenNote = (away_ms: number): string =>
  hostNote(
    `You and everything you had started were paused for ${duration(away_ms)}; a time-out may have passed meanwhile.`,
  );

/** What the agent reads when it has the floor again. */
export function returnNote(lease: LeaseRecord, now: number, changed: string[]): string {
  const seconds = Math.max(1, Math.round((now - (lease.since_ms ?? now)) / 1000));
  const lines = [hostNote(`${lease.holder} had your terminal for ${seconds} s and handed it back.`)];
  if (lease.detail.interrupted)
    lines.push('Your turn was interrupted for it; a tool that was running did not finish.');
  if (changed.length > 0) lines.push(`Files changed in the workspace meanwhile: ${changed.join(', ')}.`);
  if (lease.detail.note) lines.push(`Note from ${lease.holder}: ${lease.detail.note}`);
  lines.push('Go on from here, taking what was said and done in the terminal into account.');
  return lines.join('\n');
}

/** Sentences, one a line; none where nothing has changed. */
export async function whatChanged(
  wiring: Needs,
  agent: string,
  since_ms: number,
  unread: number,
): Promise<string[]> {
  const files = await changedFiles(wiring.agents.get(agent).config.workspace, since_ms);
  const lines: string[] = [];
  if (files.length > 0) lines.push(`Files changed in the workspace meanwhile: ${files.join(', ')}.`);
  if (unread > 0)
    lines.push(`You have ${unread} unread message${unread === 1 ? '' : 's'}: aether_mail_inbox reads them.`);
  return lines;
}

export function duration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}

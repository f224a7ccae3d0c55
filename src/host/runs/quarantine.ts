/**
 * Output of a run that the host could not process and left out. Each case is an event, up to a limit: a program that
 * prints nothing else must not fill the event log. The journal keeps the bytes themselves.
 */
import { messageOf } from '../errors.ts';
import type { Topics } from '../events/topics.ts';
import { limits } from '../limits.ts';
import type { RunRecord } from '../store/runs.ts';
import { countLeftOut } from './floor.ts';

type LeftOut = Topics['record.quarantined'];

/**
 * Counts it in the run's record.
 * @returns what to tell of it; null where only the count goes on
 */
export function leaveOut(
  record: RunRecord,
  what: { of: LeftOut['of']; offset: number; bytes: number; text: string; error: unknown },
): LeftOut | null {
  const count = countLeftOut(record.floor);
  if (count > limits.quarantine_events_max && !Number.isInteger(Math.log10(count))) return null;
  const { of, offset, bytes, text, error } = what;
  return { of, offset, bytes, why: printable(messageOf(error)), excerpt: printable(text), count };
}

/** Escaped as in JSON; neither a terminal nor a browser does anything with it. */
function printable(text: string): string {
  const max = limits.quarantine_excerpt_chars_max;
  const ascii = text
    .slice(0, max)
    .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .slice(0, max);
  return text.length > max ? `${ascii}...` : ascii;
}

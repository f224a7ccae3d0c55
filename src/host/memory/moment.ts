/** Times as agents write them: ISO 8601, or how long from now. */
import { AetherError } from '../errors.ts';
import { cutText } from '../text.ts';

const UNITS_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const LASTING = /^(\d{1,6})\s*(m|h|d|w)$/i;
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
/** What a date of JavaScript holds. */
const MOMENT_MS_MAX = 8.64e15;

/** @throws AetherError `memory.since` */
export function sinceOf(text: string, now_ms: number): number {
  const lasted = LASTING.test(text.trim()) ? momentOf(text, 0) : null;
  const at_ms = lasted === null ? momentOf(text, now_ms) : now_ms - lasted;
  if (at_ms !== null) return at_ms;
  throw new AetherError({
    code: 'memory.since',
    who: 'agent',
    message: `${JSON.stringify(cutText(text, { chars_max: 64 }))} is neither a time nor a duration.`,
    next: 'Give an ISO 8601 date or time, such as "2026-05-08", or how long ago, such as "7d" or "12h".',
  });
}

/** @returns null where it is neither; a time without a zone is UTC */
export function momentOf(text: string, now_ms: number): number | null {
  const trimmed = text.trim();
  const lasting = LASTING.exec(trimmed);
  if (lasting !== null) {
    const at_ms = now_ms + Number(lasting[1]) * UNITS_MS[lasting[2]!.toLowerCase()]!;
    return at_ms <= MOMENT_MS_MAX ? at_ms : null;
  }
  if (!ISO.test(trimmed)) return null;
  const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/i.test(trimmed) || !/T/i.test(trimmed);
  const at_ms = Date.parse(zoned ? trimmed : `${trimmed}Z`);
  return Number.isNaN(at_ms) ? null : at_ms;
}

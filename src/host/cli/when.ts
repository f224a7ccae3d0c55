/** A time that an option gives: an age (`10m`, `1h30m`, `2d`), a date, or a moment. */
import { AetherError } from '../errors.ts';

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;
/** A day or a moment of ISO 8601; without a zone it is local, as people mean it. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** @throws AetherError `usage.time` */
export function whenOf(option: string, given: string, now_ms: number): number {
  if (DURATION.test(given)) {
    const parts = given.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g);
    return now_ms - [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
  }
  // A day alone would be one of UTC to the language.
  const local = /^\d{4}-\d\d-\d\d$/.test(given) ? `${given}T00:00` : given.replace(' ', 'T');
  const moment = MOMENT.test(given) ? Date.parse(local) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  if (/^\d{9,11}(?:\.\d+)?$/.test(given)) return Number(given) * 1_000;
  throw new AetherError({
    code: 'usage.time',
    who: 'user',
    message: `${option} is a time, not ${given}.`,
    next: 'Say how long ago (10m, 2h, 1d) or when (2026-11-27, 2026-11-27T14:05, seconds since 1970).',
  });
}

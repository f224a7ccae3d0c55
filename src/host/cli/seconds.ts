/** A number of seconds, as an option gives it. */
import { AetherError } from '../errors.ts';

/** @throws AetherError `usage.option` */
export function secondsOf(given: string, usual: number): number {
  const seconds = Number(given);
  if (Number.isFinite(seconds) && seconds > 0 && seconds <= 86_400) return seconds;
  throw new AetherError({
    code: 'usage.option',
    who: 'user',
    message: `--timeout is a number of seconds up to a day, not ${given}.`,
    next: `Leave it out for ${usual}.`,
  });
}

/** How long ago, ticking by itself, which is not read aloud at every tick; the exact time on hover. */
import { age, exactTimeOf, now } from '../state/clock.ts';

export function Age({ since, suffix = '' }: { since: number; suffix?: string }) {
  return (
    <time class="age" aria-live="off" dateTime={new Date(since).toISOString()} title={exactTimeOf(since)}>
      {age(since, now.value)}
      {suffix}
    </time>
  );
}

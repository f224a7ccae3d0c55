/** An age that is updated every second; screen readers do not read each update. Hover shows the exact time. */
import { age, exactTimeOf, now } from '../state/clock.ts';

export function Age({ since, suffix = '' }: { since: number; suffix?: string }) {
  return (
    <time class="age" aria-live="off" dateTime={new Date(since).toISOString()} title={exactTimeOf(since)}>
      {age(since, now.value)}
      {suffix}
    </time>
  );
}

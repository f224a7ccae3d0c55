/** The host's time, as the page shows it: ages tick once a second while the page is visible. */
import { signal } from '@preact/signals';

/** Host clock minus this machine's: they differ when the page is opened through a forwarded port. */
let offset_ms = 0;

/** Milliseconds since the epoch by the host's clock; changes once a second. */
export const now = signal(Date.now());

export function setHostTime(host_ms: number): void {
  offset_ms = host_ms - Date.now();
  now.value = host_ms;
}

export function hostNow(): number {
  return Date.now() + offset_ms;
}

const tick = (): void => {
  if (!document.hidden) now.value = hostNow();
};
setInterval(tick, 1_000);
document.addEventListener('visibilitychange', tick);

/** 8s · 4m · 3h · 2d */
export function age(from_ms: number, to_ms: number): string {
  const seconds = Math.max(0, Math.floor((to_ms - from_ms) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const exactTime = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

const secondTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** 14:02 */
export const timeOf = (at_ms: number): string => clockTime.format(at_ms);
/** Nov 20, 14:02:11 */
export const exactTimeOf = (at_ms: number): string => exactTime.format(at_ms);
/** 14:02:11 */
export const secondOf = (at_ms: number): string => secondTime.format(at_ms);

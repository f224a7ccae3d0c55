/** Waits for a condition with a deadline, never for a time. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @param what says what is waited for; a function says it as it is when the time is over
 * @returns the first value of `probe` that is not undefined, null or false
 */
export async function eventually<T>(
  what: string | (() => string),
  probe: () => T | Promise<T>,
  deadline_ms = 10_000,
  poll_ms = 20,
): Promise<NonNullable<T>> {
  const end = Date.now() + deadline_ms;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>;
    if (Date.now() > end) {
      const missing = typeof what === 'string' ? what : what();
      throw new Error(`did not come true within ${deadline_ms} ms: ${missing}`);
    }
    await sleep(poll_ms);
  }
}

/** Events in tests: with the type of their data, and awaited without asking the host again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlClient } from '../../src/host/control/client.ts';
import type { AetherError } from '../../src/host/errors.ts';
import type { EventOf, EventView, Topic } from '../../src/host/events/topics.ts';

/** Those of these topics, in order. */
export function ofTopic<T extends Topic>(events: readonly EventView[], ...topics: T[]): EventOf<T>[] {
  return events.filter((event): event is EventView & EventOf<T> =>
    (topics as readonly Topic[]).includes(event.topic),
  );
}

/** Data as it is, for tests that put something of their own into it. */
export const dataOf = (event: EventView): Record<string, unknown> => event.data as never;

interface Expected {
  what: string;
  filter: { agent?: string; topics: string[] };
  fits(event: EventView): boolean;
  deadline_ms: number;
  /** Before the first event is told, and told again by the next host. */
  again?(): void;
}

/**
 * The first event that fits, past or future. The host sends what it has and then what comes: asking it every few
 * milliseconds costs more than what is waited for. When the host dies, its successor tells all of them again.
 */
export async function told(
  host: { connect(): Promise<ControlClient> },
  { what, filter, fits, deadline_ms, again }: Expected,
): Promise<EventView> {
  const end = Date.now() + deadline_ms;
  for (;;) {
    const client = await host.connect();
    const timer = setTimeout(() => client.close(), Math.max(0, end - Date.now()));
    try {
      again?.();
      for await (const event of client.stream('logs', { last: 1_000, follow: true, ...filter }))
        if (fits(event)) return event;
    } catch (error) {
      if ((error as Partial<AetherError>).code !== 'control.lost') throw error;
    } finally {
      clearTimeout(timer);
      client.close();
    }
    if (Date.now() >= end) throw new Error(`did not come true within ${deadline_ms} ms: ${what}`);
    await sleep(50);
  }
}

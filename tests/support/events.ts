/** Events in tests, with the type of their data. */
import type { EventOf, EventView, Topic } from '../../src/host/events/topics.ts';

/** Those of these topics, in order. */
export function ofTopic<T extends Topic>(events: readonly EventView[], ...topics: T[]): EventOf<T>[] {
  return events.filter((event): event is EventView & EventOf<T> =>
    (topics as readonly Topic[]).includes(event.topic),
  );
}

/** Data as it is, for tests that put something of their own into it. */
export const dataOf = (event: EventView): Record<string, unknown> => event.data as never;

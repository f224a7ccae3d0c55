/**
 * Events to one reader, at its pace. A live event only triggers reading: what is sent always comes from the log, so it
 * cannot differ from what was kept, and a slow reader costs no memory and loses nothing.
 */
import type { EventsFilter, EventView, OpenStream, StreamSink } from '../api.ts';

/** Small enough that one page of large events stays near a connection's buffer. */
const PAGE = 100;

export interface EventSource {
  list(filter: EventsFilter): EventView[];
  follow(listener: (event: EventView) => void): () => void;
}

/** Every matching event after `after`, once, in order. */
export function streamEvents(
  source: EventSource,
  filter: { agent?: string; topics?: string[] },
  after: string,
  sink: StreamSink<EventView>,
): OpenStream {
  let position = after;
  let scheduled = false;
  let closed = false;

  const matches = (event: EventView) =>
    (filter.agent === undefined || event.agent === filter.agent) &&
    (filter.topics === undefined ||
      filter.topics.length === 0 ||
      filter.topics.some((prefix) => event.topic.startsWith(prefix)));

  function schedule(): void {
    if (scheduled || closed) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!closed) readOn();
    });
  }
  function readOn(): void {
    if (sink.full()) return; // drained() comes back here
    try {
      const page = source.list({ ...filter, after: position, limit: PAGE });
      for (const event of page) {
        position = event.cursor;
        sink.item(event);
      }
      if (page.length === PAGE) schedule(); // the host does other things between pages
    } catch (error) {
      stop();
      sink.end(error);
    }
  }
  const unsubscribe = source.follow((event) => {
    if (matches(event)) schedule();
  });
  function stop(): void {
    closed = true;
    unsubscribe();
  }
  schedule();
  return { drained: schedule, close: stop };
}

/** The event log: a page of it, or a stream. */
import { z } from 'zod';
import type { EventView } from '../api.ts';
import { limits } from '../limits.ts';
import { agentOrAll } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

/** The `cursor` of an event, as it came: events after or before it. */
const cursor = z.string().max(100).optional();
/** Prefixes of topics. */
const topics = z.array(z.string().max(100)).max(50).optional();

const event = (view: EventView) => view;

export const events = defineVerb({
  kind: 'call',
  name: 'events',
  summary:
    'A page of events: the oldest after `after`, or with `last` the newest before `before`; limited to a time if one is given.',
  input: z.strictObject({
    agent: agentOrAll,
    topics,
    after: cursor,
    before: cursor,
    last: z.boolean().optional(),
    limit: z.int().min(1).max(limits.events_page_max).optional(),
    since_ms: z.number().optional(),
    until_ms: z.number().optional(),
  }),
  who: OPERATORS,
  reads: true,
  run: (rooms, filter) => rooms.events.list(filter),
});

export const follow = defineVerb({
  kind: 'stream',
  name: 'follow',
  summary: 'Events after `after` (left out: from now on), each once and in order.',
  input: z.strictObject({ after: cursor, agent: agentOrAll, topics }),
  who: OPERATORS,
  encode: event,
  run: (rooms, { after, ...filter }, sink) => rooms.events.stream(filter, after ?? rooms.events.end(), sink),
});

export const logs = defineVerb({
  kind: 'stream',
  name: 'logs',
  summary: 'The newest `last` events, then with `follow` the new ones.',
  input: z.strictObject({
    agent: agentOrAll,
    topics,
    last: z.int().min(0).max(limits.events_page_max),
    follow: z.boolean(),
  }),
  who: OPERATORS,
  encode: event,
  run(rooms, { last, follow, ...filter }, sink) {
    // Before the page is read: what is appended while it is sent comes after it.
    const end = rooms.events.end();
    const rows = last > 0 ? rooms.events.list({ ...filter, last: true, limit: last }) : [];
    for (const row of rows) sink.item(row);
    if (follow) return rooms.events.stream(filter, end, sink);
    sink.end();
    return { drained: () => undefined, close: () => undefined };
  },
});

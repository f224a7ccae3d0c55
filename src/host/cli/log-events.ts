/** Events of the log for `aether logs`: in pages from the host, or from its state directory where none runs. */
import type { EventsFilter, EventView } from '../api.ts';
import { limits } from '../limits.ts';
import type { Hint } from './hints.ts';
import type { LogFilter } from './log-options.ts';
import { paint, print, room, unseenEscaped } from './output.ts';
import { oneLine } from './text.ts';
import { clientOf, eventLines, shownTopics } from './transcript.ts';

export type EventPages = (filter: EventsFilter) => Promise<EventView[]> | EventView[];

export interface EventLog {
  pages: EventPages;
  /** null: of the whole fleet, and each line names its agent. */
  agent: string | null;
  hint: Hint;
}

/** What is shown of an event; empty where the filter leaves it out. */
function linesOf(event: EventView, { agent, hint }: EventLog, filter: LogFilter): string[] {
  if (filter.json) {
    const line = JSON.stringify(event);
    return filter.matches(line) ? [unseenEscaped(line)] : [];
  }
  const date = new Date(event.at_ms);
  const time = paint('dim', filter.timestamps ? date.toISOString() : date.toTimeString().slice(0, 8));
  const name = event.agent ?? clientOf(event);
  const who = agent === null && name !== null ? `${paint('bold', oneLine(name))} ` : '';
  const lines = eventLines(event, hint);
  // An event is shown whole: its first line says what its others belong to.
  if (!filter.matches(lines.join('\n').replace(/\x1b\[[\d;]*m/g, ''))) return [];
  return lines.map((line) => `${time} ${who}${line}`);
}

export function filterOf({ agent }: EventLog, filter: LogFilter): EventsFilter {
  return {
    ...(agent === null ? {} : { agent }),
    // What is not shown is not counted either.
    ...(filter.json ? {} : { topics: shownTopics() }),
    ...(filter.since_ms === undefined ? {} : { since_ms: filter.since_ms }),
    ...(filter.until_ms === undefined ? {} : { until_ms: filter.until_ms }),
  };
}

export async function printEvent(event: EventView, log: EventLog, filter: LogFilter): Promise<void> {
  for (const line of linesOf(event, log, filter)) print(line);
  await room();
}

export async function printPast(log: EventLog, filter: LogFilter): Promise<void> {
  if (filter.tail === null) await printAll(log, filter);
  else for (const line of await newest(log, filter, filter.tail)) print(line);
}

/** From the oldest on, a page at a time. */
async function printAll(log: EventLog, filter: LogFilter): Promise<void> {
  const asked = filterOf(log, filter);
  for (let after: string | undefined; ; ) {
    const page = await log.pages({ ...asked, ...(after === undefined ? {} : { after }) });
    for (const event of page) await printEvent(event, log, filter);
    after = page.at(-1)?.cursor;
    if (page.length < limits.events_page_max) return;
  }
}

/** Back from the newest until there are enough. */
async function newest(log: EventLog, filter: LogFilter, tail: number): Promise<string[]> {
  const asked = filterOf(log, filter);
  const found: string[][] = [];
  for (let before: string | undefined; found.length < tail; ) {
    const limit = filter.grep
      ? limits.events_page_max
      : Math.min(tail - found.length, limits.events_page_max);
    const page = await log.pages({
      ...{ ...asked, limit, last: true },
      ...(before === undefined ? {} : { before }),
    });
    for (const event of page.toReversed()) {
      const lines = linesOf(event, log, filter);
      if (lines.length > 0 && found.length < tail) found.push(lines);
    }
    before = page[0]?.cursor;
    if (page.length < limit) break;
  }
  return found.reverse().flat();
}

/** Reads pages of the log: by cursor, by time, forwards and back. All that a reader without a host needs. */
import type { EventsFilter } from '../api.ts';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type EventRow, EventTable } from '../store/events.ts';
import type { Readable } from '../store/reader.ts';
import { BEGINNING, cursorOf, foreignCursor, placeOf, tagOf } from './cursor.ts';
import type { EventOf, EventView, TopicsLike } from './topics.ts';

export class EventReader {
  readonly #table: EventTable;

  constructor(store: Readable, table = new EventTable(store)) {
    this.#table = table;
  }

  /**
   * Oldest first. `topics`: prefixes.
   * @throws AetherError `cursor.invalid`; `cursor.foreign`
   */
  list<P extends string = ''>(
    filter: Omit<EventsFilter, 'topics'> & { topics?: P[] },
  ): EventOf<TopicsLike<P>>[] {
    const { since_ms, until_ms, ...rest } = filter;
    const limit = filter.limit ?? limits.events_page_max;
    if (!Number.isInteger(limit) || limit < 1 || limit > limits.events_page_max) {
      throw new AetherError({
        code: 'events.limit',
        who: 'user',
        message: `A page of events holds 1 to ${limits.events_page_max}; ${String(filter.limit)} was asked for.`,
        next: 'Ask for less and page on with `after`.',
      });
    }
    const after = [
      this.#seqOf(filter.after),
      since_ms === undefined ? undefined : this.#table.firstAt(since_ms) - 1,
    ];
    const before = [
      this.#seqOf(filter.before),
      until_ms === undefined ? undefined : this.#table.firstAt(until_ms + 1),
    ];
    const known = (seqs: (number | undefined)[]) => seqs.filter((seq) => seq !== undefined);
    const rows = this.#table.list({
      ...rest,
      limit,
      after: known(after).length === 0 ? undefined : Math.max(...known(after)),
      before: known(before).length === 0 ? undefined : Math.min(...known(before)),
    });
    return rows.map(viewOf) as EventOf<TopicsLike<P>>[];
  }

  /** Of a memory itself, not of what was done with it; the newest first. */
  feedbackOn(memory: string, limit: number): EventOf<'feedback.given'>[] {
    return this.#table.feedbackOn(memory, limit).map(viewOf) as EventOf<'feedback.given'>[];
  }

  /** The event of this number; null where there is none any more. */
  at(seq: number): EventView | null {
    const [row] = this.#table.list({ after: seq - 1, before: seq + 1, limit: 1 });
    return row === undefined ? null : viewOf(row);
  }

  #seqOf(cursor: string | undefined): number | undefined {
    if (cursor === undefined) return undefined;
    const { seq, tag } = placeOf(cursor);
    const id = this.#table.idAt(seq);
    const there = seq === 0 ? BEGINNING.tag : id && tagOf(id);
    // Retention removes only the old end of the log.
    const known = there === undefined ? seq < (this.#table.newest()?.seq ?? 0) : there === tag;
    if (!known) throw foreignCursor();
    return seq;
  }
}

function viewOf({ hash: _hash, ...row }: EventRow): EventView {
  const cursor = cursorOf({ seq: row.seq, tag: tagOf(row.id) });
  // Its columns and its data were typed when they were appended.
  return { ...row, cursor, data: JSON.parse(row.data) as unknown } as EventView;
}

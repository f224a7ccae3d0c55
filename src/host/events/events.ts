/**
 * The append-only log: everything that happened, once. Each row carries the hash of the row before it, so an
 * edit or a cut shows. Listeners hear of an event only after the transaction that wrote it has committed;
 * a listener that falls behind reads the rows it missed by seq.
 */
import type { EventsFilter } from '../api.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import { EventTable } from '../store/events.ts';
import { toJson } from '../store/json.ts';
import type { Store } from '../store/store.ts';
import { cutText } from '../text.ts';
import { type ChainVerdict, digestOf, hashOf, PRUNED, REDACTED, verifyChain } from './chain.ts';
import { BEGINNING, cursorOf, tagOf } from './cursor.ts';
import { EventReader } from './reader.ts';
import type { EventOf, EventView, NewEvent, PrunedData, Topic, Topics, TopicsLike } from './topics.ts';

export class Events {
  readonly #store: Store;
  readonly #table: EventTable;
  readonly #reader: EventReader;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #log: Log;
  readonly #graded: (event: Pick<NewEvent, 'principal' | 'grade'>) => NewEvent['grade'];
  readonly #listeners = new Set<(event: EventView) => void>();
  /** By seq: a seq whose transaction was rolled back is given out again, and then the later event is the true one. */
  #unheard = new Map<number, { event: EventView; rollbacks: number }>();
  #scheduled = false;
  /** Saves a query per event; untrue once a transaction was rolled back. */
  #newest: { hash: string; rollbacks: number } | null = null;

  /** @param options.graded how well it is known, where the agent that did it could have been spoken for */
  constructor(options: {
    store: Store;
    clock: Clock;
    ids: Ids;
    log: Log;
    graded?(event: Pick<NewEvent, 'principal' | 'grade'>): NewEvent['grade'];
  }) {
    this.#store = options.store;
    this.#table = new EventTable(options.store);
    this.#reader = new EventReader(options.store, this.#table);
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#log = options.log;
    this.#graded = options.graded ?? (({ grade }) => grade);
  }

  /** Appends, joining the transaction that is open, if one is. */
  append<T extends Topic>(event: NewEvent<T>): EventOf<T> {
    return this.#store.transaction(() => {
      const at_ms = this.#clock.now();
      const capped = capStrings(event.data) as Topics[T];
      const data = toJson(capped);
      const view = {
        id: this.#ids.uuid(at_ms),
        at_ms,
        topic: event.topic,
        agent: event.agent ?? null,
        run: event.run ?? null,
        principal: event.principal,
        grade: this.#graded(event),
      };
      const previous = this.#newestHash();
      const hash = hashOf(previous, { ...view, data });
      const seq = this.#table.insert(view, data, hash);
      this.#newest = { hash, rollbacks: this.#store.rollbacks };
      // A topic and its data belong together: the caller's type says so, which an object built here cannot.
      const cursor = cursorOf({ seq, tag: tagOf(view.id) });
      const stored = { seq, cursor, ...view, data: capped } as EventView & EventOf<T>;
      this.#unheard.set(seq, { event: stored, rollbacks: this.#store.rollbacks });
      this.#schedule();
      return stored;
    });
  }

  #newestHash(): string {
    if (this.#newest?.rollbacks !== this.#store.rollbacks) {
      this.#newest = { hash: this.#table.newest()?.hash ?? '', rollbacks: this.#store.rollbacks };
    }
    return this.#newest.hash;
  }

  /** Says that the events up to `through` are removed; they may go once it is stored. */
  announceRemoval(cut: Omit<PrunedData, 'hash'>): void {
    const hash = this.#table.hashAt(cut.through);
    if (hash === undefined) throw new Error(`there is no event ${cut.through} to cut the log at`);
    this.append({ topic: PRUNED, principal: 'host', grade: 'enforced', data: { ...cut, hash } });
  }

  /**
   * Takes something out of events that are stored: what a forgotten memory said.
   * @param rows their data as it is from now on, by seq
   */
  redact(memory: string, rows: ReadonlyMap<number, string>): void {
    this.#store.transaction(() => {
      const digests: [number, string][] = [];
      for (const [seq, data] of rows) {
        const row = this.#table.at(seq);
        if (row === undefined) continue;
        this.#table.rewrite(seq, data);
        digests.push([seq, digestOf({ ...row, data })]);
      }
      this.append({
        topic: REDACTED,
        principal: 'host',
        grade: 'enforced',
        data: { memory, rows: digests },
      });
    });
  }

  /** True the first time this run reports the fact: two sources may tell of the same thing. */
  firstTime(run: string, key: string): boolean {
    return this.#table.firstTime(run, key);
  }

  /**
   * Oldest first. `topics`: prefixes.
   * @throws AetherError `cursor.invalid`; `cursor.foreign`
   */
  list<P extends string = ''>(
    filter: Omit<EventsFilter, 'topics'> & { topics?: P[] },
  ): EventOf<TopicsLike<P>>[] {
    return this.#reader.list(filter);
  }

  /** Of a memory itself, not of what was done with it; the newest first. */
  feedbackOn(memory: string, limit: number): EventOf<'feedback.given'>[] {
    return this.#reader.feedbackOn(memory, limit);
  }

  /** The event of this number; null where there is none any more. */
  at(seq: number): EventView | null {
    return this.#reader.at(seq);
  }

  /** After the newest event: what is appended from now on. */
  end(): string {
    const newest = this.#table.newest();
    return cursorOf(newest === undefined ? BEGINNING : { seq: newest.seq, tag: tagOf(newest.id) });
  }

  /** Reads the whole log: for a check by hand, not for a host that is busy. */
  verify(): ChainVerdict {
    return verifyChain(this.#table.rows(), (seq) => this.#table.hashAt(seq));
  }

  /** Live events, in order. The listener must not block. */
  follow(listener: (event: EventView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** better-sqlite3 transactions are synchronous, so by the next microtask the rows are committed or gone. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      const heard = this.#unheard;
      this.#unheard = new Map();
      for (const { event, rollbacks } of heard.values()) {
        // Asked of the table only where something was rolled back since, which may have been this one.
        if (rollbacks !== this.#store.rollbacks && event.seq > (this.#table.newest()?.seq ?? 0)) continue;
        for (const listener of this.#listeners) {
          try {
            listener(event);
          } catch (error) {
            this.#log.error({ error, topic: event.topic }, 'a listener of events failed');
          }
        }
      }
    });
  }
}

/** Long strings are cut in the event log, and say so; the run's journal keeps all of it. */
function capStrings(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    if (value.length <= limits.event_text_bytes_max) return value.toWellFormed();
    const kept = cutText(value, { chars_max: limits.event_text_bytes_max });
    return `${kept}\n… ${value.length - kept.length} more characters are in the journal of the run`;
  }
  if (depth > 32 || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => capStrings(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, capStrings(item, depth + 1)]));
}

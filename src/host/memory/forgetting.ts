/**
 * Forgets completely. The row becomes a tombstone at once; what the memory said is then taken out of the rest of the
 * database: first what passed through the memory's own tools (calls, results, receipts, events), and where an operator
 * forgets, every other place too. What anyone else's words or deeds in the log say is evidence, which no agent removes:
 * its places are kept, so that an operator can. At the end the write-ahead log is emptied, which holds old pages.
 */
import type { Clock } from '../clock.ts';
import type { Events } from '../events/events.ts';
import { isOperator } from '../principals.ts';
import type { Actor, MemoryMarks, MemoryRemains } from '../shapes.ts';
import type { MemoryRecord } from '../store/memory-record.ts';
import { MemoryRemainTable, type Remain } from '../store/memory-remains.ts';
import type { MemoryRows } from '../store/memory-rows.ts';
import { MemoryScrubTable, type Scrub } from '../store/memory-scrubs.ts';
import type { MemoryShownTable } from '../store/memory-shown.ts';
import type { ReadThread } from '../store/read-thread.ts';
import type { Store } from '../store/store.ts';
import { FORGOTTEN, type Span, TextTraces, without } from '../store/text-traces.ts';
import { findTraces, TRACE_QUERIES, type TracedRow } from '../store/trace-queries.ts';
import { TracedValues } from '../store/traced-values.ts';
import type { Cascade } from './cascade.ts';
import { isOwnTraffic, isSettled, nameOf } from './traffic.ts';

/** Rows that one transaction rewrites. */
const ROWS_AT_ONCE = 100;
const LOG_EMPTY_MS = 10_000;
const NAMED_MAX = 50;

interface Parts {
  store: Store;
  rows: MemoryRows;
  shown: MemoryShownTable;
  cascade: Cascade;
  clock: Clock;
  events: Pick<Events, 'append' | 'redact'>;
}

export class Forgetting {
  readonly #o: Parts;
  readonly #scrubs: MemoryScrubTable;
  readonly #remains: MemoryRemainTable;
  readonly #values: TracedValues;
  #thread: ReadThread | null = null;

  constructor(parts: Parts) {
    this.#o = parts;
    this.#scrubs = new MemoryScrubTable(parts.store);
    this.#remains = new MemoryRemainTable(parts.store);
    this.#values = new TracedValues(parts.store);
  }

  /**
   * Part of a transaction: from here on no search and no read finds it. `scrub` does the rest.
   * @param gone the memory and its earlier statements
   */
  begin(by: Actor, gone: readonly MemoryRecord[]): MemoryMarks {
    const { rows, shown, cascade, clock } = this.#o;
    const now = clock.now();
    const memories = gone.map(({ id }) => id);
    const readers = memories.flatMap((id) => shown.readersOf(id, NAMED_MAX).map(({ reader }) => reader));
    const writers = gone.flatMap(({ run }) => run ?? []);
    this.#scrubs.insert(memories[0]!, {
      memories,
      texts: [...new Set(gone.map(({ text }) => text))],
      names: [...new Set(gone.flatMap(({ key, tags }) => [...tags, ...(key === null ? [] : [key])]))],
      everywhere: isOperator(by.principal),
      runs: [...new Set([...writers, ...readers.filter((reader) => !reader.includes(' '))])],
    });
    for (const id of memories) rows.forget(id, now);
    return cascade.mark(memories, { what: 'forgotten', at_ms: now });
  }

  /** What another host has begun and not finished. */
  async resume(): Promise<void> {
    for (const memory of this.#scrubs.all()) await this.scrub(memory);
    // Where a host was killed in between, the log may hold what was removed.
    await this.#o.store.emptyLog(LOG_EMPTY_MS);
  }

  /**
   * Removes what a forgotten memory said.
   * @returns where words of it still stand
   */
  async scrub(memory: string): Promise<MemoryRemains[]> {
    const scrub = this.#scrubs.get(memory);
    if (scrub === null) return [];
    const { store } = this.#o;
    this.#thread ??= store.openThread(TRACE_QUERIES);
    const found = (await this.#thread.run(findTraces.name, scrub)) as TracedRow[];
    const texts = scrub.texts.map((text) => new TextTraces(text));
    const names = scrub.names.map((name) => new TextTraces(name, true));
    const left: Remain[] = [];
    for (let at = 0; at < found.length; at += ROWS_AT_ONCE) {
      left.push(...this.#rewrite(memory, scrub, { texts, names }, found.slice(at, at + ROWS_AT_ONCE)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#scrubs.delete(memory);
    const emptied = await store.emptyLog(LOG_EMPTY_MS);
    return [...remainsOf(memory, left, scrub.runs), ...(emptied ? [] : [LOG_BUSY])];
  }

  /** What an agent could not remove, by an operator. @returns how many places were rewritten */
  async redact(memory: string): Promise<number> {
    const { store, events } = this.#o;
    const count = store.transaction(() => {
      const changed = new Map<number, string>();
      let places = 0;
      for (const { place, spans, chars } of this.#remains.of(memory)) {
        const found = this.#values.read(place);
        if (found !== null && !isSettled(place.table, found.row)) continue;
        this.#remains.delete(memory, place);
        // Another value is there by now: the places are not of its words.
        if (found === null || found.value.length !== chars) continue;
        this.#put(place, without(found.value, spans), changed);
        places += 1;
      }
      if (changed.size > 0) events.redact(memory, changed);
      return places;
    });
    await store.emptyLog(LOG_EMPTY_MS);
    return count;
  }

  /** One transaction. @returns what stays */
  #rewrite(memory: string, scrub: Scrub, traces: Traces, found: TracedRow[]): Remain[] {
    const { store, clock, events } = this.#o;
    return store.transaction(() => {
      const changed = new Map<number, string>();
      const left: Remain[] = [];
      for (const place of found) {
        const read = this.#values.read(place);
        if (read === null) continue;
        const note = withoutNote(place, read.row, scrub.memories);
        const value = note ?? read.value;
        const spans = spansOf(traces.texts, value);
        if (note === null && spans.length === 0) continue;
        const own = note !== null || isOwnTraffic(store, place.table, read.row);
        if (isSettled(place.table, read.row) && (scrub.everywhere || own)) {
          const names = own ? spansOf(traces.names, value) : [];
          this.#put(place, without(value, apart([...spans, ...names])), changed);
          continue;
        }
        const remain = { place, spans: apart(spans), chars: read.value.length };
        this.#remains.insert(memory, remain, clock.now());
        left.push(remain);
      }
      if (changed.size > 0) events.redact(memory, changed);
      return left;
    });
  }

  #put(place: TracedRow, value: string, events: Map<number, string>): void {
    if (place.table === 'events') events.set(place.key.seq as number, value);
    else this.#values.write(place, value);
  }
}

const LOG_BUSY: MemoryRemains = {
  what: 'the write-ahead log of the database, which a reader holds open',
  where: ['aether.db-wal'],
  how: 'it is emptied when the host starts next',
};

interface Traces {
  texts: TextTraces[];
  names: TextTraces[];
}

const spansOf = (traces: TextTraces[], value: string): Span[] =>
  traces.flatMap((trace) => trace.spansIn(value));

/** Those that overlap an earlier one are part of it. */
function apart(spans: Span[]): Span[] {
  const all: Span[] = [];
  for (const span of spans.sort((a, b) => a[0] - b[0])) {
    const last = all.at(-1);
    if (last === undefined || span[0] >= last[1]) all.push([...span]);
    else last[1] = Math.max(last[1], span[1]);
  }
  return all;
}

/** An event that describes the memory keeps only that it was there; null for any other row. */
function withoutNote({ table }: TracedRow, row: Record<string, unknown>, memories: string[]): string | null {
  if (table !== 'events' || (row.topic !== 'memory.stored' && row.topic !== 'memory.forgotten')) return null;
  const data = JSON.parse(row.data as string) as { memory: Record<string, unknown> };
  if (!memories.includes(data.memory.id as string)) return null;
  const { id, scope, layer, author, version } = data.memory;
  return JSON.stringify({
    ...data,
    memory: { id, scope, layer, author, version, key: null, tags: [], text: FORGOTTEN },
  });
}

function remainsOf(memory: string, left: Remain[], runs: string[]): MemoryRemains[] {
  const by = new Map<string, string[]>();
  for (const { place } of left) {
    const where = by.get(place.table) ?? [];
    where.push(nameOf(place));
    by.set(place.table, where);
  }
  const redacts = `the operator removes it with: aether memory redact ${memory}`;
  const inDatabase = [...by].map(([table, where]) => ({
    what: WHAT[table] ?? `table ${table}`,
    where: where.slice(0, NAMED_MAX),
    how: table === 'agents' ? 'change it in aether.yaml, and apply it' : redacts,
  }));
  if (runs.length === 0) return inDatabase;
  return [
    ...inDatabase,
    {
      what: 'journals of runs that wrote it or were shown it, and the transcripts of their engines',
      where: runs.slice(0, NAMED_MAX),
      how: 'retention deletes the directory runs/RUN of an ended run; the operator may delete it before',
    },
  ];
}

const WHAT: Record<string, string> = {
  events: 'events: what was said and done',
  messages: 'mail',
  injections: 'messages to agents',
  approvals: 'questions to the operator',
  calls: 'receipts of calls',
  runs: 'records of runs',
  agents: 'the configuration of agents',
};

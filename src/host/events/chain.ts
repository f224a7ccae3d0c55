/**
 * The hash chain of the event log: each row's hash covers the row and the hash before it, so an edit or a cut shows.
 * Retention cuts the old end off on purpose; it first appends an event that names the last row it removes and that
 * row's hash, so that the chain of the rest still has a start, and a cut that was not announced is found.
 * What a forgotten memory said is taken out of rows on purpose: the row keeps its hash, and a later event has the digest
 * of what the row says now, so that any other change of it is found.
 */
import { hash as digest } from 'node:crypto';
import type { EventRow } from '../store/events.ts';
import type { PrunedData, RedactedData } from './topics.ts';

/** Topic of the announcement; its data is PrunedData. */
export const PRUNED = 'events.pruned';

/** Topic of the announcement of redacted rows; its data is RedactedData. */
export const REDACTED = 'events.redacted';

/** Of a row as it is now, without what came before. */
export const digestOf = (row: EventRow): string => hashOf('redacted', row);

export function hashOf(before: string, row: Omit<EventRow, 'seq' | 'hash'>): string {
  const { id, at_ms, topic, agent, run, principal, grade, data } = row;
  return digest(
    'sha256',
    `${before}\n${id}\n${at_ms}\n${topic}\n${agent ?? ''}\n${run ?? ''}\n${principal}\n${grade}\n${data}`,
  );
}

export interface ChainVerdict {
  /** Null: the chain is whole. */
  broken: { seq: number; why: string } | null;
  events: number;
  /** The oldest event that is there. */
  from: number | null;
}

/**
 * @param rows the whole log, oldest first
 * @param hashAt the hash that is stored with a seq; undefined when there is no such event
 */
export function verifyChain(
  rows: Iterable<EventRow>,
  hashAt: (seq: number) => string | undefined,
): ChainVerdict {
  let before: EventRow | null = null;
  let first: EventRow | null = null;
  let events = 0;
  /** Rows whose hash is not that of their content, and what the event says that took something out of them. */
  const changed = new Map<number, string>();
  const redacted = new Map<number, string>();
  /** By seq: what an announced cut says is the hash there. */
  const announced = new Map<number, string>();
  const broken = (seq: number, why: string): ChainVerdict => ({
    broken: { seq, why },
    events,
    from: first?.seq ?? null,
  });
  for (const row of rows) {
    events += 1;
    if (before === null) {
      first = row;
      if (row.seq === 1 && row.hash !== hashOf('', row)) changed.set(1, digestOf(row));
    } else if (row.seq !== before.seq + 1) {
      return broken(row.seq, `${row.seq - before.seq - 1} events before it are missing`);
    } else if (row.hash !== hashOf(before.hash, row)) {
      changed.set(row.seq, digestOf(row));
    }
    if (row.topic === REDACTED)
      for (const [seq, digest] of (JSON.parse(row.data) as RedactedData).rows) redacted.set(seq, digest);
    if (row.topic === PRUNED) {
      const { through, hash } = JSON.parse(row.data) as PrunedData;
      announced.set(through, hash);
    }
    before = row;
  }
  for (const [seq, digest] of changed)
    if (redacted.get(seq) !== digest)
      return broken(seq, 'its hash is not that of its content and the event before it');
  if (first === null || first.seq === 1) return { broken: null, events, from: first?.seq ?? null };
  const hangsOn = announced.get(first.seq - 1);
  if (hangsOn !== undefined) {
    if (first.hash === hashOf(hangsOn, first) || redacted.get(first.seq) === digestOf(first))
      return { broken: null, events, from: first.seq };
    return broken(first.seq, 'it does not follow the event that an announced removal names');
  }
  // A removal under way: the row that it names is still there, and must be the one that it names.
  const from = first.seq;
  const underWay = [...announced].some(([seq, hash]) => seq >= from && hashAt(seq) === hash);
  if (underWay) return { broken: null, events, from };
  return broken(from, `${from - 1} events before it are missing, and no event says that they were removed`);
}

/**
 * What a run's programs printed, from its journal: from an offset on, or a number of lines from the end. The journal is
 * read in pieces and only as far as is asked for: the end of a large one costs what its last file costs.
 */
import { JournalReader } from '../shim/client/reader.ts';
import { listSegments } from '../shim/format.ts';
import { type JournalRecord, RecordType } from '../shim/shim-protocol.ts';

export interface Printed {
  at_ms: number;
  /** Which process of the run, and by which of its outputs. */
  source: string;
  bytes: Buffer;
  /** Where to go on reading behind it. */
  end: number;
}

const isOutput = ({ type }: JournalRecord): boolean => type === RecordType.out || type === RecordType.err;

/** @param from offset of a record: 0 for the oldest that is kept, a place from here, or `end` */
export function* printedFrom(journal: string, from: number): Generator<Printed> {
  const first = listSegments(journal)[0];
  if (first === undefined) return;
  const reader = new JournalReader(journal, Math.max(from, first.start));
  try {
    for (let records = reader.read(); records.length > 0; records = reader.read()) {
      for (const record of records) {
        if (!isOutput(record)) continue;
        const { at_ms, process, type, payload, end } = record;
        yield { at_ms, source: `${process}.${type}`, bytes: payload, end };
      }
    }
  } finally {
    reader.close();
  }
}

/**
 * Where the last `lines` lines begin that were printed no later than `until_ms`, or a little before.
 * @returns the place, and how many line ends lie behind it
 */
export function placeOfLast(
  journal: string,
  lines: number,
  until_ms = Number.POSITIVE_INFINITY,
): { from: number; lines: number } {
  let found = 0;
  let to = Number.POSITIVE_INFINITY;
  for (const { start } of listSegments(journal).reverse()) {
    const places = linesOfSegment(journal, start, to, until_ms);
    for (const { from, count } of places.reverse()) {
      // One more than asked for: the first of them may have begun before the place.
      found += count;
      if (found > lines) return { from, lines: found };
    }
    to = start;
  }
  return { from: 0, lines: found };
}

/** Line ends in each record of a file of the journal. */
function linesOfSegment(journal: string, start: number, to: number, until_ms: number) {
  const places: { from: number; count: number }[] = [];
  let from = start;
  const reader = new JournalReader(journal, start);
  try {
    for (let records = reader.read(); records.length > 0 && from < to; records = reader.read()) {
      for (const record of records) {
        if (from >= to) break;
        if (isOutput(record) && record.at_ms <= until_ms) {
          const count = lineEnds(record.payload);
          if (count > 0) places.push({ from, count });
        }
        from = record.end;
      }
    }
  } finally {
    reader.close();
  }
  return places;
}

function lineEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}

/** The file of the journal in which a time lies: what was printed earlier is not read. */
export function placeOfTime(journal: string, since_ms: number): number {
  let place = 0;
  for (const { start } of listSegments(journal)) {
    const reader = new JournalReader(journal, start);
    try {
      const [first] = reader.read(64 * 1024);
      if (first === undefined || first.at_ms > since_ms) return place;
      place = start;
    } finally {
      reader.close();
    }
  }
  return place;
}

/**
 * What a state directory has recorded, read without a host: events and what the programs of the runs printed. The
 * host may be dead, and the agent removed. Nothing is written.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { EventsFilter, EventView } from './api.ts';
import { EventReader } from './events/reader.ts';
import { statePaths } from './paths.ts';
import { type Printed, placeOfLast, placeOfTime, printedFrom } from './runs/printed.ts';
import { Reader } from './store/reader.ts';
import { type RunTimes, runsOfAgent } from './store/run-times.ts';

export interface RecordedRun extends RunTimes {
  printedFrom(from: number): Generator<Printed>;
  placeOfLast(lines: number, until_ms?: number): { from: number; lines: number };
  placeOfTime(since_ms: number): number;
}

export interface Recorded {
  events(filter: EventsFilter): EventView[];
  /** Of this agent, the newest first; those whose output is kept no longer are not among them. */
  runs(agent: string): RecordedRun[];
  /** Whether the agent has turns, as far as its events say: then they are its transcript. */
  hasTurns(agent: string): boolean;
  close(): void;
}

/** @returns null where nothing was recorded yet */
export function openRecorded(stateDir: string): Recorded | null {
  const { database } = statePaths(stateDir);
  if (!fs.existsSync(database)) return null;
  const reader = new Reader(database);
  const events = new EventReader(reader);
  return {
    events: (filter) => events.list(filter),
    hasTurns: (agent) =>
      events.list({ agent, topics: ['message.', 'tool.', 'turn.'], last: true, limit: 1 }).length > 0,
    runs: (agent) =>
      runsOfAgent(reader, agent).flatMap((run) => {
        const journal = path.join(stateDir, 'runs', run.id, 'journal');
        if (!fs.existsSync(journal)) return [];
        return {
          ...run,
          printedFrom: (from) => printedFrom(journal, from),
          placeOfLast: (lines, until_ms) => placeOfLast(journal, lines, until_ms),
          placeOfTime: (since_ms) => placeOfTime(journal, since_ms),
        };
      }),
    close: () => reader.close(),
  };
}

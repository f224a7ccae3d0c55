/** Which runs an agent had, and when: for a reader without a host, which needs no more of them. */
import type { Readable } from './reader.ts';

export interface RunTimes {
  id: string;
  started_ms: number;
  exited_ms: number | null;
}

const RUNS_MAX = 200;

/** The newest first. */
export function runsOfAgent({ db }: Readable, agent: string): RunTimes[] {
  return db
    .prepare<[string, number], RunTimes>(
      'SELECT id, started_ms, exited_ms FROM runs WHERE agent = ? ORDER BY ordinal DESC LIMIT ?',
    )
    .all(agent, RUNS_MAX);
}

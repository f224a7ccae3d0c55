/** Which tool a result is of: the event of the result has the id of the call only. */
import type { Readable } from './reader.ts';

/** A call lies so many calls of its agent before its result at most. */
const LOOKED_AT_MAX = 5_000;

export function toolOf({ db }: Readable, run: string | null, seq: number, toolUseId: string): string | null {
  const calls = db
    .prepare<[{ run: string | null; seq: number; most: number }], { tool: string | null; id: string | null }>(
      `SELECT data ->> '$.tool' AS tool, data ->> '$.toolUseId' AS id FROM events
       WHERE agent = (SELECT agent FROM events WHERE seq = @seq) AND run = @run AND seq < @seq AND topic = 'tool.called'
       ORDER BY seq DESC LIMIT @most`,
    )
    .iterate({ run, seq, most: LOOKED_AT_MAX });
  for (const { tool, id } of calls) if (id === toolUseId) return tool;
  return null;
}

/** The last terminal output of an agent that no longer runs: from the journal, which outlives the run. */
import { AetherError, messageOf } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { replayFrom, terminalOf } from '../../runs/floor.ts';
import { JournalReader } from '../../shim/client/reader.ts';
import { RecordType } from '../../shim/shim-protocol.ts';
import type { RunRecord } from '../../store/runs.ts';

/**
 * @param journal directory of the run's journal
 * @returns at most terminal_replay_bytes_max bytes, the newest; empty where it had no terminal
 * @throws AetherError `terminal.forgotten` when the journal is kept no longer
 */
export function lastTerminal({ agent, floor, journal_offset: to }: RunRecord, journal: string): Buffer {
  const terminal = terminalOf(floor);
  if (terminal === null) return Buffer.alloc(0);
  const from = replayFrom(terminal, to) ?? terminal.marks.at(-1) ?? terminal.terminalFrom;
  const reader = new JournalReader(journal, from);
  const parts: Buffer[] = [];
  try {
    while (reader.offset < to) {
      const records = reader.read();
      if (records.length === 0) break;
      for (const record of records)
        if (record.type === RecordType.out && record.process === terminal.index) parts.push(record.payload);
    }
  } catch (error) {
    throw new AetherError(
      {
        code: 'terminal.forgotten',
        who: 'user',
        message: `${agent} does not run, and its output is no longer kept: ${messageOf(error)}`,
        next: `Start it: aether start ${agent}. How much is kept is \`retention:\` in the configuration.`,
      },
      { cause: error },
    );
  } finally {
    reader.close();
  }
  return Buffer.concat(parts).subarray(-limits.terminal_replay_bytes_max);
}

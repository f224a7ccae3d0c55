/** Terminals of agents as clients use them: watched from the journal, typed into by the holder of the lease. */
import type { TerminalChunk, TerminalInfo, TerminalViewer } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import { replayFrom, terminalOf } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import { JournalViewer } from '../../terminals/viewer.ts';
import type { Wiring } from '../wiring.ts';
import { lastTerminal } from './last-terminal.ts';

export class Terminals {
  readonly #wiring: Pick<Wiring, 'agents' | 'runs' | 'leases' | 'generation' | 'log'>;
  readonly #journal: (run: string) => string;
  #keystrokes = 0;

  /** @param journal directory of a run's journal */
  constructor(
    wiring: Pick<Wiring, 'agents' | 'runs' | 'leases' | 'generation' | 'log'>,
    journal: (run: string) => string,
  ) {
    this.#wiring = wiring;
    this.#journal = journal;
  }

  view(
    agent: string,
    onChunk: (chunk: TerminalChunk) => void,
    onReset: (info: TerminalInfo | null) => void,
  ): TerminalViewer {
    this.#wiring.agents.get(agent);
    const run = this.#wiring.runs.require(agent);
    const source = {
      run: run.id,
      journal: run.paths.journal,
      screen: () => screenOf(run),
      onGrown: (listener: () => void) => run.onGrown(listener),
    };
    return new JournalViewer(source, onChunk, onReset, this.#wiring.log);
  }

  last(agent: string): Buffer {
    this.#wiring.agents.get(agent);
    const newest = this.#wiring.runs.newest(agent);
    return newest === null ? Buffer.alloc(0) : lastTerminal(newest, this.#journal(newest.id));
  }

  write(agent: string, generation: number, data: string): void {
    const run = this.#heldRun(agent, generation);
    this.#keystrokes += 1;
    // Unique over hosts and leases: the shim writes a frame that it knows only once.
    const id = `key-${this.#wiring.generation}-${generation}-${this.#keystrokes}`;
    run.write({ id, data }, terminalOf(run.record.floor)!.index).catch((error: unknown) => {
      this.#wiring.log.warn({ agent, error: String(error) }, 'keystrokes were not delivered');
    });
  }

  resize(agent: string, generation: number, cols: number, rows: number): void {
    const run = this.#heldRun(agent, generation);
    run.client.resize(terminalOf(run.record.floor)!.index, cols, rows).catch((error: unknown) => {
      this.#wiring.log.warn({ agent, error: String(error) }, 'the terminal was not resized');
    });
  }

  #heldRun(agent: string, generation: number): Run {
    const lease = this.#wiring.leases.require(agent, generation);
    const run = this.#wiring.runs.require(agent);
    if (lease.phase === 'held' && terminalOf(run.record.floor) !== null) return run;
    throw new AetherError({
      code: 'lease.phase',
      who: 'user',
      message: `The terminal of ${agent} takes no input now: it is being ${lease.phase === 'pending' ? 'taken over' : 'handed back'}.`,
      next: 'Wait a moment.',
    });
  }
}

function screenOf({ id, record }: Run): { from: number | null; to: number; info: TerminalInfo | null } {
  const { floor, journal_offset: to } = record;
  const terminal = terminalOf(floor);
  if (terminal === null) return { from: null, to, info: null };
  const info = { run: id, process: terminal.index, ...terminal.size };
  return { from: replayFrom(terminal, to) ?? to, to, info };
}

/**
 * The screens of runs: each terminal of a run that is served is followed, watched or not, and what its program asks of
 * its terminal is answered. The shim writes each answer once, also when two hosts read the same question.
 */
import type { TerminalLook } from '../../api.ts';
import { limits } from '../../limits.ts';
import { replayFrom, type ShownTerminal, terminalOf, terminalsOf } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { TerminalModes } from '../../terminals/screen/emulator.ts';
import type { ScreenSnapshot } from '../../terminals/screen/screen-protocol.ts';
import { Screens } from '../../terminals/screens.ts';
import type { Wiring } from '../wiring.ts';

type Needs = Pick<Wiring, 'clock' | 'log' | 'version' | 'terminalSettings'>;

interface Followed {
  run: Run;
  /** Indexes of its processes. */
  terminals: Set<number>;
  unsubscribe(): void;
}

export class RunScreens {
  readonly #log: Needs['log'];
  readonly #screens: Screens;
  readonly #followed = new Map<string, Followed>();
  /** Answers under way, by terminal. */
  readonly #answers = new Map<string, number>();

  constructor({ clock, log, version, terminalSettings }: Needs) {
    this.#log = log;
    this.#screens = new Screens({
      clock,
      log,
      name: `aether(${version})`,
      scrollback_lines_max: () => terminalSettings().scrollback_lines,
      answer: (terminal, frame, text) => this.#answer(terminal, frame, text),
      read: (terminal) => this.#followed.get(runOf(terminal))?.run.readFurther(),
    });
  }

  /** Begins and ends with the terminals of the run as they are now. */
  follow(run: Run): void {
    const wanted = run.ended || !run.connected ? [] : terminalsOf(run.record.floor);
    const followed = this.#followed.get(run.id);
    if (wanted.length === 0 && followed === undefined) return;
    // A connection that is lost comes back, or the run is over.
    if (!run.ended && !run.connected) return;
    const terminals = followed?.terminals ?? new Set<number>();
    if (followed === undefined)
      this.#followed.set(run.id, { run, terminals, unsubscribe: run.onGrown(() => this.#grown(run)) });
    for (const terminal of wanted) if (!terminals.has(terminal.index)) this.#open(run, terminal);
    const indexes = new Set(wanted.map(({ index }) => index));
    for (const index of [...terminals]) {
      if (indexes.has(index)) continue;
      terminals.delete(index);
      this.#screens.close(keyOf(run, index));
    }
    for (const index of indexes) terminals.add(index);
    if (terminals.size > 0) return;
    this.#followed.get(run.id)?.unsubscribe();
    this.#followed.delete(run.id);
  }

  /** Of the terminal that is shown; null where there is none, or no telling. */
  async snapshot(run: Run): Promise<ScreenSnapshot | null> {
    const terminal = terminalOf(run.record.floor);
    return terminal === null ? null : this.#screens.snapshot(keyOf(run, terminal.index), endOf(run));
  }

  /** How the window looks that decides the size of its terminal. */
  look(run: Run, look: TerminalLook): void {
    const terminal = terminalOf(run.record.floor);
    if (terminal !== null) this.#screens.look(keyOf(run, terminal.index), look);
  }

  async modes(run: Run): Promise<TerminalModes | null> {
    const terminal = terminalOf(run.record.floor);
    return terminal === null ? null : this.#screens.modes(keyOf(run, terminal.index), endOf(run));
  }

  /** Up to where its journal is read for all of its screens; null: as far as it goes. */
  readTo(run: Run): number | null {
    let read: number | null = null;
    for (const index of this.#followed.get(run.id)?.terminals ?? []) {
      const offset = this.#screens.offset(keyOf(run, index));
      if (offset !== null) read = Math.min(read ?? offset, offset);
    }
    return read;
  }

  close(): Promise<void> {
    for (const { unsubscribe } of this.#followed.values()) unsubscribe();
    this.#followed.clear();
    return this.#screens.end();
  }

  #open(run: Run, terminal: ShownTerminal): void {
    const { index, terminalFrom: from, firstSize, size } = terminal;
    const to = endOf(run);
    const late = { from: replayFrom(terminal, to) ?? to, ...size };
    this.#screens.open(
      keyOf(run, index),
      {
        journal: run.paths.journal,
        process: index,
        from,
        ...(firstSize ?? size),
        late,
      },
      to,
    );
  }

  #grown(run: Run): void {
    for (const index of this.#followed.get(run.id)?.terminals ?? [])
      this.#screens.grown(keyOf(run, index), endOf(run));
  }

  #answer(terminal: string, frame: string, text: string): void {
    const run = this.#followed.get(runOf(terminal))?.run;
    const under = this.#answers.get(terminal) ?? 0;
    // It asks and does not read.
    if (run === undefined || under >= limits.terminal_answers_max) return;
    this.#answers.set(terminal, under + 1);
    run
      .write({ id: frame, data: text }, processOf(terminal))
      .catch((error: unknown) => {
        this.#log.debug({ run: run.id, error: String(error) }, 'an answer of the terminal was not taken');
      })
      .finally(() => {
        const left = (this.#answers.get(terminal) ?? 1) - 1;
        if (left === 0) this.#answers.delete(terminal);
        else this.#answers.set(terminal, left);
      });
  }
}

const keyOf = (run: Run, index: number) => `${run.id}/${index}`;
const runOf = (terminal: string) => terminal.slice(0, terminal.lastIndexOf('/'));
const processOf = (terminal: string) => Number(terminal.slice(terminal.lastIndexOf('/') + 1));

/** Length of its journal, as far as it is known. */
function endOf(run: Run): number {
  const { journal_offset } = run.record;
  return run.connected ? Math.max(run.client.offset, journal_offset) : journal_offset;
}

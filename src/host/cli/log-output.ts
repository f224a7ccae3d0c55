/**
 * What a plain command printed, for `aether logs`: from the journals of its runs, with the host or without. Following
 * looks at the end of the newest journal: the program prints on while the host is dead.
 */
import type { Recorded, RecordedRun } from '../recorded.ts';
import { type LogLine, LogLines } from './log-lines.ts';
import type { LogFilter } from './log-options.ts';
import { paint, print, room, unseenEscaped } from './output.ts';
import { TerminalFilter } from './terminal-filter.ts';

/** Where the output goes on that was shown. */
export interface Place {
  run: string;
  from: number;
}

export class OutputLog {
  readonly #recorded: Recorded;
  readonly #agent: string;
  readonly #filter: LogFilter;
  #lines = new Map<string, LogLines>();
  readonly #drawing = new TerminalFilter(false);

  constructor(recorded: Recorded, agent: string, filter: LogFilter) {
    this.#recorded = recorded;
    this.#agent = agent;
    this.#filter = filter;
  }

  /** @returns where it goes on, and whether there was anything */
  async printPast(): Promise<{ place: Place | null; any: boolean }> {
    const { tail } = this.#filter;
    const runs = this.#recorded.runs(this.#agent);
    const kept: string[] = [];
    let place: Place | null = null;
    let any = false;
    for (const { run, from } of tail === 0 ? [] : this.#begin(runs)) {
      const shown = this.#filter.raw ? await this.#raw(run, from) : await this.#run(run, from, kept);
      any ||= shown.any;
      place = { run: run.id, from: shown.end };
    }
    for (const line of kept) {
      print(line);
      await room();
    }
    const [newest] = runs;
    if (tail === 0 && newest) {
      let { from } = newest.placeOfLast(0);
      for (const { end } of newest.printedFrom(from)) from = end;
      place = { run: newest.id, from };
    }
    return { place, any };
  }

  /** What was printed since. @returns where it goes on */
  async printOn(place: Place | null): Promise<Place | null> {
    const runs = this.#recorded.runs(this.#agent);
    const [newest] = runs;
    if (newest === undefined) return place;
    const same = newest.id === place?.run;
    if (!same) {
      // Another run began: first what the one before printed last.
      const before = runs.find(({ id }) => id === place?.run);
      if (before && place)
        await (this.#filter.raw ? this.#raw(before, place.from) : this.#run(before, place.from, null));
      this.#lines = new Map();
    }
    const from = same ? place.from : 0;
    const { end } = this.#filter.raw ? await this.#raw(newest, from) : await this.#run(newest, from, null);
    return { run: newest.id, from: end };
  }

  /** Of each run that is to be read, the oldest first: where. */
  #begin(runs: readonly RecordedRun[]): { run: RecordedRun; from: number }[] {
    const { tail, since_ms, until_ms, grep } = this.#filter;
    const begin: { run: RecordedRun; from: number }[] = [];
    let wanted = tail ?? Number.POSITIVE_INFINITY;
    for (const run of runs) {
      if (until_ms !== undefined && run.started_ms > until_ms) continue;
      if (wanted <= 0 || (since_ms !== undefined && (run.exited_ms ?? Number.POSITIVE_INFINITY) < since_ms))
        break;
      let from = since_ms === undefined ? 0 : run.placeOfTime(since_ms);
      // Which lines match is known once all of them are read.
      if (tail !== null && !grep) {
        const last = run.placeOfLast(wanted, until_ms);
        from = Math.max(from, last.from);
        wanted -= last.lines;
      }
      begin.unshift({ run, from });
    }
    return begin;
  }

  /** @param kept what is held back until the newest are known; null: what is read is printed */
  async #run(run: RecordedRun, from: number, kept: string[] | null) {
    const { tail } = this.#filter;
    const take = async (line: LogLine) => {
      const text = this.#drawn(line, run);
      if (text === null) return;
      if (kept === null || tail === null) {
        print(text);
        await room();
        return;
      }
      kept.push(text);
      if (kept.length > 2 * tail + 1_000) kept.splice(0, kept.length - tail);
    };
    let end = from;
    let any = false;
    for (const printed of run.printedFrom(from)) {
      any = true;
      end = printed.end;
      let lines = this.#lines.get(printed.source);
      if (lines === undefined) {
        lines = new LogLines(paint('red', ' ') !== ' ');
        this.#lines.set(printed.source, lines);
      }
      for (const line of lines.push(printed.bytes, printed.at_ms)) await take(line);
    }
    // Of what is followed the line may still grow.
    const over = run.exited_ms !== null || !this.#filter.follow;
    if (over) for (const lines of this.#lines.values()) for (const line of lines.rest()) await take(line);
    if (kept !== null && tail !== null && kept.length > tail) kept.splice(0, kept.length - tail);
    return { end, any };
  }

  /** As it was printed; to a terminal without what reaches beyond its screen. */
  async #raw(run: RecordedRun, from: number) {
    const { since_ms = 0, until_ms = Number.POSITIVE_INFINITY } = this.#filter;
    let end = from;
    let any = false;
    for (const { at_ms, bytes, end: next } of run.printedFrom(from)) {
      end = next;
      if (at_ms < since_ms || at_ms > until_ms) continue;
      any = true;
      process.stdout.write(process.stdout.isTTY ? this.#drawing.push(bytes) : Buffer.from(bytes));
      await room();
    }
    return { end, any };
  }

  #drawn({ at_ms, text }: LogLine, { id }: RecordedRun): string | null {
    const { since_ms = 0, until_ms = Number.POSITIVE_INFINITY, json, timestamps } = this.#filter;
    const plain = text.replace(/\x1b\[[\d;:]*m/g, '');
    if (at_ms < since_ms || at_ms > until_ms || !this.#filter.matches(plain)) return null;
    if (json) {
      const event = { at_ms, topic: 'output', agent: this.#agent, run: id, data: { text: plain } };
      return unseenEscaped(JSON.stringify(event));
    }
    return timestamps ? `${paint('dim', new Date(at_ms).toISOString())} ${text}` : text;
  }
}

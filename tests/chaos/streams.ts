/**
 * Reads every run's journal beside the host, from its first byte on, and holds what was printed against what must
 * be there: the numbered lines of tellers each once, in order and whole, the lines of a real engine each whole.
 * Segments may be deleted once the host has processed them, so this follows instead of looking at the end.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JournalReader } from '../../src/host/shim/client/reader.ts';
import { type JournalRecord, type ProcessStatus, RecordType } from '../../src/host/shim/shim-protocol.ts';

const READ_BYTES = 4 * 1024 * 1024;

/** Who prints: a teller in a terminal, one on pipes, or an engine, whose lines have no numbers. */
export type Printer = 'terminal' | 'pipes' | 'engine';

export interface Stream {
  run: string;
  /** The last number that came on stdout (or the terminal), with all before it. */
  lines: number;
  /** The same of stderr. */
  errorLines: number;
  bytes: number;
  /** Processes that were started. */
  spawned: number;
  /** runExited records. */
  exits: number;
  /** Records of who was told what: by the id of the frame. */
  frames: Map<string, number>;
}

interface Following extends Stream {
  reader: JournalReader;
  /** Lines that are not ended yet, of stdout by process, and of stderr. */
  rests: Map<string, string>;
  onPipes: Set<number>;
  /** Once it went wrong, all that follows would be wrong. */
  broken: boolean;
}

export class Streams {
  readonly #runs: string;
  readonly #printer: (run: string) => Printer;
  readonly #following = new Map<string, Following>();
  readonly violations: string[] = [];

  /** @param printer asked once something was printed */
  constructor(stateDir: string, printer: (run: string) => Printer) {
    this.#runs = join(stateDir, 'runs');
    this.#printer = printer;
  }

  /** Everything that is on disk by now. */
  read(): void {
    if (!existsSync(this.#runs)) return;
    for (const run of readdirSync(this.#runs)) {
      const journal = join(this.#runs, run, 'journal');
      if (!this.#following.has(run) && existsSync(journal))
        this.#following.set(run, {
          run,
          lines: 0,
          errorLines: 0,
          bytes: 0,
          spawned: 0,
          exits: 0,
          frames: new Map(),
          reader: new JournalReader(journal),
          rests: new Map(),
          onPipes: new Set(),
          broken: false,
        });
      const stream = this.#following.get(run);
      if (stream !== undefined) this.#readOne(stream);
    }
  }

  all(): Stream[] {
    return [...this.#following.values()];
  }

  of(run: string): Stream | undefined {
    return this.#following.get(run);
  }

  close(): void {
    for (const { reader } of this.#following.values()) reader.close();
  }

  #readOne(stream: Following): void {
    for (;;) {
      const records = stream.reader.read(READ_BYTES);
      if (records.length === 0) return;
      for (const record of records) this.#take(stream, record);
    }
  }

  #take(stream: Following, record: JournalRecord): void {
    switch (record.type) {
      case RecordType.spawned: {
        const { index, io } = JSON.parse(record.payload.toString()) as ProcessStatus;
        stream.spawned += 1;
        if (io === 'pipes') stream.onPipes.add(index);
        return;
      }
      case RecordType.runExited:
        stream.exits += 1;
        return;
      case RecordType.in: {
        const head = record.payload.subarray(0, record.payload.indexOf('\n')).toString();
        const { frame } = JSON.parse(head) as { frame: string };
        stream.frames.set(frame, (stream.frames.get(frame) ?? 0) + 1);
        return;
      }
      case RecordType.out:
      case RecordType.err:
        stream.bytes += record.payload.length;
        if (!stream.broken) this.#printed(stream, record);
    }
  }

  #printed(stream: Following, { type, process, payload }: JournalRecord): void {
    const printer = this.#printer(stream.run);
    // A person's terminal shows pictures, not lines; and what an engine complains of has no form.
    if (printer === 'engine' && (type === RecordType.err || !stream.onPipes.has(process))) return;
    const key = `${type}:${process}`;
    const lines = ((stream.rests.get(key) ?? '') + payload.toString('latin1')).split('\n');
    stream.rests.set(key, lines.pop()!);
    for (const line of lines) {
      const fault = this.#line(stream, printer, type === RecordType.err, line);
      if (fault === null) continue;
      this.violations.push(fault);
      stream.broken = true;
      return;
    }
  }

  /** @returns what is wrong with it */
  #line(stream: Following, printer: Printer, error: boolean, line: string): string | null {
    if (printer === 'engine' || (printer === 'pipes' && !error && !line.startsWith('{"n":')))
      return isJson(line)
        ? null
        : `run ${stream.run} has a line that is not whole: ${JSON.stringify(line.slice(0, 120))}`;
    const count = error ? 'errorLines' : 'lines';
    if (line === (error ? errorLine : lineOf[printer])(stream[count] + 1, stream.run)) {
      stream[count] += 1;
      return null;
    }
    return `the ${error ? 'stderr' : 'output'} of run ${stream.run} goes on after line ${stream[count]} with ${JSON.stringify(line.slice(0, 120))}`;
  }
}

const nine = (n: number) => String(n).padStart(9, '0');

/** As the teller prints it, and a terminal passes it on. */
const lineOf = {
  terminal: (n: number, run: string) => `n=${nine(n)} ${run}\r`,
  pipes: (n: number, run: string) => `{"n":${n},"run":"${run}"}`,
};
const errorLine = (n: number, run: string) => `e=${nine(n)} ${run}`;

function isJson(line: string): boolean {
  try {
    JSON.parse(Buffer.from(line, 'latin1').toString());
    return true;
  } catch {
    return false;
  }
}

export interface Ledger {
  run: string;
  asked: Set<string>;
  acked: Set<string>;
  refused: { key: string; why: string }[];
  /** Answers that came twice, to nothing, or to another question. */
  doubled: string[];
  /** Lines that were handed to the kernel, whole bursts. */
  told: number;
  /** The same of stderr. */
  errorsTold: number;
}

/** What the tellers wrote down themselves. */
export function readLedgers(dir: string): Ledger[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.ledger'))
    .map((name) => {
      const run = name.slice(0, -'.ledger'.length);
      const [told = 0, errorsTold = 0] = readFileSync(join(dir, `${run}.count`), 'utf8')
        .split(' ')
        .map(Number);
      const ledger: Ledger = {
        run,
        asked: new Set(),
        acked: new Set(),
        refused: [],
        doubled: [],
        told,
        errorsTold,
      };
      for (const line of readFileSync(join(dir, name), 'utf8').split('\n')) {
        const [what, key = '', ...why] = line.split(' ');
        if (what === 'asked') ledger.asked.add(key);
        else if (what === 'acked') ledger.acked.add(key);
        else if (what === 'refused') ledger.refused.push({ key, why: why.join(' ') });
        else if (what === 'doubled') ledger.doubled.push(line);
      }
      return ledger;
    });
}

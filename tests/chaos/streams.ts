/**
 * Reads every run's journal beside the host, from its first byte on, and holds the numbered lines in it against
 * what must be there: each number once, in order, whole. Segments may be deleted once the host has processed
 * them, so this follows instead of looking at the end.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JournalReader } from '../../src/host/shim/client/reader.ts';
import { type JournalRecord, RecordType } from '../../src/host/shim/wire.ts';

const READ_BYTES = 4 * 1024 * 1024;

export interface Stream {
  run: string;
  /** The last number that came, with all before it. */
  lines: number;
  bytes: number;
  /** Processes that were started. */
  spawned: number;
  /** runExited records. */
  exits: number;
}

interface Following extends Stream {
  reader: JournalReader;
  rest: string;
  numbered: boolean;
}

export class Streams {
  readonly #runs: string;
  readonly #following = new Map<string, Following>();
  readonly violations: string[] = [];

  constructor(stateDir: string) {
    this.#runs = join(stateDir, 'runs');
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
          bytes: 0,
          spawned: 0,
          exits: 0,
          reader: new JournalReader(journal),
          rest: '',
          numbered: true,
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
    if (record.type === RecordType.spawned) stream.spawned += 1;
    if (record.type === RecordType.runExited) stream.exits += 1;
    if (record.type !== RecordType.out) return;
    stream.bytes += record.payload.length;
    if (!stream.numbered) return;
    const lines = (stream.rest + record.payload.toString('latin1')).split('\n');
    stream.rest = lines.pop()!;
    for (const line of lines) {
      // An engine on pipes prints JSON: its stream has no numbers to hold it against.
      if (stream.lines === 0 && line.startsWith('{')) {
        stream.numbered = false;
        return;
      }
      const expected = lineOf(stream.lines + 1, stream.run);
      if (line !== expected) {
        this.violations.push(
          `the output of run ${stream.run} goes on after line ${stream.lines} with ${JSON.stringify(line.slice(0, 120))}`,
        );
        stream.numbered = false;
        return;
      }
      stream.lines += 1;
    }
  }
}

/** As the teller prints it, and a terminal passes it on. */
function lineOf(n: number, run: string): string {
  return `n=${String(n).padStart(9, '0')} ${run}\r`;
}

export interface Ledger {
  run: string;
  asked: Set<string>;
  acked: Set<string>;
  refused: { key: string; why: string }[];
  /** Answers that came twice, or to nothing. */
  doubled: string[];
  /** Lines that were handed to the kernel, whole bursts. */
  told: number;
}

/** What the tellers wrote down themselves. */
export function readLedgers(dir: string): Ledger[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.ledger'))
    .map((name) => {
      const run = name.slice(0, -'.ledger'.length);
      const ledger: Ledger = {
        run,
        asked: new Set(),
        acked: new Set(),
        refused: [],
        doubled: [],
        told: Number(readFileSync(join(dir, `${run}.count`), 'utf8')),
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

/**
 * One person watching one terminal. A viewer reads the run's journal itself, from the beginning of the present
 * screen on: a slow viewer holds up nobody, a paused one loses nothing, and nothing is buffered for it here.
 */
import type { TerminalChunk, TerminalInfo } from '../api.ts';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import { JournalReader } from '../shim/client/reader.ts';
import type { ProcessStatus } from '../shim/wire.ts';
import { RecordType } from '../shim/wire.ts';

const READ_BYTES = 128 * 1024;

export interface ViewerSource {
  run: string;
  journal: string;
  /** Where the replay begins; null when no terminal exists now. */
  from: number | null;
  /** How far the run's journal is processed: the replay ends here. */
  to: number;
  info: TerminalInfo | null;
  onGrown(listener: () => void): () => void;
}

export class JournalViewer {
  readonly #source: ViewerSource;
  readonly #reader: JournalReader;
  readonly #onChunk: (chunk: TerminalChunk) => void;
  readonly #onReset: (info: TerminalInfo | null) => void;
  readonly #log: Log;
  readonly #stop: () => void;
  readonly replay: Buffer;
  info: TerminalInfo | null;
  #offset: number;
  #paused = false;
  #closed = false;
  #reading = false;
  #again = false;

  constructor(
    source: ViewerSource,
    onChunk: (chunk: TerminalChunk) => void,
    onReset: (info: TerminalInfo | null) => void,
    log: Log,
  ) {
    this.#source = source;
    this.#onChunk = onChunk;
    this.#onReset = onReset;
    this.#log = log;
    this.info = source.info;
    this.#offset = source.from ?? source.to;
    this.#reader = new JournalReader(source.journal, this.#offset);
    this.replay = this.#readReplay();
    this.#stop = source.onGrown(() => this.#pump());
    setImmediate(() => this.#pump());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#reader.close();
  }

  #readReplay(): Buffer {
    const parts: Buffer[] = [];
    let bytes = 0;
    while (this.#offset < this.#source.to && bytes < limits.terminal_replay_bytes_max) {
      const records = this.#reader.read(READ_BYTES);
      if (records.length === 0) break;
      for (const record of records) {
        this.#offset = record.end;
        if (record.type !== RecordType.out || record.process !== this.info?.process) continue;
        parts.push(record.payload);
        bytes += record.payload.length;
      }
    }
    return Buffer.concat(parts);
  }

  #pump(): void {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    void this.#drain().finally(() => {
      this.#reading = false;
    });
  }

  async #drain(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      while (!this.#paused && !this.#closed) {
        try {
          const records = this.#reader.read(READ_BYTES);
          if (records.length === 0) break;
          for (const record of records)
            this.#deliver(record.type, record.process, record.payload, record.end);
        } catch (error) {
          this.#log.warn(
            { run: this.#source.run, error: messageOf(error) },
            'a viewer could not read the journal',
          );
          this.close();
          return;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  #deliver(type: number, process: number, payload: Buffer, end: number): void {
    this.#offset = end;
    if (type === RecordType.spawned) {
      const status = JSON.parse(payload.toString()) as ProcessStatus;
      // The size follows in a `resized` record where it is not the default.
      this.info =
        status.io === 'pty'
          ? {
              run: this.#source.run,
              process: status.index,
              cols: this.info?.cols ?? 80,
              rows: this.info?.rows ?? 24,
            }
          : null;
      this.#onReset(this.info);
    } else if (type === RecordType.resized && this.info !== null) {
      const size = JSON.parse(payload.toString()) as { cols: number; rows: number };
      this.info = { ...this.info, ...size };
    } else if (type === RecordType.out && process === this.info?.process) {
      this.#onChunk({ run: this.#source.run, process, offset: end, data: payload });
    } else if (type === RecordType.runExited) {
      this.info = null;
      this.#onReset(null);
    }
  }
}

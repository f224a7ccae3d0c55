/**
 * One person watching one terminal. A viewer reads the run's journal itself, from the beginning of the present
 * screen on: a slow viewer holds up no other, a paused one loses nothing, and nothing is buffered for it here. One
 * that falls far behind is shown the present again: what it would read next is old, and may be deleted already.
 */
import type { TerminalChunk, TerminalInfo } from '../api.ts';
import { AetherError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import { JournalReader } from '../shim/client/reader.ts';
import type { JournalRecord, ProcessStatus } from '../shim/shim-protocol.ts';
import { RecordType } from '../shim/shim-protocol.ts';

const READ_BYTES = 128 * 1024;

export interface ViewerSource {
  run: string;
  journal: string;
  /** The terminal as it is at the call. */
  screen(): {
    /** Where the replay begins; null when no terminal exists. */
    from: number | null;
    /** How far the run's journal is processed: the replay ends here. */
    to: number;
    info: TerminalInfo | null;
  };
  onGrown(listener: () => void): () => void;
}

export class JournalViewer {
  readonly #source: ViewerSource;
  #reader: JournalReader;
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
    const { from, to, info } = source.screen();
    this.info = info;
    this.#offset = from ?? to;
    this.#reader = new JournalReader(source.journal, this.#offset);
    this.replay = this.#readReplay(to);
    this.#stop = source.onGrown(() => this.#pump());
    setImmediate(() => this.#pump());
  }

  pause(): void {
    this.#paused = true;
    // However long it pauses: an open file keeps its bytes on the disk, also once it was deleted.
    this.#reader.close();
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

  #readReplay(to: number): Buffer {
    const parts: Buffer[] = [];
    let bytes = 0;
    while (this.#offset < to && bytes < limits.terminal_replay_bytes_max) {
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
          const records = this.#read();
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

  #read(): JournalRecord[] {
    if (this.#source.screen().to - this.#offset > limits.terminal_behind_bytes_max) this.#skip();
    try {
      return this.#reader.read(READ_BYTES);
    } catch (error) {
      // The shim deletes what the host has processed, whether or not it is still read.
      if (!(error instanceof AetherError && error.code === 'journal.gap')) throw error;
      this.#skip();
      return this.#reader.read(READ_BYTES);
    }
  }

  /** On to the present screen. */
  #skip(): void {
    const { from, to, info } = this.#source.screen();
    const next = Math.max(from ?? to, this.#offset);
    const left_out = next - this.#offset;
    this.#reader.close();
    this.#reader = new JournalReader(this.#source.journal, next);
    this.#offset = next;
    this.info = info;
    this.#onReset(info);
    if (info === null) return;
    const words = `aether: ${(left_out / 1e6).toFixed(0)} MB were printed faster than you read, and are left out here`;
    const data = Buffer.from(`\u001b[0m\u001b[7m ${words} \u001b[0m\r\n`);
    this.#onChunk({ run: info.run, process: info.process, offset: next, data });
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

/**
 * One person watching one terminal: its present screen, then what it prints, read from the run's journal. A slow viewer
 * holds up no other, and nothing is buffered for it here. One that falls behind is shown the present screen again:
 * what it would read next is old, and may be deleted already.
 */
import type { TerminalBytes, TerminalInfo, TerminalViewer } from '../api.ts';
import { AetherError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import { JournalReader } from '../shim/client/reader.ts';
import type { JournalRecord, ProcessStatus } from '../shim/shim-protocol.ts';
import { RecordType } from '../shim/shim-protocol.ts';
import type { ScreenSnapshot } from './screen/screen-protocol.ts';

const READ_BYTES = 128 * 1024;
const BEHIND = limits.terminal_behind_bytes_max;

export interface ViewerSource {
  run: string;
  journal: string;
  /** The terminal as it is at the call. */
  now(): {
    /** Where a replay of its bytes begins; null when no terminal exists. */
    from: number | null;
    /** How far the run's journal is processed. */
    to: number;
    info: TerminalInfo | null;
  };
  /** Its present screen; null: it is not known, and the newest bytes are replayed instead. */
  snapshot(): Promise<ScreenSnapshot | null>;
  onGrown(listener: () => void): () => void;
}

export class JournalViewer implements TerminalViewer {
  readonly #source: ViewerSource;
  readonly #show: (item: TerminalBytes) => void;
  readonly #log: Log;
  readonly #stop: () => void;
  /** Null while the screen is asked for. */
  #reader: JournalReader | null = null;
  #info: TerminalInfo | null = null;
  /** Where the journal went on behind the screen that was shown last. */
  #presented = 0;
  #paused = false;
  #closed = false;
  #reading = false;
  #again = false;

  constructor(source: ViewerSource, show: (item: TerminalBytes) => void, log: Log) {
    this.#source = source;
    this.#show = show;
    this.#log = log;
    this.#stop = source.onGrown(() => this.#pump());
    void this.#present();
  }

  pause(): void {
    this.#paused = true;
    // However long it pauses: an open file keeps its bytes on the disk, also once it was deleted.
    this.#reader?.close();
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#reader?.close();
  }

  /** The screen as it is, whatever was shown before; then what follows it. */
  async #present(): Promise<void> {
    this.#reader?.close();
    this.#reader = null;
    const snapshot = await this.#source.snapshot().catch(() => null);
    if (this.#closed) return;
    const { run, journal } = this.#source;
    const { from, to, info } = this.#source.now();
    // Another terminal may have come meanwhile: the screen is of the one before it.
    const present = snapshot !== null && snapshot.process === info?.process ? snapshot : null;
    try {
      if (present !== null) {
        const { process, cols, rows, offset, data } = present;
        this.#reader = new JournalReader(journal, offset);
        this.#screen({ run, process, cols, rows }, Buffer.from(data));
      } else {
        const reader = new JournalReader(journal, from ?? to);
        this.#reader = reader;
        this.#screen(info, this.#printed(reader, to, info));
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#presented = this.#reader.offset;
    setImmediate(() => this.#pump());
  }

  /** What was printed from where it stands up to `to`. */
  #printed(reader: JournalReader, to: number, info: TerminalInfo | null): Buffer {
    const parts: Buffer[] = [];
    let bytes = 0;
    while (reader.offset < to && bytes < limits.terminal_replay_bytes_max) {
      const records = reader.read(READ_BYTES);
      if (records.length === 0) break;
      for (const { type, process, payload } of records) {
        if (type !== RecordType.out || process !== info?.process) continue;
        parts.push(payload);
        bytes += payload.length;
      }
    }
    return Buffer.concat(parts);
  }

  #pump(): void {
    this.#again = true;
    if (this.#reading || this.#reader === null) return;
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
          if (records === null) {
            await this.#present();
            continue;
          }
          if (records.length === 0) break;
          for (const record of records) this.#deliver(record);
        } catch (error) {
          this.#fail(error);
          return;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Null: it is too far behind for what comes next. */
  #read(): JournalRecord[] | null {
    const reader = this.#reader!;
    const behind = this.#source.now().to - reader.offset;
    // Where the screen itself was old, asking again at once would not help.
    if (behind > BEHIND && reader.offset - this.#presented > BEHIND / 4) return null;
    try {
      return reader.read(READ_BYTES);
    } catch (error) {
      // The shim deletes what the host has processed, whether or not it is still read.
      if (error instanceof AetherError && error.code === 'journal.gap') return null;
      throw error;
    }
  }

  #fail(error: unknown): void {
    this.#log.warn({ run: this.#source.run, error: messageOf(error) }, 'a viewer could not read the journal');
    this.close();
  }

  #screen(info: TerminalInfo | null, data: Buffer): void {
    this.#info = info;
    this.#show({ kind: 'screen', info, data });
  }

  #deliver({ type, process, payload, end }: JournalRecord): void {
    if (type === RecordType.spawned) {
      const status = JSON.parse(payload.toString()) as ProcessStatus;
      // A shim of an earlier version tells of the size only where it changes.
      const { cols, rows } = status.size ?? this.#info ?? { cols: 80, rows: 24 };
      const { run } = this.#source;
      this.#screen(status.io === 'pty' ? { run, process: status.index, cols, rows } : null, Buffer.alloc(0));
    } else if (type === RecordType.runExited) this.#screen(null, Buffer.alloc(0));
    else if (this.#info === null || process !== this.#info.process) return;
    else if (type === RecordType.out)
      this.#show({ kind: 'chunk', run: this.#source.run, process, offset: end, data: payload });
    else if (type === RecordType.resized) {
      const { cols, rows } = JSON.parse(payload.toString()) as { cols: number; rows: number };
      this.#info = { ...this.#info, cols, rows };
      this.#show({ kind: 'size', cols, rows });
    }
  }
}

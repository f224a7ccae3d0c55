/**
 * One terminal, kept up to date from its run's journal. Much output at once is drawn from where the screen begins to
 * differ (skip.ts); everything else is seen by the emulator byte by byte, because any of it may be a mode.
 */
import type { TerminalLook } from '../../api.ts';
import { messageOf } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { JournalReader } from '../../shim/client/reader.ts';
import { type JournalRecord, RecordType } from '../../shim/shim-protocol.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { Emulator, type TerminalModes } from './emulator.ts';
import type { ScreenSnapshot, TerminalSource } from './screen-protocol.ts';
import { skipAhead } from './skip.ts';

const READ_BYTES = 256 * 1024;
/** Gathered at most, when there is so much. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const SKIP_BYTES_MIN = 512 * 1024;
/** All followers of a thread take turns, so they share what they read into: much output leaves nothing to collect. */
const room = { read: null as Buffer | null, block: null as Buffer | null };
/** Printed since a checkpoint, before there is another. */
const CHECKPOINT_BYTES = 256 * 1024;
/** A program waits no longer for an answer to what it asked when no host was there. */
const ANSWER_MS = 3_000;
/** Of one record: a program that asks more does not read. */
const ANSWER_CHARS_MAX = 4_096;

export interface FollowerOptions {
  source: TerminalSource;
  /** End of the journal when it was opened: what lies before it is the past. */
  to: number;
  /** What lies before it is passed over. */
  fresh: boolean;
  scrollback_lines_max: number;
  /** Of XTVERSION. */
  name: string;
  now(): number;
  answer(frame: string, text: string): void;
  failed(why: string): void;
}

/** One record of a block: where it ends there, where in the journal, and when it was printed. */
interface Part {
  to: number;
  end: number;
  at_ms: number;
}

export class Follower {
  readonly #o: FollowerOptions;
  #emulator: Emulator;
  #reader: JournalReader;
  #to: number;
  #answers = '';
  /** Bytes of the journal since the checkpoint. */
  #since = 0;

  constructor(options: FollowerOptions) {
    this.#o = options;
    this.#to = options.to;
    const { source, to, fresh } = options;
    const known = fresh ? null : readCheckpoint(source.journal, source.process);
    if (known !== null && known.offset >= source.from && known.offset <= to) {
      this.#emulator = this.#open(known);
      this.#emulator.write(known.screen);
      this.#reader = this.#readFrom(known.offset);
    } else {
      const late = fresh || to - source.from > limits.terminal_replay_bytes_max;
      const begin = late ? source.late : source;
      this.#emulator = this.#open(begin);
      this.#reader = this.#readFrom(fresh ? to : begin.from);
    }
    this.#answers = '';
  }

  get offset(): number {
    return this.#reader.offset;
  }

  get behind(): boolean {
    return this.#reader.offset < this.#to;
  }

  grown(to: number): void {
    this.#to = Math.max(this.#to, to);
  }

  look(look: TerminalLook): void {
    const text = this.#emulator.setLook(look);
    // Named by the time: the shim writes a frame that it knows only once.
    if (text !== '') this.#o.answer(`look-${this.#o.source.process}-${this.#o.now()}`, text);
  }

  /** Takes some of what is new. @returns how many bytes of the journal that were */
  step(): number {
    const from = this.#reader.offset;
    try {
      if (this.#to - from < SKIP_BYTES_MIN) this.#take(this.#reader.read(READ_BYTES));
      else this.#takeMuch();
      // What cannot be read is passed over, as the host does.
      if (this.#reader.offset === from && this.#reader.damaged) throw new Error('no whole record is there');
    } catch (error) {
      this.#lost(messageOf(error));
    }
    if (this.#emulator.fault !== null) this.#o.failed(`the emulator: ${this.#emulator.fault}`);
    this.#emulator.fault = null;
    const read = this.#reader.offset - from;
    this.#since += read;
    return read;
  }

  snapshot(): ScreenSnapshot {
    const { cols, rows } = this.#emulator.size;
    const { process } = this.#o.source;
    return { process, offset: this.#reader.offset, cols, rows, data: this.#emulator.snapshot() };
  }

  modes(): TerminalModes {
    return this.#emulator.modes();
  }

  /** Where much was printed since the last one. */
  checkpoint(): void {
    if (this.#since < CHECKPOINT_BYTES) return;
    this.#since = 0;
    const { data: screen, ...rest } = this.snapshot();
    try {
      writeCheckpoint(this.#o.source.journal, { ...rest, screen });
    } catch (error) {
      this.#o.failed(`no checkpoint: ${messageOf(error)}`);
    }
  }

  close(): void {
    this.#reader.close();
    this.#emulator.close();
  }

  #open(size: { cols: number; rows: number }): Emulator {
    return new Emulator(
      size,
      {
        scrollback_lines_max: this.#o.scrollback_lines_max,
        scrollback_bytes_max: limits.terminal_scrollback_bytes_max,
      },
      (text) => {
        if (this.#answers.length < ANSWER_CHARS_MAX) this.#answers += text;
      },
      this.#o.name,
    );
  }

  #readFrom(offset: number): JournalReader {
    room.read ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return new JournalReader(this.#o.source.journal, offset, room.read);
  }

  #take(records: JournalRecord[]): void {
    for (const record of records) {
      if (record.process !== this.#o.source.process) continue;
      if (record.type === RecordType.out) this.#draw(record.payload, record);
      else if (record.type === RecordType.resized) this.#resize(record);
    }
  }

  /** Gathers output and draws only what the screen is made of by its end. */
  #takeMuch(): void {
    room.block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
    const block = room.block;
    const parts: Part[] = [];
    let bytes = 0;
    while (this.#reader.offset < this.#to && bytes < BLOCK_BYTES - 2 * READ_BYTES) {
      const records = this.#reader.read(READ_BYTES);
      if (records.length === 0) break;
      for (const record of records) {
        if (record.process !== this.#o.source.process) continue;
        const { type, payload } = record;
        if (type === RecordType.out && payload.length <= BLOCK_BYTES - bytes) {
          payload.copy(block, bytes);
          bytes += payload.length;
          parts.push({ to: bytes, end: record.end, at_ms: record.at_ms });
          continue;
        }
        if (type !== RecordType.out && type !== RecordType.resized) continue;
        this.#drawBlock(block.subarray(0, bytes), parts.splice(0));
        bytes = 0;
        this.#take([record]);
      }
    }
    this.#drawBlock(block.subarray(0, bytes), parts);
  }

  #resize({ payload }: JournalRecord): void {
    const { cols, rows } = JSON.parse(payload.toString()) as { cols: number; rows: number };
    this.#emulator.resize(cols, rows);
  }

  #drawBlock(block: Buffer, parts: Part[]): void {
    const lines = block.length < SKIP_BYTES_MIN ? null : this.#emulator.linesKept();
    const skip = lines === null ? null : skipAhead(block, lines);
    if (skip === null) {
      this.#range(block, parts, 0, block.length);
      return;
    }
    this.#range(block, parts, 0, skip.head);
    this.#emulator.write(Buffer.from(skip.plain ? '\x1b[m\r\n' : '\r\n'));
    this.#range(block, parts, skip.from, block.length);
  }

  /** Draws that part of the block, each record for itself: an answer is named after its record. */
  #range(block: Buffer, parts: Part[], from: number, to: number): void {
    let begin = 0;
    for (const part of parts) {
      const some = block.subarray(Math.max(from, begin), Math.min(to, part.to));
      if (part.to > from && begin < to && some.length > 0) this.#draw(some, part);
      begin = part.to;
    }
  }

  #draw(output: Buffer, { end, at_ms }: { end: number; at_ms: number }): void {
    this.#emulator.write(output);
    if (this.#answers === '') return;
    const text = this.#answers;
    this.#answers = '';
    const live = end > this.#o.to || this.#o.now() - at_ms <= ANSWER_MS;
    if (live) this.#o.answer(`answer-${this.#o.source.process}-${end}`, text);
  }

  /** A part of the journal is gone: the screen begins again with what comes. */
  #lost(why: string): void {
    this.#o.failed(why);
    const { size, look } = this.#emulator;
    this.close();
    this.#emulator = this.#open(size);
    this.#emulator.setLook(look);
    this.#reader = this.#readFrom(this.#to);
  }
}

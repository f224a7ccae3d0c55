/**
 * The host's own log (pino, JSON lines). Secrets never reach it: callers log ids and counts, and the keys below are
 * removed as a second fence. Its size is bounded, and a full disk loses lines but does not stop the host: each line is
 * written at once, and lines that cannot be written are counted and reported later.
 */
import { closeSync, fstatSync, mkdirSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { openOutput } from './files.ts';
import { limits } from './limits.ts';

export type Log = pino.Logger;

const REDACTED = ['env', '*.env', 'token', '*.token', 'key', 'apiKey', '*.apiKey', 'authorization', 'cookie'];

/** @param file where to append; `undefined` is silent (tests). */
export function openLog(file: string | undefined, level = process.env.AETHER_LOG_LEVEL ?? 'info'): Log {
  if (file === undefined) return pino({ level: 'silent' });
  return pino(
    { level, redact: { paths: REDACTED, remove: true }, base: { pid: process.pid } },
    new LogFile(file, limits.log_bytes_max),
  );
}

/** Above its bound the file becomes FILE.1, in place of the one before. */
export class LogFile {
  readonly #file: string;
  readonly #bytesMax: number;
  #fd: number;
  #bytes: number;
  #lost = 0;
  /** The last line was cut off in the middle. */
  #torn = false;

  constructor(file: string, bytesMax: number) {
    this.#file = file;
    this.#bytesMax = bytesMax;
    mkdirSync(dirname(file), { recursive: true });
    this.#fd = openOutput(file);
    this.#bytes = fstatSync(this.#fd).size;
  }

  write(line: string): void {
    try {
      if (this.#bytes > this.#bytesMax) this.#rotate();
      if (this.#lost > 0)
        this.#append(`{"level":40,"msg":"${this.#lost} lines of this log could not be written"}\n`);
      this.#lost = 0;
      this.#append(line);
    } catch {
      this.#lost += 1; // nowhere is left to say so; the next line that can be written does
    }
  }

  #append(line: string): void {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    for (let at = 0; at < bytes.length; ) {
      const took = writeSync(this.#fd, bytes, at);
      at += took;
      this.#bytes += took;
      this.#torn = at < bytes.length;
    }
  }

  #rotate(): void {
    const before = this.#fd;
    renameSync(this.#file, `${this.#file}.1`);
    try {
      this.#fd = openOutput(this.#file);
    } catch (error) {
      renameSync(`${this.#file}.1`, this.#file);
      throw error;
    }
    closeSync(before);
    this.#bytes = 0;
    this.#torn = false;
  }
}

/**
 * The present screen of every terminal, kept by a thread of its own (screen/thread.ts). That thread may end or hang on
 * what a program printed: it is started again, and requests meanwhile get null.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { TerminalLook } from '../api.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { TerminalModes } from './screen/emulator.ts';
import type { FromScreens, ScreenSnapshot, TerminalSource, ToScreens } from './screen/screen-protocol.ts';

const HEAP_MB_MAX = 512;
/** Of short-lived objects: more is not needed, and stays taken. */
const YOUNG_HEAP_MB_MAX = 16;
const AGAIN_MS = 1_000;
const ASK_MS = 3_000;
/** With something to read, it has read nothing for so long: it hangs. */
const HANGS_MS = 10_000;
/** Ended again so soon, it is not given the same bytes once more. */
const SOON_MS = 60_000;

interface Opened {
  source: TerminalSource;
  to: number;
  /** Null until the thread has read. */
  offset: number | null;
  said: string | null;
  look: TerminalLook | null;
}

interface Waiting {
  resolve(value: ScreenSnapshot | TerminalModes | null): void;
  cancel(): void;
}

export interface ScreensOptions {
  clock: Clock;
  log: Log;
  /** Of this terminal, for programs that ask. */
  name: string;
  scrollback_lines_max(): number;
  /** To be written to the process of the terminal. */
  answer(terminal: string, frame: string, text: string): void;
  /** It is read further, or nothing of it has to be kept any more. */
  read(terminal: string): void;
}

export class Screens {
  readonly #o: ScreensOptions;
  readonly #opened = new Map<string, Opened>();
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #next = 1;
  #endedAt = Number.NEGATIVE_INFINITY;
  #heard = false;
  #cancelWatch: (() => void) | null = null;
  #cancelAgain: (() => void) | null = null;
  #closed = false;

  constructor(options: ScreensOptions) {
    this.#o = options;
  }

  /** @param to end of its journal now: what lies before it is the past */
  open(terminal: string, source: TerminalSource, to: number): void {
    if (this.#closed || this.#opened.has(terminal)) return;
    this.#opened.set(terminal, { source, to, offset: null, said: null, look: null });
    if (this.#worker !== null) this.#sendOpen(terminal, false);
    else if (this.#cancelAgain === null) this.#start(false);
  }

  has(terminal: string): boolean {
    return this.#opened.has(terminal);
  }

  grown(terminal: string, to: number): void {
    const opened = this.#opened.get(terminal);
    if (opened === undefined || to <= opened.to) return;
    opened.to = to;
    this.#send({ type: 'grown', terminal, to });
    this.#watch();
  }

  /** How the window looks that decides the size of the terminal. */
  look(terminal: string, look: TerminalLook): void {
    const opened = this.#opened.get(terminal);
    if (opened === undefined) return;
    opened.look = look;
    this.#send({ type: 'look', terminal, look });
  }

  close(terminal: string): void {
    if (this.#opened.delete(terminal)) this.#send({ type: 'close', terminal });
  }

  /** How far the journal must be kept for this terminal; null: not for it. */
  offset(terminal: string): number | null {
    const opened = this.#opened.get(terminal);
    return this.#worker === null || opened === undefined ? null : opened.offset;
  }

  /** As it is once the journal is read up to `to`, or soon. Null: it is not known. */
  snapshot(terminal: string, to: number): Promise<ScreenSnapshot | null> {
    return this.#ask(terminal, 'snapshot', to) as Promise<ScreenSnapshot | null>;
  }

  modes(terminal: string, to: number): Promise<TerminalModes | null> {
    return this.#ask(terminal, 'modes', to) as Promise<TerminalModes | null>;
  }

  async end(): Promise<void> {
    this.#closed = true;
    this.#cancelWatch?.();
    this.#cancelAgain?.();
    const worker = this.#worker;
    this.#gone();
    await worker?.terminate();
  }

  #ask(
    terminal: string,
    what: 'snapshot' | 'modes',
    to: number,
  ): Promise<ScreenSnapshot | TerminalModes | null> {
    if (this.#worker === null || !this.#opened.has(terminal)) return Promise.resolve(null);
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve) => {
      const cancel = this.#o.clock.after(ASK_MS, () => this.#settle(id, null));
      this.#waiting.set(id, { resolve, cancel });
      this.#send({ type: 'ask', id, terminal, what, to });
    });
  }

  #settle(id: number, value: ScreenSnapshot | TerminalModes | null): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.cancel();
    waiting?.resolve(value);
  }

  #send(message: ToScreens): void {
    this.#worker?.postMessage(message);
  }

  #sendOpen(terminal: string, fresh: boolean): void {
    const { source, to, look } = this.#opened.get(terminal)!;
    const scrollback_lines_max = this.#o.scrollback_lines_max();
    this.#send({ type: 'open', terminal, source, to, fresh, scrollback_lines_max });
    if (look !== null) this.#send({ type: 'look', terminal, look });
  }

  /** @param fresh what was printed so far is not read again */
  #start(fresh: boolean): void {
    const file = new URL(`./screen/thread${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(file, {
      workerData: { name: this.#o.name },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX, maxYoungGenerationSizeMb: YOUNG_HEAP_MB_MAX },
    });
    worker.unref();
    this.#worker = worker;
    worker.on('message', (message: FromScreens) => this.#hear(message));
    worker.on('error', (error) => this.#ended(worker, String(error)));
    worker.on('exit', (code) => this.#ended(worker, `it ended with ${code}`));
    for (const terminal of this.#opened.keys()) this.#sendOpen(terminal, fresh);
  }

  #hear(message: FromScreens): void {
    this.#heard = true;
    if (message.type === 'answered') {
      this.#settle(message.id, message.value);
      return;
    }
    const opened = this.#opened.get(message.terminal);
    if (opened === undefined) return;
    if (message.type === 'answer') this.#o.answer(message.terminal, message.frame, message.text);
    else if (message.type === 'read') {
      opened.offset = message.offset;
      this.#o.read(message.terminal);
    } else if (message.why !== opened.said) {
      opened.said = message.why;
      this.#o.log.warn({ terminal: message.terminal, why: message.why }, 'a screen is not whole');
    }
  }

  #watch(): void {
    if (this.#cancelWatch !== null || this.#worker === null) return;
    this.#heard = false;
    this.#cancelWatch = this.#o.clock.after(HANGS_MS, () => {
      this.#cancelWatch = null;
      const worker = this.#worker;
      const behind = [...this.#opened.values()].some(({ to, offset }) => (offset ?? 0) < to);
      if (!behind || worker === null) return;
      if (this.#heard) {
        this.#watch();
        return;
      }
      void worker.terminate();
      this.#ended(worker, 'it did not answer');
    });
  }

  #ended(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#gone();
    if (this.#closed) return;
    this.#o.log.error({ why }, 'the thread with the screens ended; it is started again');
    const { clock } = this.#o;
    const again = clock.elapsed() - this.#endedAt < SOON_MS;
    this.#endedAt = clock.elapsed();
    this.#cancelAgain = clock.after(AGAIN_MS, () => {
      this.#cancelAgain = null;
      this.#start(again);
    });
  }

  #gone(): void {
    this.#worker = null;
    for (const id of [...this.#waiting.keys()]) this.#settle(id, null);
    for (const [terminal, opened] of this.#opened) {
      opened.offset = null;
      this.#o.read(terminal);
    }
  }
}

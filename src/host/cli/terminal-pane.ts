/**
 * An agent's terminal in the operator's own. Where both have the same size the bytes pass, filtered, and the operator's
 * terminal does the rest. Where they differ, the screen is drawn as far as it fits, with a line that says so: bytes
 * made for another width would run into each other.
 */
import type { TerminalBytes, TerminalInfo } from '../api.ts';
import { Emulator } from '../terminals/screen/emulator.ts';
import { Painter } from '../terminals/screen/paint.ts';
import { RESET } from './raw-terminal.ts';
import { TerminalFilter } from './terminal-filter.ts';

const PAINT_MS = 30;
const SCROLLBACK = { scrollback_lines_max: 0, scrollback_bytes_max: 0 };

export type PaneItem = Exclude<TerminalBytes, { kind: 'sized' }>;

export interface PaneOptions {
  write(text: string): void;
  size(): { cols: number; rows: number };
  /** The operator holds it: a key makes its size that of this window. */
  holds: boolean;
}

export class TerminalPane {
  readonly #o: PaneOptions;
  readonly #painter = new Painter();
  #filter = new TerminalFilter(false);
  #emulator: Emulator | null = null;
  #info: TerminalInfo | null = null;
  /** The bytes pass. */
  #passes = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: PaneOptions) {
    this.#o = options;
  }

  take(item: PaneItem): void {
    if (item.kind === 'screen') this.#screen(item.info, item.data);
    else if (this.#emulator === null || this.#info === null) return;
    else if (item.kind === 'chunk') {
      this.#emulator.write(item.data);
      if (this.#passes) this.#o.write(this.#filter.push(item.data));
      else this.#paintSoon();
    } else {
      this.#emulator.resize(item.cols, item.rows);
      this.#info = { ...this.#info, cols: item.cols, rows: item.rows };
      this.fit();
    }
  }

  /** One of the two sizes has changed. */
  fit(): void {
    if (this.#emulator === null || this.#info === null) return;
    const { cols, rows } = this.#o.size();
    const passes = cols === this.#info.cols && rows === this.#info.rows;
    if (passes && this.#passes) return;
    this.#passes = passes;
    this.#painter.forget();
    this.#o.write(`${RESET}\x1b[2J\x1b[H`);
    if (!passes) {
      this.#paint();
      return;
    }
    this.#filter = new TerminalFilter(false);
    this.#o.write(this.#filter.push(this.#emulator.snapshot()));
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#emulator?.close();
    this.#emulator = null;
  }

  #screen(info: TerminalInfo | null, data: Uint8Array): void {
    this.#emulator?.close();
    this.#emulator = null;
    this.#info = info;
    this.#passes = false;
    if (info === null) {
      this.#o.write(`${RESET}\x1b[2J\x1b[H`);
      return;
    }
    this.#emulator = new Emulator(info, SCROLLBACK, () => undefined, '');
    this.#emulator.write(data);
    const { cols, rows } = this.#o.size();
    if (cols !== info.cols || rows !== info.rows) {
      this.fit();
      return;
    }
    // With what has scrolled out, for the operator's own scrollback.
    this.#passes = true;
    this.#filter = new TerminalFilter(false);
    this.#o.write(`${RESET}\x1b[2J\x1b[H${this.#filter.push(data)}`);
  }

  #paintSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (!this.#passes) this.#paint();
    }, PAINT_MS);
  }

  #paint(): void {
    if (this.#emulator === null || this.#info === null) return;
    const { cols, rows } = this.#o.size();
    const text = this.#painter.paint(this.#emulator, { cols, rows: Math.max(1, rows - 1) });
    const larger = this.#info.cols > cols || this.#info.rows > rows - 1;
    const words = [
      `its terminal is ${this.#info.cols}×${this.#info.rows}${larger ? ', and this is a part of it' : ''}`,
      this.#o.holds ? 'press a key to give it the size of this window' : 'this window does not set the size',
    ].join('; ');
    const line =
      rows < 2 ? '' : `\x1b7\x1b[${rows};1H\x1b[0;7m ${words.slice(0, cols - 2)} \x1b[m\x1b[K\x1b8`;
    this.#o.write(text + line);
  }
}

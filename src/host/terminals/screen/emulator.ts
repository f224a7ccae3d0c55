/** One terminal as an emulator that sees every byte: its present screen, its modes, and the answers to its program. */
import type { Terminal } from '@xterm/headless';
import type { TerminalLook } from '../../api.ts';
import { messageOf } from '../../errors.ts';
import { wholeBytes } from '../../text.ts';
import { Extras } from './extras.ts';
import { answerQueries, COLOUR_SCHEME_MODE, colourScheme } from './queries.ts';
import { snapshot } from './snapshot.ts';
import { GROUND, openTerminal, type XtermCore } from './xterm-core.ts';

/** Below what xterm.js takes at once. */
const PARSED_BYTES_MAX = 64 * 1024;
const NOTHING = new Uint8Array(0);
/** Of a cell in memory. */
const CELL_BYTES = 12;

export interface ScrollbackLimits {
  scrollback_lines_max: number;
  scrollback_bytes_max: number;
}

export interface TerminalModes {
  alternateScreen: boolean;
  bracketedPaste: boolean;
  applicationCursorKeys: boolean;
  keyboardFlags: number;
  mouse: boolean;
  title: string;
}

export class Emulator {
  readonly #limits: ScrollbackLimits;
  readonly #terminal: Terminal;
  readonly #core: XtermCore;
  readonly #extras: Extras;
  /** Why some of what was written is not on the screen. */
  fault: string | null = null;
  /** Beginning of a character whose end is still to come. */
  #held: Uint8Array = NOTHING;
  #look: TerminalLook = { theme: 'dark' };

  /** @param answer is called during a write, with what the terminal answers to its program */
  constructor(
    size: { cols: number; rows: number },
    limits: ScrollbackLimits,
    answer: (text: string) => void,
    name: string,
  ) {
    this.#limits = limits;
    const { terminal, core } = openTerminal(size.cols, size.rows, this.#scrollback(size.cols));
    this.#terminal = terminal;
    this.#core = core;
    this.#extras = new Extras(terminal, core);
    answerQueries(terminal, core, this.#extras, { name, look: () => this.#look });
    terminal.onData(answer);
  }

  get look(): TerminalLook {
    return this.#look;
  }

  /** @returns what the program is told of that; '' where it did not ask to be told, or nothing changed for it */
  setLook(look: TerminalLook): string {
    const { theme } = this.#look;
    this.#look = look;
    return theme !== look.theme && this.#extras.hasMode(COLOUR_SCHEME_MODE) ? colourScheme(look) : '';
  }

  get core(): XtermCore {
    return this.#core;
  }

  get size(): { cols: number; rows: number } {
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  write(bytes: Uint8Array): void {
    // xterm.js loses a character that is cut before a byte 0x80, as all of General Punctuation may be. It cuts by itself
    // what is larger than its buffer.
    for (let from = 0; from < bytes.length; from += PARSED_BYTES_MAX) {
      const some = bytes.subarray(from, from + PARSED_BYTES_MAX);
      const known = this.#held.length === 0 ? some : Buffer.concat([this.#held, some]);
      const end = wholeBytes(known);
      this.#held = end === known.length ? NOTHING : Buffer.from(known.subarray(end));
      if (end > 0) this.#parse(known.subarray(0, end));
    }
  }

  #parse(whole: Uint8Array): void {
    try {
      this.#core._inputHandler.parse(whole);
    } catch (error) {
      // A defect of the emulator: the rest of these bytes is lost, and what is drawn next is not.
      this.fault = messageOf(error);
    }
    this.#extras.wrote(whole);
  }

  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
    this.#terminal.options.scrollback = this.#scrollback(cols);
  }

  /**
   * How many lines of output make the whole screen, whatever was there before; null where it also depends on that: in
   * the middle of a sequence or a character, or where only a part of the screen scrolls.
   */
  linesKept(): number | null {
    const { buffers, rows, _inputHandler } = this.#core;
    const { scrollTop, scrollBottom, lines } = buffers.active;
    if (scrollTop !== 0 || scrollBottom !== rows - 1) return null;
    if (this.#held.length > 0 || _inputHandler._parser.currentState !== GROUND) return null;
    return lines.maxLength + rows + 1;
  }

  /** What makes the present state again on a terminal of this size that was just reset. */
  snapshot(): Uint8Array {
    return Buffer.concat([
      Buffer.from(snapshot(this.#core, this.#extras)),
      this.#extras.pending(),
      this.#held,
    ]);
  }

  modes(): TerminalModes {
    const { buffers, coreService, coreMouseService, _inputHandler } = this.#core;
    const { bracketedPasteMode, applicationCursorKeys } = coreService.decPrivateModes;
    return {
      alternateScreen: buffers.active === buffers.alt,
      bracketedPaste: bracketedPasteMode,
      applicationCursorKeys,
      keyboardFlags: this.#extras.keyboardFlags,
      mouse: coreMouseService.activeProtocol !== 'NONE',
      title: _inputHandler._windowTitle,
    };
  }

  close(): void {
    this.#terminal.dispose();
  }

  #scrollback(cols: number): number {
    const { scrollback_lines_max, scrollback_bytes_max } = this.#limits;
    return Math.min(
      scrollback_lines_max,
      Math.floor(scrollback_bytes_max / (CELL_BYTES * Math.max(cols, 2))),
    );
  }
}

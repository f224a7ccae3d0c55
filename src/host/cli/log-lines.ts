/**
 * The output of a program as the lines that a screen would show: a carriage return starts the line again, so a progress
 * bar is one line. Colours are kept where the reader shows colour; other sequences are removed.
 */
import { readableText } from '../shown/plain.ts';
import { TerminalFilter } from './terminal-filter.ts';

export interface LogLine {
  /** When its last part was printed. */
  at_ms: number;
  text: string;
}

interface Cell {
  char: string;
  style: string;
}

/** A longer line is cut into pieces. */
const CELLS_MAX = 64 * 1024;
/** Only colours and weights: never one that hides the text. */
const STYLE = /^\x1b\[[\d;:]*m$/;
const HIDES = /(?:^|;)0*8(?:;|$)/;
const SEQUENCE = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x1b\x07]*(?:\x1b\\|\x07)|\x1b[ -/]*[0-~]/y;

export class LogLines {
  readonly #filter = new TerminalFilter(false);
  readonly #colour: boolean;
  #cells: Cell[] = [];
  #at = 0;
  #style = '';
  #at_ms = 0;

  constructor(colour: boolean) {
    this.#colour = colour;
  }

  /** Lines that ended. */
  push(bytes: Uint8Array, at_ms: number): LogLine[] {
    const text = this.#filter.push(bytes);
    this.#at_ms = at_ms;
    const lines: LogLine[] = [];
    for (let at = 0; at < text.length; ) {
      if (this.#cells.length === 0 && this.#style === '') {
        // Most of it: whole lines without anything to obey.
        const end = text.indexOf('\n', at);
        const line = end < 0 ? '' : text.slice(at, text[end - 1] === '\r' ? end - 1 : end);
        if (end >= 0 && line.length <= CELLS_MAX && !/[\x00-\x08\x0b-\x1f]/.test(line)) {
          lines.push({ at_ms, text: readableText(line) });
          at = end + 1;
          continue;
        }
      }
      at = this.#one(text, at, lines);
    }
    return lines;
  }

  /** What is left of a line without an end. */
  rest(): LogLine[] {
    return this.#cells.length === 0 ? [] : [this.#end()];
  }

  #one(text: string, at: number, lines: LogLine[]): number {
    const char = String.fromCodePoint(text.codePointAt(at)!);
    switch (char) {
      case '\n':
        lines.push(this.#end());
        return at + 1;
      case '\r':
        this.#at = 0;
        return at + 1;
      case '\b':
        this.#at = Math.max(0, this.#at - 1);
        return at + 1;
      case '\x1b':
        return this.#sequence(text, at);
      default:
        if (char >= ' ' || char === '\t') this.#put(char);
        if (this.#cells.length >= CELLS_MAX) lines.push(this.#end());
        return at + char.length;
    }
  }

  #sequence(text: string, at: number): number {
    SEQUENCE.lastIndex = at;
    const sequence = SEQUENCE.exec(text)?.[0] ?? '\x1b';
    if (/^\x1b\[[012]?K$/.test(sequence)) this.#erase(sequence[2]!);
    else if (STYLE.test(sequence)) {
      const reset = /^\x1b\[0*m$/.test(sequence);
      if (reset) this.#style = '';
      else if (!HIDES.test(sequence.slice(2, -1)) && this.#style.length < 200) this.#style += sequence;
    } else if (/^\x1b\[\d*G$/.test(sequence))
      this.#at = Math.min(this.#cells.length, Math.max(0, (Number(sequence.slice(2, -1)) || 1) - 1));
    return at + sequence.length;
  }

  #erase(how: string): void {
    if (how === '1') for (let at = 0; at < this.#at; at += 1) this.#cells[at] = { char: ' ', style: '' };
    else this.#cells.length = how === '2' ? 0 : Math.min(this.#at, this.#cells.length);
    if (how === '2') this.#at = 0;
  }

  #put(char: string): void {
    const before = this.#cells[this.#at - 1];
    // An accent or a joiner belongs to the character before it.
    if (before !== undefined && /^(?:\p{M}|\u200d)$/u.test(char) && before.char.length < 32)
      before.char += char;
    else {
      this.#cells[this.#at] = { char, style: this.#style };
      this.#at += 1;
    }
  }

  #end(): LogLine {
    const cells = this.#cells;
    this.#cells = [];
    this.#at = 0;
    return { at_ms: this.#at_ms, text: this.#colour ? coloured(cells) : plain(cells) };
  }
}

const plain = (cells: readonly Cell[]): string =>
  readableText(cells.map(({ char }) => char).join('')).trimEnd();

function coloured(cells: readonly Cell[]): string {
  let text = '';
  let run = '';
  let style = '';
  const flush = () => {
    text += style === '' ? readableText(run) : `${style}${readableText(run)}\x1b[0m`;
    run = '';
  };
  for (const cell of cells) {
    if (cell.style !== style) {
      flush();
      style = cell.style;
    }
    run += cell.char;
  }
  flush();
  return text;
}

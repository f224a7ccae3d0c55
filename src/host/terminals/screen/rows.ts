/**
 * The cells of a screen as the text that draws them again on an empty one: every row in its order, so that rows which
 * do not fit scroll out as they did. A row that continues the one above is reached by printing over the edge, because a
 * resize joins such rows.
 */
import { attributesKey, HAS_EXTENDED, isErased, MODE, PLAIN, sgr } from './sgr.ts';
import type { Attributes, Line, XtermCore } from './xterm-core.ts';

const COMBINED = 0x200000;
const CODE = 0x1fffff;
const WIDTH_SHIFT = 22;
/** Any character of two columns. */
const WIDE = '\u4e00';

export interface Cell extends Attributes {
  /** Empty: nothing was printed there. */
  text: string;
  /** 0: the second half of a wide character, or a mark that joined nothing. */
  width: number;
}

export function cellOf(line: Line, x: number): Cell {
  const content = line._data[x * 3]!;
  const fg = line._data[x * 3 + 1]!;
  const bg = line._data[x * 3 + 2]!;
  const code = content & CODE;
  const text = content & COMBINED ? (line._combined[x] ?? '') : code === 0 ? '' : String.fromCodePoint(code);
  const extended = (bg & HAS_EXTENDED ? line._extendedAttrs[x] : undefined) ?? PLAIN.extended;
  return { text, width: content >>> WIDTH_SHIFT, fg, bg, extended };
}

/** A row that scrolls in is filled with the background of what is printed. */
const coloured = ({ bg }: Cell) => (bg & MODE) !== 0;

const isHalf = (cell: Cell) => cell.text === '' && !isErased(cell);

export class RowWriter {
  readonly #core: XtermCore;
  readonly #parts: string[] = [];
  #look: string = attributesKey(PLAIN);
  #link = 0;

  constructor(core: XtermCore) {
    this.#core = core;
  }

  /**
   * Draws rows up to `end`, on an empty screen with the cursor at the beginning of the first.
   * @param dirty a cell of the first row that is not blank
   */
  rows(line: (index: number) => Line, end: number, dirty: number | null): void {
    this.#row(line(0), dirty);
    for (let y = 1; y < end; y += 1) {
      const row = line(y);
      if (row.isWrapped) this.#wrapped(line(y - 1), row);
      else {
        this.plain();
        this.#parts.push('\r\n');
        this.#row(row, null);
      }
    }
    this.plain();
  }

  /** Attributes are as after a reset from here on. */
  plain(): void {
    this.attributes(PLAIN);
  }

  attributes(wanted: Attributes): void {
    const look = attributesKey(wanted);
    if (look !== this.#look) this.#set(wanted, false);
    this.#look = look;
  }

  /** The attributes that the program goes on with: also where nothing changes, which ends what a mark could join. */
  current(wanted: Attributes): void {
    this.#set(wanted, true);
    this.#look = attributesKey(wanted);
  }

  #set(wanted: Attributes, kept: boolean): void {
    const { text, link } = sgr(this.#core, wanted, this.#link, kept);
    this.#link = link;
    this.#parts.push(text);
  }

  /** What the attributes are is not known any more. */
  forget(): void {
    this.#look = '?';
  }

  raw(text: string): void {
    this.#parts.push(text);
  }

  take(): string {
    return this.#parts.join('');
  }

  /** Continues `above`, whose cells are drawn, in the row below it. */
  #wrapped(above: Line, row: Line): void {
    const { cols } = this.#core;
    const last = cellOf(above, cols - 1);
    const first = cellOf(row, 0);
    const gap = last.text === '' && last.width === 1;
    if (!gap && first.text !== '' && first.width > 0) {
      // The end of the row above was drawn just now, so the cursor is over its edge.
      this.#row(row, coloured(first) ? 'all' : null);
      return;
    }
    // A wide character that did not fit has left its attributes in the last cell.
    if (gap && first.width === 2 && first.text !== '' && attributesKey(last) === attributesKey(first)) {
      this.#parts.push(`\x1b[${cols}G`);
      this.#row(row, coloured(first) ? 'all' : null);
      return;
    }
    this.plain();
    this.#parts.push(gap ? `\x1b[${cols}G  ` : ' ');
    if (gap) {
      this.#parts.push('\x1b[A');
      if (isErased(last)) this.#erase(last, cols - 1, 1);
      else this.#halves(above, cols - 1, cols);
      this.#parts.push('\x1b[B');
    }
    this.#parts.push('\r');
    this.#row(row, 0);
  }

  /** @param dirty which cell is not blank: of a row that scrolls in it may be all */
  #row(row: Line, dirty: number | 'all' | null): void {
    const { cols } = this.#core;
    const isDirty = (x: number, run: number) =>
      dirty === 'all' || (dirty !== null && dirty >= x && dirty < x + run);
    // Where the cursor is; null: over the edge, or unknown.
    let at: number | null = 0;
    for (let x = 0; x < cols; ) {
      const cell = cellOf(row, x);
      if (cell.text !== '') {
        // A mark that joined nothing must not join what is drawn before it.
        if (at !== x || cell.width === 0) this.#parts.push(`\x1b[${x + 1}G`);
        this.attributes(cell);
        const alike = this.#alike(row, x);
        this.#parts.push(cell.text + alike);
        x += Math.max(1, cell.width) + alike.length;
        at = x < cols ? x : null;
        if (cell.width === 2 && x >= cols) this.#overWide(row);
      } else if (isErased(cell)) {
        const run = this.#run(row, x);
        if (cell.bg !== 0 || isDirty(x, run)) {
          this.#erase(cell, x, run);
          at = x;
        }
        x += run;
      } else {
        const begun = x;
        for (x += 1; x < cols && isHalf(cellOf(row, x)); ) x += 1;
        this.#halves(row, begun, x);
        if (begun === 0 && dirty !== 'all') dirty = 1;
        at = null;
      }
    }
  }

  /** What follows the cell at `x` in cells that look like it, of one column and one UTF-16 unit each. */
  #alike(row: Line, x: number): string {
    const data = row._data;
    const [content, fg, bg] = [data[x * 3]!, data[x * 3 + 1], data[x * 3 + 2]!];
    if (content >>> WIDTH_SHIFT !== 1 || bg & HAS_EXTENDED) return '';
    const { cols } = this.#core;
    let text = '';
    for (let next = x + 1; next < cols; next += 1) {
      const one = data[next * 3]!;
      const code = one & (CODE | COMBINED);
      if (one >>> WIDTH_SHIFT !== 1 || code === 0 || code > 0xffff) break;
      if (data[next * 3 + 1] !== fg || data[next * 3 + 2] !== bg) break;
      text += String.fromCharCode(code);
    }
    return text;
  }

  /** Without autowrap, what is printed behind a wide character at the edge stands in its second half. */
  #overWide(row: Line, x = this.#core.cols - 1): void {
    const cell = cellOf(row, x);
    if (cell.text === '' || cellOf(row, x - 1).width !== 2) return;
    this.#parts.push('\x1b[?7l');
    this.attributes(cell);
    this.#parts.push(`${cell.text}\x1b[?7h`);
  }

  /** How many cells from `x` on are as empty as that one. */
  #run(row: Line, x: number): number {
    const { cols } = this.#core;
    const data = row._data;
    let end = x + 1;
    while (
      end < cols &&
      (data[end * 3]! & (CODE | COMBINED)) === 0 &&
      data[end * 3 + 1] === data[x * 3 + 1] &&
      data[end * 3 + 2] === data[x * 3 + 2]
    )
      end += 1;
    return end - x;
  }

  #erase({ bg }: Cell, x: number, count: number): void {
    this.attributes({ ...PLAIN, bg });
    this.#parts.push(`\x1b[${x + 1}G\x1b[${count}X`);
  }

  /**
   * Halves of wide characters that something was printed over: empty cells with the attributes of that. Each is made by
   * printing over the first half; what stood there is drawn again.
   */
  #halves(row: Line, from: number, end: number): void {
    for (let x = end - 1; x >= Math.max(from, 1); x -= 1) {
      this.#parts.push(`\x1b[${x}G${WIDE}\x1b[${x}G`);
      this.attributes(cellOf(row, x));
      this.#parts.push(' ');
    }
    if (from === 0) {
      this.#parts.push(`\x1b[G${WIDE}\x1b[2G`);
      this.attributes(cellOf(row, 0));
      this.#parts.push(' \x1b[2G\x1b[X');
      return;
    }
    const half = cellOf(row, from - 1);
    const before = half.width === 0 && half.text === '' && from > 1 ? from - 2 : from - 1;
    const cell = cellOf(row, before);
    if (cell.text === '') {
      this.#erase(cell, before, 1);
      return;
    }
    this.#parts.push(`\x1b[${before + 1}G`);
    this.attributes(cell);
    this.#parts.push(cell.text);
  }
}

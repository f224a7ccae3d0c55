/**
 * The whole state of a terminal as the text that makes it again on a terminal of the same size that was just reset:
 * what it shows, what has scrolled out, and every mode that decides what the next bytes mean. It is not tied to
 * xterm.js: an operator's own terminal obeys the same sequences.
 */
import { cellOf, RowWriter } from './rows.ts';
import { attributesKey, HAS_EXTENDED, PLAIN } from './sgr.ts';
import {
  type Attributes,
  type Charset,
  charsetFlag,
  type ScreenBuffer,
  type XtermCore,
} from './xterm-core.ts';

/** What xterm.js does not keep: see extras.ts. */
export interface SnapshotExtras {
  /** Sequences that set again what belongs to one of the two screens. */
  restoreScreen(screen: 'normal' | 'alt'): string;
  /** Sequences that set the rest again. */
  restore(): string;
}

const G_SETS = '()*+';
const SHIFTS = ['\x0f', '\x0e', '\x1bn', '\x1bo'];
const MOUSE: Record<string, number> = { X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 };
const ENCODINGS: Record<string, number> = { SGR: 1006, SGR_PIXELS: 1016 };
const STYLES = { block: 1, underline: 3, bar: 5 };
const TAB_WIDTH = 8;

export function snapshot(core: XtermCore, extras: SnapshotExtras): string {
  const { normal, alt, active } = core.buffers;
  const writer = new RowWriter(core);
  const { lines } = normal;
  // Where the first row goes on from one that is gone, one is drawn above it, and goes as well.
  const goesOn = lines.length === lines.maxLength && lines.get(0)?.isWrapped === true;
  if (goesOn) writer.raw(`${' '.repeat(core.cols + 1)}\r`);
  writer.rows((index) => lines.get(index)!, lines.length, goesOn ? 0 : null);
  settleBuffer(core, writer, normal);
  writer.raw(extras.restoreScreen('normal'));
  if (active === alt) {
    // Where its cursor stood decides what a resize does to it meanwhile.
    writer.raw(`\x1b[${normal.y + 1};${Math.min(normal.x, core.cols - 1) + 1}H\x1b[?1047h\x1b[2J\x1b[H`);
    writer.raw(extras.restoreScreen('alt'));
    writer.rows((index) => alt.lines.get(index)!, core.rows, null);
    settleBuffer(core, writer, alt);
  } else if (isSaved(alt)) {
    writer.raw('\x1b[?1047h');
    saveCursor(core, writer, alt);
    writer.raw('\x1b[?1047l');
  }
  writer.raw(modes(core) + extras.restore());
  finish(core, writer, active);
  return writer.take();
}

/** Tab stops and the saved cursor, which each of the two screens has for itself. */
function settleBuffer(core: XtermCore, writer: RowWriter, buffer: ScreenBuffer): void {
  const { cols } = core;
  const stops: number[] = [];
  let usual = true;
  for (let x = 0; x < cols; x += 1) {
    if (buffer.tabs[x]) stops.push(x);
    if (Boolean(buffer.tabs[x]) !== (x % TAB_WIDTH === 0)) usual = false;
  }
  if (!usual) writer.raw(`\x1b[3g${stops.map((x) => `\x1b[${x + 1}G\x1bH`).join('')}`);
  if (isSaved(buffer)) saveCursor(core, writer, buffer);
  writer.raw(region(core, buffer));
}

function region(core: XtermCore, { scrollTop, scrollBottom }: ScreenBuffer): string {
  return scrollTop === 0 && scrollBottom === core.rows - 1
    ? ''
    : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
}

function isSaved({ savedX, savedY, savedCurAttrData, savedCharset }: ScreenBuffer): boolean {
  return (
    savedX !== 0 ||
    savedY !== 0 ||
    Boolean(savedCharset) ||
    attributesKey(savedCurAttrData) !== attributesKey(PLAIN)
  );
}

function saveCursor(core: XtermCore, writer: RowWriter, buffer: ScreenBuffer): void {
  const { savedX, savedY, savedCurAttrData, savedCharset, ybase } = buffer;
  const row = Math.min(Math.max(savedY - ybase, 0), core.rows - 1);
  writer.raw(`\x1b[${row + 1};${Math.min(savedX, core.cols - 1) + 1}H`);
  // What it keeps are colours and flags; the style of an underline stays what it is.
  writer.attributes({ ...PLAIN, fg: savedCurAttrData.fg, bg: savedCurAttrData.bg & ~HAS_EXTENDED });
  if (savedCharset) writer.raw(`\x1b(${charsetFlag(savedCharset)}`);
  writer.raw('\x1b7');
  if (savedCharset) writer.raw('\x1b(B');
  writer.plain();
}

function modes(core: XtermCore): string {
  const { decPrivateModes: dec, isCursorHidden } = core.coreService;
  const { activeProtocol, activeEncoding } = core.coreMouseService;
  const options = core.optionsService.rawOptions;
  const set = (on: boolean, ...numbers: number[]) => (on ? `\x1b[?${numbers.join(';')}h` : '');
  const style = dec.cursorStyle === undefined ? 0 : STYLES[dec.cursorStyle] + (dec.cursorBlink ? 0 : 1);
  return [
    set(dec.origin, 6),
    set(dec.applicationCursorKeys, 1),
    dec.applicationKeypad ? '\x1b=' : '',
    set(dec.bracketedPasteMode, 2004),
    set(dec.sendFocus, 1004),
    set(dec.reverseWraparound, 45),
    activeProtocol in MOUSE ? set(true, MOUSE[activeProtocol]!) : '',
    activeEncoding in ENCODINGS ? set(true, ENCODINGS[activeEncoding]!) : '',
    isCursorHidden ? '\x1b[?25l' : '',
    set(options.cursorBlink, 12),
    style === 0 ? '' : `\x1b[${style} q`,
    options.convertEol ? '\x1b[20h' : '',
    set(dec.synchronizedOutput, 2026),
  ].join('');
}

/**
 * Cursor, attributes and charsets. A cursor over the edge of its row gets there by printing the row's last character
 * again; so does one behind a character that a mark may still join, or that may be repeated.
 */
function finish(core: XtermCore, writer: RowWriter, buffer: ScreenBuffer): void {
  const { _curAttrData: current, _parser: parser } = core._inputHandler;
  const { insertMode } = core.coreService.modes;
  const { wraparound } = core.coreService.decPrivateModes;
  const insert = insertMode ? '\x1b[4h' : '';
  const wrap = wraparound ? '' : '\x1b[?7l';
  const last = lastPrinted(core, buffer);
  const again =
    parser.precedingJoinState !== 0 && last !== null && attributesKey(last) === attributesKey(current);
  const { _charsets, glevel, charset } = core._charsetService;
  // A restored cursor brought its charset with it, and left the sets as they are.
  const brought = !same(charset, _charsets[glevel]) && same(charset, buffer.savedCharset);
  if (brought) {
    writer.raw(`${charsets(core)}\x1b8`);
    writer.forget();
  }
  const sets = brought ? '' : charsets(core);
  if (again) {
    writer.raw(sets + insert + wrap + position(core, buffer, last.x));
    writer.current(current);
    // Where printing moves the rest of the row, the character is taken away first.
    writer.raw(insertMode ? `\x1b[${Math.max(last.width, 1)}P${last.text}` : last.text);
    return;
  }
  if (buffer.x >= core.cols && last !== null) {
    writer.raw(position(core, buffer, last.x));
    writer.attributes(last);
    writer.raw(last.text === '' ? ' ' : last.text);
    // The whole row was erased from there.
    if (last.text === '') writer.raw('\x1b[1K');
  } else writer.raw(position(core, buffer, Math.min(buffer.x, core.cols - 1)));
  writer.current(current);
  writer.raw(insert + wrap + sets);
}

function position(core: XtermCore, { y, scrollTop }: ScreenBuffer, x: number): string {
  const row = core.coreService.decPrivateModes.origin ? y - scrollTop : y;
  return `\x1b[${row + 1};${x + 1}H`;
}

function lastPrinted(
  core: XtermCore,
  { lines, ybase, x, y }: ScreenBuffer,
): (Attributes & { x: number; text: string; width: number }) | null {
  const line = lines.get(ybase + y);
  if (line === undefined || x === 0) return null;
  const at = Math.min(x, core.cols) - 1;
  const cell = cellOf(line, at);
  if (cell.text === '' && cell.width === 0 && at > 0) return { ...cellOf(line, at - 1), x: at - 1 };
  return { ...cell, x: at };
}

function charsets(core: XtermCore): string {
  const { _charsets, glevel } = core._charsetService;
  let text = '';
  for (let g = 0; g < G_SETS.length; g += 1)
    if (_charsets[g]) text += `\x1b${G_SETS[g]}${charsetFlag(_charsets[g])}`;
  if (glevel !== 0) text += SHIFTS[glevel];
  return text;
}

const same = (a: Charset, b: Charset) => (a || null) === (b || null);

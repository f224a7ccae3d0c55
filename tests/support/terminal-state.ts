/** Everything that an emulator knows, in a form that two of them can be compared by: what cells mean, not how they are stored. */
import { Emulator } from '../../src/host/terminals/screen/emulator.ts';
import { cellOf } from '../../src/host/terminals/screen/rows.ts';
import { sgr } from '../../src/host/terminals/screen/sgr.ts';
import {
  type Attributes,
  charsetFlag,
  type ScreenBuffer,
  type XtermCore,
} from '../../src/host/terminals/screen/xterm-core.ts';

export const LIMITS = { scrollback_lines_max: 200, scrollback_bytes_max: 4 * 1024 * 1024 };

export function emulator(
  size: { cols: number; rows: number },
  answer: (text: string) => void = () => undefined,
  limits = LIMITS,
): Emulator {
  return new Emulator(size, limits, answer, 'aether(test)');
}

/** A new emulator that is given only what the other one says of itself. */
export function restored(from: Emulator, limits = LIMITS): Emulator {
  const answers: string[] = [];
  const next = emulator(from.size, (text) => answers.push(text), limits);
  next.write(from.snapshot());
  if (answers.length > 0) throw new Error(`A snapshot asks: ${JSON.stringify(answers)}`);
  return next;
}

export function stateOf(of: Emulator): Record<string, unknown> {
  const { core } = of;
  const { coreService, coreMouseService, optionsService, buffers } = core;
  const { _charsetService: sets, _inputHandler: input } = core;
  return {
    size: of.size,
    normal: bufferState(core, buffers.normal, buffers.active === buffers.normal),
    alt: buffers.active === buffers.alt ? bufferState(core, buffers.alt, true) : null,
    altSaved: saved(core, buffers.alt),
    modes: {
      ...coreService.decPrivateModes,
      insert: coreService.modes.insertMode,
      hidden: coreService.isCursorHidden,
      mouse: coreMouseService.activeProtocol,
      encoding: coreMouseService.activeEncoding,
      newLine: optionsService.rawOptions.convertEol,
      blink: optionsService.rawOptions.cursorBlink,
    },
    charsets: [0, 1, 2, 3].map((g) => charsetFlag(sets._charsets[g])).join(''),
    charset: `${sets.glevel}${charsetFlag(sets.charset)}`,
    attributes: look(core, input._curAttrData),
    title: input._windowTitle,
    titles: input._windowTitleStack,
    join: input._parser.precedingJoinState,
    modesKnown: of.modes(),
  };
}

function bufferState(core: XtermCore, buffer: ScreenBuffer, active: boolean): unknown {
  const rows: string[] = [];
  for (let y = 0; y < buffer.lines.length; y += 1) {
    const line = buffer.lines.get(y)!;
    let text = y > 0 && line.isWrapped ? '↪' : '';
    let before = '';
    for (let x = 0; x < core.cols; x += 1) {
      const cell = cellOf(line, x);
      const now = look(core, cell);
      if (now !== before) text += `{${now}}`;
      before = now;
      text +=
        cell.text === '' ? (cell.width === 0 ? '›' : '·') : cell.width === 0 ? `<${cell.text}>` : cell.text;
    }
    rows.push(text.replace(/(?:\{\})?·+$/, ''));
  }
  const { ybase, scrollTop, scrollBottom } = buffer;
  const tabs = Array.from({ length: core.cols }, (_, x) => (buffer.tabs[x] ? x : -1)).filter((x) => x >= 0);
  return {
    rows,
    ybase,
    region: [scrollTop, scrollBottom],
    tabs: tabs.join(' '),
    cursor: active ? [buffer.x, buffer.y] : null,
    saved: saved(core, buffer),
  };
}

function saved(
  core: XtermCore,
  { savedX, savedY, ybase, savedCurAttrData, savedCharset }: ScreenBuffer,
): unknown {
  // Beyond the edge it is restored as at the edge; the attributes that it brings are colours and flags alone.
  const { fg, bg } = savedCurAttrData;
  return [
    Math.min(savedX, core.cols - 1),
    Math.min(Math.max(savedY - ybase, 0), core.rows - 1),
    look(core, { fg, bg: bg & ~0x10000000, extended: { _ext: 0, urlId: 0 } }),
    charsetFlag(savedCharset),
  ];
}

function look(core: XtermCore, attributes: Attributes): string {
  return sgr(core, attributes, 0)
    .text.replaceAll('\x1b', '^')
    .replace(/^\^\[m/, '');
}

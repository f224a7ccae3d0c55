/**
 * What the screen state reads of xterm.js beyond its public interface, which tells neither charsets nor saved cursors,
 * tab stops, scroll regions or the parser's state. The package is pinned to one version: a test (screen.test.ts) fails
 * where another one is laid out differently.
 */
import type { Terminal } from '@xterm/headless';
// CommonJS, without names that an import could find.
import headless from '@xterm/headless';

/** Null: the default, ASCII. Only compared. */
export type Charset = object | null | undefined;

export interface Attributes {
  fg: number;
  bg: number;
  /** `_ext`: style of the underline (from bit 26) and its colour. */
  extended: { readonly _ext: number; readonly urlId: number };
}

export interface Line {
  isWrapped: boolean;
  readonly length: number;
  /** Three numbers a cell: content, foreground, background. */
  readonly _data: Uint32Array;
  readonly _combined: Record<number, string>;
  readonly _extendedAttrs: Record<number, Attributes['extended'] | undefined>;
}

export interface ScreenBuffer {
  readonly lines: {
    readonly length: number;
    readonly maxLength: number;
    get(index: number): Line | undefined;
  };
  x: number;
  y: number;
  readonly ybase: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly tabs: Record<number, boolean | undefined>;
  readonly savedX: number;
  readonly savedY: number;
  readonly savedCurAttrData: Attributes;
  readonly savedCharset: Charset;
}

export interface Params {
  length: number;
  params: Int32Array;
}

type Repeated = (params: Params) => boolean;

export interface InputHandler {
  parse(data: Uint8Array): unknown;
  readonly _curAttrData: Attributes;
  readonly _windowTitle: string;
  readonly _windowTitleStack: string[];
  readonly _parser: { readonly currentState: number; readonly precedingJoinState: number };
  onColor(listener: (events: ColorEvent[]) => void): void;
  insertLines: Repeated;
  deleteLines: Repeated;
  scrollUp: Repeated;
  scrollDown: Repeated;
  cursorForwardTab: Repeated;
  cursorBackwardTab: Repeated;
  repeatPrecedingCharacter: Repeated;
  eraseChars: Repeated;
  eraseInDisplay(params: Params, respectProtect?: boolean): boolean;
}

/** 0 to 255: the palette; 256, 257, 258: foreground, background, cursor. */
export interface ColorEvent {
  /** 0: report, 1: set, 2: back to the default (without an index: of the whole palette). */
  type: 0 | 1 | 2;
  index?: number;
  color?: [number, number, number];
}

export interface XtermCore {
  readonly buffers: {
    readonly normal: ScreenBuffer;
    readonly alt: ScreenBuffer;
    readonly active: ScreenBuffer;
  };
  readonly cols: number;
  readonly rows: number;
  readonly coreService: {
    readonly isCursorHidden: boolean;
    readonly modes: { readonly insertMode: boolean };
    readonly decPrivateModes: {
      readonly applicationCursorKeys: boolean;
      readonly applicationKeypad: boolean;
      readonly bracketedPasteMode: boolean;
      readonly cursorBlink: boolean | undefined;
      readonly cursorStyle: 'block' | 'underline' | 'bar' | undefined;
      readonly origin: boolean;
      readonly reverseWraparound: boolean;
      readonly sendFocus: boolean;
      readonly synchronizedOutput: boolean;
      readonly wraparound: boolean;
    };
  };
  readonly coreMouseService: { readonly activeProtocol: string; readonly activeEncoding: string };
  readonly optionsService: {
    readonly rawOptions: { readonly convertEol: boolean; readonly cursorBlink: boolean };
  };
  readonly _charsetService: {
    readonly charset: Charset;
    readonly glevel: number;
    readonly _charsets: Charset[];
  };
  readonly _oscLinkService: {
    getLinkData(id: number): { id?: string; uri: string } | undefined;
    readonly _dataByLinkId: Map<number, unknown>;
  };
  readonly _inputHandler: InputHandler;
}

export const GROUND = 0;

export interface OpenTerminal {
  terminal: Terminal;
  core: XtermCore;
}

export function openTerminal(cols: number, rows: number, scrollback_lines: number): OpenTerminal {
  const terminal = new headless.Terminal({
    cols,
    rows,
    scrollback: scrollback_lines,
    allowProposedApi: true,
    logLevel: 'off',
    windowOptions: { getWinSizeChars: true, pushTitle: true, popTitle: true },
  });
  const { _core } = terminal as unknown as { _core: XtermCore };
  boundRepetition(_core);
  eraseFromTheLastCell(_core);
  return { terminal, core: _core };
}

/** Sequences that repeat something do so as often as they say: two billion times, without a limit. */
function boundRepetition(core: XtermCore): void {
  const input = core._inputHandler;
  const bound = (name: keyof InputHandler & string, most: () => number) => {
    const repeat = (input[name] as Repeated).bind(input);
    (input as unknown as Record<string, Repeated>)[name] = (params) => {
      params.params[0] = Math.min(params.params[0]!, most());
      return repeat(params);
    };
  };
  const rows = () => core.rows;
  const cols = () => core.cols;
  for (const name of ['insertLines', 'deleteLines', 'scrollUp', 'scrollDown'] as const) bound(name, rows);
  for (const name of ['cursorForwardTab', 'cursorBackwardTab'] as const) bound(name, cols);
  bound('repeatPrecedingCharacter', () => core.rows * core.cols);
}

/** Erasing all before the cursor fails in the last cell of the screen: it looks at the row below. */
function eraseFromTheLastCell(core: XtermCore): void {
  const input = core._inputHandler;
  const erase = input.eraseInDisplay.bind(input);
  input.eraseInDisplay = (params, respectProtect) => {
    const { active } = core.buffers;
    const { x } = active;
    const last = x >= core.cols - 1 && active.ybase + active.y + 1 >= active.lines.length;
    if (params.params[0] !== 1 || !last) return erase(params, respectProtect);
    active.x = core.cols - 2;
    erase(params, respectProtect);
    active.x = core.cols - 1;
    input.eraseChars({ length: 1, params: new Int32Array([1]) });
    active.x = x;
    return true;
  };
}

let charsets: Map<Charset, string> | null = null;

/** The character that designates it. */
export function charsetFlag(charset: Charset): string {
  if (!charset) return 'B';
  if (charsets === null) {
    charsets = new Map();
    const { core } = openTerminal(2, 1, 0);
    for (const flag of '0A4C5RQKYE6ZH7=') {
      core._inputHandler.parse(Buffer.from(`\x1b(${flag}`));
      const found = core._charsetService._charsets[0];
      if (found && !charsets.has(found)) charsets.set(found, flag);
    }
  }
  return charsets.get(charset) ?? 'B';
}

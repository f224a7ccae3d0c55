/**
 * What the screen state reads of xterm.js beyond its public interface, which gives neither charsets nor saved cursors,
 * tab stops, scroll regions or the parser's state. The package is pinned to one version: a test (screen.test.ts) fails
 * if another version is laid out differently.
 */
import type { Terminal } from '@xterm/headless';
// CommonJS, without names that an import could find.
import headless from '@xterm/headless';
import { mendXterm } from '../shared/xterm-mends.ts';

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

export interface InputHandler {
  parse(data: Uint8Array): unknown;
  readonly _curAttrData: Attributes;
  readonly _windowTitle: string;
  readonly _windowTitleStack: string[];
  readonly _parser: { readonly currentState: number; readonly precedingJoinState: number };
  onColor(listener: (events: ColorEvent[]) => void): void;
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
    windowOptions: {
      getWinSizeChars: true,
      getWinSizePixels: true,
      getCellSizePixels: true,
      pushTitle: true,
      popTitle: true,
    },
  });
  const { _core } = terminal as unknown as { _core: XtermCore };
  mendXterm(terminal);
  return { terminal, core: _core };
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

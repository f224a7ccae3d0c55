/**
 * xterm.js, loaded when a terminal is first shown. What a program prints may colour this screen and nothing
 * else: no clipboard, no window title, no notification, no link that is not a web page.
 */
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { type ITheme, Terminal } from '@xterm/xterm';
import type { TerminalLook } from '../../../host/api.ts';
import { PALETTES, type Palette } from '../../../host/terminals/shared/palette.ts';
import { mendXterm } from '../../../host/terminals/shared/xterm-mends.ts';
import { wholeBytes } from '../../../host/text.ts';
import '@xterm/xterm/css/xterm.css';

/** Titles and icon names, working directory, notifications, clipboard, iTerm2's and VS Code's extensions. */
const OSC_REFUSED = [0, 1, 2, 7, 9, 52, 99, 133, 633, 777, 1337];

const FONT_PX = 13;
const FONT_PX_MIN = 6;

const ANSI_NAMES = [
  ...['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'],
  ...['brightBlack', 'brightRed', 'brightGreen', 'brightYellow'],
  ...['brightBlue', 'brightMagenta', 'brightCyan', 'brightWhite'],
];

const themeOf = ({ foreground, background, ansi }: Palette, rest: ITheme): ITheme => ({
  foreground,
  background,
  cursor: foreground,
  ...Object.fromEntries(ANSI_NAMES.map((name, index) => [name, ansi[index]])),
  ...rest,
});

const THEMES: Record<'light' | 'dark', ITheme> = {
  dark: themeOf(PALETTES.dark, {
    selectionBackground: '#33405e',
    scrollbarSliderBackground: '#ffffff1f',
    scrollbarSliderHoverBackground: '#ffffff33',
    scrollbarSliderActiveBackground: '#ffffff40',
  }),
  light: themeOf(PALETTES.light, {
    cursorAccent: '#ffffff',
    selectionBackground: '#cfdcff',
    scrollbarSliderBackground: '#1b1c2018',
    scrollbarSliderHoverBackground: '#1b1c202e',
    scrollbarSliderActiveBackground: '#1b1c203d',
  }),
};

export interface Screen {
  reset(): void;
  write(data: Uint8Array, drawn: () => void): void;
  /** The size of the agent's terminal, as the host has it, for what is written from here on. */
  setSize(cols: number, rows: number): void;
  /** Where there is less room than it needs the letters shrink. */
  layout(): void;
  /** The size that would fill the pane, and what a program may ask about: light or dark, the size of a cell. */
  room(): { cols: number; rows: number; look: TerminalLook } | null;
  setInput(enabled: boolean): void;
  onInput(listener: (data: string) => void): void;
  /** Keys the console keeps for itself: return true to swallow. */
  onKey(listener: (event: KeyboardEvent) => boolean): void;
  search(text: string, direction: 'next' | 'previous'): boolean;
  clearSearch(): void;
  selection(): string;
  focus(): void;
  dispose(): void;
}

const safeUrl = (text: string): URL | null => {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
  } catch {
    return null;
  }
};

function openLink(_event: MouseEvent, text: string): void {
  const url = safeUrl(text);
  if (url) open(url, '_blank', 'noopener,noreferrer');
}

/** What a program asks of its terminal the host answers, once: here it is passed over. */
function answerNothing({ parser }: Terminal): void {
  const taken = () => true;
  for (const prefix of ['', '>', '=']) parser.registerCsiHandler({ prefix, final: 'c' }, taken);
  for (const prefix of ['', '?']) {
    parser.registerCsiHandler({ prefix, final: 'n' }, taken);
    parser.registerCsiHandler({ prefix, intermediates: '$', final: 'p' }, taken);
  }
  parser.registerCsiHandler({ prefix: '>', final: 'q' }, taken);
  parser.registerCsiHandler({ prefix: '?', final: 'u' }, taken);
  parser.registerCsiHandler({ final: 't' }, taken);
  for (const intermediates of ['$', '+']) parser.registerDcsHandler({ intermediates, final: 'q' }, taken);
  for (const code of [4, 10, 11, 12]) parser.registerOscHandler(code, (data) => data.includes('?'));
}

/** @param lookChanged called when light turns to dark */
export function openScreen(parent: HTMLElement, lookChanged: () => void): Screen {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const themeNow = (): ITheme => THEMES[dark.matches ? 'dark' : 'light'];
  const terminal = new Terminal({
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono'),
    fontSize: FONT_PX,
    lineHeight: 1.2,
    scrollback: 10_000,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    disableStdin: true,
    screenReaderMode: false,
    minimumContrastRatio: 4.5,
    theme: themeNow(),
    // Hyperlinks a program prints (OSC 8): only web pages, without a referrer.
    linkHandler: { activate: openLink, allowNonHttpProtocols: false },
    // Reports about and moves of the window stay off: these are also the defaults.
    windowOptions: {},
  });
  for (const code of OSC_REFUSED) terminal.parser.registerOscHandler(code, () => true);
  answerNothing(terminal);
  mendXterm(terminal);
  const fit = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new WebLinksAddon(openLink));
  terminal.open(parent);
  const setTheme = (): void => {
    terminal.options.theme = themeNow();
    lookChanged();
  };
  dark.addEventListener('change', setTheme);

  /** Proposed by the add-on for the present font; undefined while the pane is not laid out. */
  const proposal = (): { cols: number; rows: number } | null => {
    const size = fit.proposeDimensions();
    return size && Number.isFinite(size.cols) && Number.isFinite(size.rows) ? size : null;
  };

  const look = (): TerminalLook => {
    const drawn = parent.querySelector('.xterm-screen')?.getBoundingClientRect();
    const cell = {
      width_px: Math.round((drawn?.width ?? 0) / terminal.cols),
      height_px: Math.round((drawn?.height ?? 0) / terminal.rows),
    };
    const measured = cell.width_px > 0 && cell.height_px > 0;
    return { theme: dark.matches ? 'dark' : 'light', ...(measured ? { cell } : {}) };
  };

  /** Done behind what was written before, which xterm.js draws later. */
  const inOrder = (action: () => void): void => terminal.write('', action);
  const layout = (): void => {
    terminal.options.fontSize = FONT_PX;
    const room = proposal();
    const { cols, rows } = terminal;
    if (!room || (room.cols >= cols && room.rows >= rows)) return;
    const scale = Math.min(room.cols / cols, room.rows / rows);
    terminal.options.fontSize = Math.max(FONT_PX_MIN, Math.floor(FONT_PX * scale * 2) / 2);
  };
  /** Beginning of a character whose end is still to come: xterm.js loses some that are given in parts. */
  let held = new Uint8Array(0);

  return {
    reset() {
      held = new Uint8Array(0);
      inOrder(() => terminal.reset());
    },
    write(data, drawn) {
      const known = new Uint8Array(held.length + data.length);
      known.set(held);
      known.set(data, held.length);
      const end = wholeBytes(known);
      held = known.slice(end);
      terminal.write(known.subarray(0, end), drawn);
    },
    setSize(cols, rows) {
      inOrder(() => {
        if (terminal.cols !== cols || terminal.rows !== rows) terminal.resize(cols, rows);
        layout();
      });
    },
    layout,
    room() {
      const { fontSize } = terminal.options;
      terminal.options.fontSize = FONT_PX;
      const size = proposal();
      terminal.options.fontSize = fontSize;
      return size && { ...size, look: look() };
    },
    setInput(enabled) {
      terminal.options.disableStdin = !enabled;
    },
    onInput: (listener) => void terminal.onData(listener),
    onKey: (listener) => terminal.attachCustomKeyEventHandler((event) => !listener(event)),
    search: (text, direction) => (direction === 'next' ? search.findNext(text) : search.findPrevious(text)),
    clearSearch: () => search.clearDecorations(),
    selection: () => terminal.getSelection(),
    focus: () => terminal.focus(),
    dispose() {
      dark.removeEventListener('change', setTheme);
      terminal.dispose();
    },
  };
}

/**
 * What a program may ask its terminal, and the answers: the same for every viewer, and also without one. What
 * xterm.js answers by itself (attributes, status, cursor position, modes, window size) it answers here as well; this adds
 * the rest.
 */
import type { Terminal } from '@xterm/headless';
import type { TerminalLook } from '../../api.ts';
import { PALETTES } from '../shared/palette.ts';
import type { Extras } from './extras.ts';
import { sgr } from './sgr.ts';
import type { XtermCore } from './xterm-core.ts';

type Rgb = [number, number, number];

const CUBE = [0, 0x5f, 0x87, 0xaf, 0xd7, 0xff];
const STYLES = { block: 1, underline: 3, bar: 5 };
const SCHEMES = { dark: 1, light: 2 };
/** Programs that switch it on are told when the colour scheme changes. */
export const COLOUR_SCHEME_MODE = 2031;

export interface Answering {
  /** For XTVERSION. */
  name: string;
  /** How the window looks that decides the size. */
  look(): TerminalLook;
}

export const colourScheme = ({ theme }: TerminalLook): string => `\x1b[?997;${SCHEMES[theme]}n`;

export function answerQueries(
  terminal: Terminal,
  core: XtermCore,
  extras: Extras,
  { name, look }: Answering,
): void {
  const { parser } = terminal;
  const answer = (text: string) => {
    terminal.input(text, false);
    return true;
  };
  const first = (params: (number | number[])[]) => (typeof params[0] === 'number' ? params[0] : 0);
  parser.registerCsiHandler({ prefix: '=', final: 'c' }, (params) =>
    first(params) === 0 ? answer('\x1bP!|00000000\x1b\\') : true,
  );
  parser.registerCsiHandler({ prefix: '>', final: 'q' }, (params) =>
    first(params) === 0 ? answer(`\x1bP>|${name}\x1b\\`) : true,
  );
  parser.registerCsiHandler({ prefix: '?', final: 'u' }, () => answer(`\x1b[?${extras.keyboardFlags}u`));
  parser.registerCsiHandler({ prefix: '?', final: 'n' }, (params) =>
    first(params) === 996 ? answer(colourScheme(look())) : false,
  );
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, (data) => {
    if (data === 'm') return answer(`\x1bP1$r${currentSgr(core)}m\x1b\\`);
    if (data === ' q') return answer(`\x1bP1$r${cursorStyle(core)} q\x1b\\`);
    return false;
  });
  parser.registerCsiHandler({ final: 't' }, (params) => {
    const { cell } = look();
    if (cell === undefined || (first(params) !== 14 && first(params) !== 16)) return false;
    const { width_px, height_px } = cell;
    return first(params) === 16
      ? answer(`\x1b[6;${height_px};${width_px}t`)
      : answer(`\x1b[4;${height_px * terminal.rows};${width_px * terminal.cols}t`);
  });
  // No capability is told by its name.
  parser.registerDcsHandler({ intermediates: '+', final: 'q' }, () => answer('\x1bP0+r\x1b\\'));
  core._inputHandler.onColor((events) => {
    for (const { type, index } of events)
      if (type === 0 && index !== undefined)
        answer(colourReport(index, extras.colours.get(index) ?? usual(index, look().theme)));
  });
}

function currentSgr(core: XtermCore): string {
  const { _curAttrData } = core._inputHandler;
  const [, parameters = ''] = /^\x1b\[([\d;:]*)m/.exec(sgr(core, _curAttrData, 0).text) ?? [];
  return parameters === '' ? '0' : parameters;
}

function cursorStyle(core: XtermCore): number {
  const { cursorStyle: style, cursorBlink } = core.coreService.decPrivateModes;
  return style === undefined ? STYLES.block + 1 : STYLES[style] + (cursorBlink ? 0 : 1);
}

function usual(index: number, theme: TerminalLook['theme']): Rgb {
  const { foreground, background, ansi } = PALETTES[theme];
  if (index === 257) return rgbOf(background);
  if (index > 255) return rgbOf(foreground);
  if (index < 16) return rgbOf(ansi[index]!);
  if (index < 232) {
    const cube = index - 16;
    return [CUBE[Math.floor(cube / 36)]!, CUBE[Math.floor(cube / 6) % 6]!, CUBE[cube % 6]!];
  }
  const grey = 8 + (index - 232) * 10;
  return [grey, grey, grey];
}

function colourReport(index: number, rgb: Rgb): string {
  const what = index < 256 ? `4;${index}` : String(index - 246);
  const value = rgb.map((part) => part.toString(16).padStart(2, '0').repeat(2)).join('/');
  return `\x1b]${what};rgb:${value}\x1b\\`;
}

const rgbOf = (hex: string): Rgb => hex.match(/\w\w/g)!.map((part) => Number.parseInt(part, 16)) as Rgb;

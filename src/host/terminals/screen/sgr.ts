/** Attributes of a cell, as the sequences that set them on a terminal whatever it had before. */
import type { Attributes, XtermCore } from './xterm-core.ts';

const COLOUR = 0x03ffffff;
export const MODE = 0x03000000;
const P16 = 0x01000000;
const P256 = 0x02000000;
const PROTECTED = 0x20000000;
/** Bits of the foreground, and of the background, with the parameter that sets each. */
const OF_FG: [number, number][] = [
  [0x08000000, 1],
  [0x20000000, 5],
  [0x04000000, 7],
  [0x40000000, 8],
  [0x80000000, 9],
];
const OF_BG: [number, number][] = [
  [0x08000000, 2],
  [0x04000000, 3],
  [0x40000000, 53],
];
const UNDERLINE = 0x10000000;
/** There is more than colours and flags: an underline's style and colour, a link. */
export const HAS_EXTENDED = 0x10000000;

export const PLAIN: Attributes = { fg: 0, bg: 0, extended: { _ext: 0, urlId: 0 } };

/** What a cell looks like, in one text: two cells with the same look the same. */
export function attributesKey({ fg, bg, extended }: Attributes): string {
  // Of the attributes that are current xterm.js has signed numbers, of those in cells unsigned ones.
  const flags = `${fg >>> 0} ${bg >>> 0}`;
  return bg & HAS_EXTENDED ? `${flags} ${extended._ext >>> 0} ${extended.urlId}` : flags;
}

/** Nothing but a background colour, or none: what erasing leaves. */
export function isErased({ fg, bg }: { fg: number; bg: number }): boolean {
  return fg === 0 && (bg & ~COLOUR) === 0;
}

/**
 * @param link the one that is current
 * @param kept also what the attributes keep without showing it
 * @returns the sequences that make `attributes` current, and the link that is current then
 */
export function sgr(
  core: XtermCore,
  attributes: Attributes,
  link: number,
  kept = false,
): { text: string; link: number } {
  const parameters: (number | string)[] = [0];
  const { fg, bg, extended } = attributes;
  for (const [bit, parameter] of OF_FG) if (fg & bit) parameters.push(parameter);
  for (const [bit, parameter] of OF_BG) if (bg & bit) parameters.push(parameter);
  const style = (fg & UNDERLINE) === 0 ? 0 : bg & HAS_EXTENDED ? (extended._ext >>> 26) & 7 : 1;
  if (style !== 0) parameters.push(style === 1 ? 4 : `4:${style}`);
  colour(fg, 30, 90, 38, parameters);
  colour(bg, 40, 100, 48, parameters);
  if ((kept || style !== 0) && extended._ext & MODE) colour(extended._ext, null, null, 58, parameters);
  let text = `\x1b[${parameters.length === 1 ? '' : parameters.join(';')}m`;
  if (bg & PROTECTED) text += '\x1b[1"q';
  // A link that is on no row any more is none.
  const data =
    bg & HAS_EXTENDED && extended.urlId ? core._oscLinkService.getLinkData(extended.urlId) : undefined;
  const wanted = data === undefined ? 0 : extended.urlId;
  if (wanted === link) return { text, link };
  const id = data?.id === undefined ? '' : `id=${data.id}`;
  return { text: `${text}\x1b]8;${id};${data?.uri ?? ''}\x1b\\`, link: wanted };
}

function colour(
  value: number,
  dark: number | null,
  bright: number | null,
  extended: number,
  into: (number | string)[],
): void {
  const mode = value & MODE;
  if (mode === 0) return;
  if (mode === MODE) {
    const [r, g, b] = [(value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
    into.push(dark === null ? `${extended}:2::${r}:${g}:${b}` : `${extended};2;${r};${g};${b}`);
    return;
  }
  const index = value & 0xff;
  if (mode === P16 && dark !== null && bright !== null)
    into.push(index < 8 ? dark + index : bright + index - 8);
  else if (mode === P16 || mode === P256)
    into.push(dark === null ? `${extended}:5:${index}` : `${extended};5;${index}`);
}

/**
 * Text on its way to a terminal. What agents write is data: it may not move the cursor, retitle the window,
 * write the clipboard or turn the direction of what stands beside it.
 */
import { readableText } from '../shown/plain.ts';

/** Escape sequences are removed, carriage returns become newlines, what is not seen becomes a mark: `<U+202E>`. */
export const sanitise = readableText;

/** One line of it: line breaks and runs of blanks become one space. */
export function oneLine(text: string): string {
  return sanitise(text).replace(/\s+/g, ' ').trim();
}

let segmenter: Intl.Segmenter | null = null;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}])/u;

/** Columns a terminal gives to the text (no escapes in it). */
export function width(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of charactersOf(text)) columns += columnsOf(segment);
  return columns;
}

/** As a reader sees them. The tables behind it take a tenth of a short command's time, and plain text needs none. */
function charactersOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}

function columnsOf(segment: string): number {
  if (ZERO_WIDTH.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}

/** Cut to at most `columns`, with an ellipsis where something is missing. */
export function shorten(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  if (columns < 1) return '';
  let taken = '';
  let used = 0;
  for (const { segment } of charactersOf(text)) {
    const next = columnsOf(segment);
    if (used + next > columns - 1) break;
    taken += segment;
    used += next;
  }
  return `${taken}…`;
}

export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

/** '3 s', '12 min', '5 h', '2 d' — the age of a fact. */
export function age(since_ms: number, now_ms: number): string {
  const seconds = Math.max(0, Math.floor((now_ms - since_ms) / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

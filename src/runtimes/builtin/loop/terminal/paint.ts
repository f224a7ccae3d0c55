/**
 * How things look in the terminal. Text of models and tools is cleaned first: an escape sequence in it could
 * retitle the window, fill the clipboard or hide what is asked.
 */
import { stripVTControlCharacters } from 'node:util';
import { shortText } from '../../../../host/text.ts';

type Colour = 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Record<Colour, [number, number]> = {
  dim: [2, 22],
  bold: [1, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

const INPUT_CHARS_MAX = 160;
const RESULT_LINES_MAX = 6;
const RESULT_CHARS_MAX = 600;

export function paint(colour: Colour, text: string): string {
  const [on, off] = CODES[colour];
  return process.env.NO_COLOR ? text : `\x1b[${on}m${text}\x1b[${off}m`;
}

/** Without anything a terminal would act on, except line ends and tabs. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
}

export function callLine(tool: string, input: unknown): string {
  const record = input !== null && typeof input === 'object' ? Object.entries(input) : [];
  const shown =
    record.length === 1
      ? String(record[0]?.[1])
      : record.map(([key, value]) => `${key}: ${brief(value)}`).join(', ');
  return `${paint('cyan', `● ${clean(tool)}`)} ${paint('dim', shortText(clean(shown).replace(/\s+/g, ' '), INPUT_CHARS_MAX))}`;
}

export function resultLines(text: string, isError: boolean): string {
  const lines = shortText(clean(text).trim(), RESULT_CHARS_MAX).split('\n');
  const shown = lines.slice(0, RESULT_LINES_MAX);
  if (lines.length > RESULT_LINES_MAX) shown.push(`… ${lines.length - RESULT_LINES_MAX} more lines`);
  return shown.map((line) => paint(isError ? 'red' : 'dim', `  │ ${line}`)).join('\n');
}

function brief(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

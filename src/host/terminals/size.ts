/** A terminal's size as it comes from outside. */
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';

export function checkSize(cols: unknown, rows: unknown): { cols: number; rows: number } {
  const good = (value: unknown, max: number): value is number =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max;
  if (good(cols, limits.terminal_cols_max) && good(rows, limits.terminal_rows_max)) return { cols, rows };
  throw new AetherError({
    code: 'terminal.size',
    who: 'user',
    message: `A terminal has 1–${limits.terminal_cols_max} columns and 1–${limits.terminal_rows_max} rows; ${String(cols)}×${String(rows)} was asked for.`,
    next: 'Ask for a size within these bounds.',
  });
}

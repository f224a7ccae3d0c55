/** Sizes as aether.yaml has them: 500MB, 2GB, or a number of bytes. */
import { z } from 'zod';

const SIZE = /^(\d+(?:\.\d+)?) ?(B|kB|KB|MB|GB|TB)$/;
const UNITS: Record<string, number> = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
const SIZE_BYTES_MIN = 1_000_000;

/** '2GB' → 2e9; a number is bytes. NaN of anything else. */
export function sizeInBytes(written: string | number): number {
  if (typeof written === 'number') return written;
  const [, digits, unit] = SIZE.exec(written) ?? [];
  return Math.round(Number(digits) * UNITS[unit ?? 'B']!);
}

export const size = (what: string, example: string) =>
  z
    .union([
      z.int().min(SIZE_BYTES_MIN),
      z
        .string()
        .refine(
          (value) => sizeInBytes(value) >= SIZE_BYTES_MIN,
          'must be a size of at least 1MB, such as 2GB',
        ),
    ])
    .meta({ description: `${what} 500MB, 2GB, or a number of bytes; at least 1MB.`, examples: [example] })
    .optional();

/** What aether.yaml may say of terminals. */
import { z } from 'zod';
import { limits } from '../limits.ts';

export const terminalSchema = z
  .strictObject({
    scrollback_lines: z
      .int()
      .min(0)
      .max(limits.terminal_scrollback_lines_max)
      .meta({
        description: `Lines of scrollback that are kept for each terminal. ${limits.terminal_scrollback_bytes_max / 1024 / 1024} MB in memory at most: of wide lines there are fewer. Applies to terminals that are started later. Default: ${limits.terminal_scrollback_lines}.`,
        examples: [limits.terminal_scrollback_lines],
      })
      .optional(),
  })
  .meta({
    description: 'Terminals of agents.',
    examples: [{ scrollback_lines: limits.terminal_scrollback_lines }],
  });

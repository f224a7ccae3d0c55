/** Parts of the inputs that several verbs take. */
import { z } from 'zod';
import { limits } from '../limits.ts';

export const agentName = z.string().min(1).max(200);
export const aboutAgent = z.strictObject({ agent: agentName });
export const agentOrAll = agentName.optional();

export const identifier = z.string().min(1).max(200);

/** Of the lease that the client holds. */
export const generation = z.int();

/** Of a terminal, in characters. */
export const size = {
  cols: z.int().min(1).max(limits.terminal_cols_max),
  rows: z.int().min(1).max(limits.terminal_rows_max),
};

/** Reads the settings file and the lines on stdin; everything that enters the program is checked here. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { LOOP_PROTOCOL, type LoopRequest, type LoopSettings } from './loop-protocol.ts';

const settings: z.ZodType<LoopSettings> = z.object({
  protocol: z.literal(LOOP_PROTOCOL),
  agent: z.string().min(1),
  session: z.string().min(1),
  conversation: z.string().startsWith('/'),
  role: z.string().nullable(),
  model: z.string().includes(':'),
  workspace: z.string().startsWith('/'),
  permissions: z.object({
    mode: z.enum(['ask', 'allow', 'deny']),
    allow: z.array(z.string()),
    deny: z.array(z.string()),
  }),
  steps_max: z.int().positive(),
  retry: z.object({
    attempts_max: z.int().positive(),
    delay_ms_min: z.number().nonnegative(),
    delay_ms_max: z.number().nonnegative(),
  }),
  mcp: z.object({ command: z.string().min(1), args: z.array(z.string()) }),
  hiddenEnv: z.array(z.string()),
});

const request: z.ZodType<LoopRequest> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message'),
    id: z.string().min(1).nullable(),
    text: z.string(),
    priority: z.enum(['now', 'next', 'later']),
  }),
  z.object({ type: z.literal('interrupt'), requestId: z.string() }),
  z.object({
    type: z.literal('permission'),
    requestId: z.string(),
    allow: z.boolean(),
    message: z.string().nullable(),
  }),
  z.object({
    type: z.literal('gate'),
    requestId: z.string(),
    verdict: z.enum(['pass', 'allow', 'deny']),
    message: z.string().nullable(),
  }),
  z.object({ type: z.literal('recall'), requestId: z.string(), text: z.string().nullable() }),
  z.object({ type: z.literal('cancel'), id: z.string() }),
]);

/** @throws Error that names the file and the first thing wrong with it */
export function readSettings(file: string): LoopSettings {
  const parsed = settings.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} is not a settings file: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** One line of stdin, or why it is none. */
export function readRequest(line: string): { request: LoopRequest } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const parsed = request.safeParse(value);
  return parsed.success ? { request: parsed.data } : { problem: z.prettifyError(parsed.error) };
}

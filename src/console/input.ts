/** Text and values from a browser, checked. */
import type { z } from 'zod';
import { invalid } from './failures.ts';

/** @throws AetherError console.invalid, naming the field. */
export function check<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`);
  throw invalid(`The request is not understood: ${problems.join('; ')}.`, 'Correct that and send it again.');
}

/** @throws AetherError console.invalid */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`${what} is not JSON: ${(error as SyntaxError).message}.`, 'Send one JSON object.');
  }
}

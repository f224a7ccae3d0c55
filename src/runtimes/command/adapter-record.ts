/** What a record of the table of adapters may hold. Its schema is checked before a record is used. */
import { z } from 'zod';

/** Keys by name, as a terminal sends them. */
export const KEYS = {
  enter: '\r',
  tab: '\t',
  escape: '\x1b',
  'ctrl-c': '\x03',
  'ctrl-d': '\x04',
  'ctrl-j': '\n',
  'ctrl-u': '\x15',
} as const;

/** A match is at most this long, so that it is found where output is cut into chunks. */
export const MARK_CHARS_MAX = 120;

const key = z.enum(Object.keys(KEYS) as [keyof typeof KEYS, ...(keyof typeof KEYS)[]]);
const marks = z
  .array(
    z
      .string()
      .min(3)
      .max(MARK_CHARS_MAX)
      .refine(isPattern, 'must be a regular expression that does not match the empty text'),
  )
  .min(1)
  .max(16);

export const adapterRecord = z.strictObject({
  submit: key.describe('The key that sends what was typed.'),
  rest_ms: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('How long the program must rest after a paste before `submit` is pressed.'),
  interrupt: z.array(key).min(1).max(4).describe('The keys that cancel its work, each typed by itself.'),
  ready: marks
    .optional()
    .describe('Shown when it takes text. Without this key it takes text while bracketed paste is on.'),
  busy: marks.optional().describe('Shown while it works.'),
  asks: marks.optional().describe('Shown while it waits for a choice, which Enter would make.'),
  asks_until_ready: z
    .literal(true)
    .optional()
    .describe('`busy` also stands beside a question, so only `ready` shows that it was answered.'),
});

type Data<T> = T extends readonly (infer One)[] ? readonly Data<One>[] : T;
export type CheckedRecord = z.infer<typeof adapterRecord>;
export type AdapterRecord = { readonly [Key in keyof CheckedRecord]: Data<CheckedRecord[Key]> };

function isPattern(text: string): boolean {
  try {
    return !new RegExp(text).test('');
  } catch {
    return false;
  }
}

/** Reads and checks the JSON body of an action. */
import type { Context } from 'hono';
import { z } from 'zod';
import type { HostApi } from '../../host/api.ts';
import { limits } from '../../host/limits.ts';
import { invalid, stale } from '../failures.ts';
import type { Basis } from '../wire.ts';

export const basis = z.strictObject({
  run: z.string().max(200).nullable(),
  state: z.enum(['created', 'starting', 'running', 'stopping', 'exited', 'unknown', 'stopped', 'failed']),
  lease: z.int().nullable(),
  stands: z.strictObject({ hold_ms: z.number().nullable(), paused: z.boolean() }).optional(),
});

export const action = z.strictObject({ basis });

export const inject = z.strictObject({
  basis,
  id: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'must be 8 to 64 letters, digits, - or _'),
  text: z.string().min(1).max(limits.inject_text_bytes_max),
  priority: z.enum(['now', 'next', 'later']),
});

const cols = z.int().min(2).max(limits.terminal_cols_max);
const rows = z.int().min(1).max(limits.terminal_rows_max);

export const size = z.object({ cols, rows });

export const takeover = z.strictObject({ basis, when: z.enum(['boundary', 'now']), cols, rows });

export const handback = z.strictObject({
  basis: z.strictObject({ ...basis.shape, lease: z.int() }),
  note: z.string().max(limits.inject_text_bytes_max).optional(),
  held: z.boolean().optional(),
});

export const acknowledge = z.strictObject({
  ids: z.array(z.string().max(200)).min(1).max(limits.mail_ack_ids_max),
});

export const answer = z
  .strictObject({
    allow: z.boolean().optional(),
    text: z.string().max(limits.question_text_bytes_max).optional(),
  })
  .refine((value) => value.allow !== undefined || value.text !== undefined, 'needs `allow` or `text`');

/** @throws AetherError console.invalid, naming the field. */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json\b/i.test(type)) {
    throw invalid('The body must be JSON.', 'Send it with content-type application/json.');
  }
  let value: unknown;
  try {
    value = JSON.parse(await c.req.text());
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw invalid(`The body is not JSON: ${error.message}.`, 'Send one JSON object.');
    }
    throw error;
  }
  return check(value, schema);
}

/** @throws AetherError console.invalid, naming the field. */
export function check<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`);
  throw invalid(`The request is not understood: ${problems.join('; ')}.`, 'Correct that and send it again.');
}

/**
 * Refuses an action that was decided on a state that is gone. `compare` says which facts the action rests on.
 * @throws AetherError console.stale
 */
export function stillTrue(
  host: HostApi,
  name: string,
  seen: Basis,
  compare: { state?: boolean; lease?: boolean; stands?: boolean } = {},
): void {
  const agent = host.agent(name);
  if (agent.run !== seen.run) throw stale(`A different run of ${name} is current than the one you saw.`);
  if (compare.state && agent.state !== seen.state) {
    throw stale(`${name} was ${seen.state} when you decided and is ${agent.state} now.`);
  }
  const lease = agent.lease?.generation ?? null;
  if (compare.lease && lease !== seen.lease) {
    throw stale(
      agent.lease
        ? `${agent.lease.holder} has taken over ${name} since.`
        : `${name} has been handed back since.`,
    );
  }
  if (compare.stands && seen.stands) {
    const paused = agent.activity === 'paused';
    if (paused !== seen.stands.paused) {
      throw stale(`${name} has been ${paused ? 'paused' : 'resumed'} since.`);
    }
    const hold_ms = agent.hold?.since_ms ?? null;
    if (hold_ms !== seen.stands.hold_ms) {
      throw stale(
        agent.hold
          ? `${agent.hold.by} asked ${name} to stand still since.`
          : `The hold of ${name} has been ended since.`,
      );
    }
  }
}

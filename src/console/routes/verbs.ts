/**
 * The verbs of the host over HTTP, by one route: the session is the asker, and the definition of the verb gives the
 * rest. An action about an agent carries what the operator saw, so that a stale click is refused instead of being
 * applied.
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import { askerOf, type ConsoleContext, type ConsoleEnv } from '../context.ts';
import { invalid } from '../failures.ts';
import { check, parseJson } from '../input.ts';
import { callNamed, callVerb } from '../verb-call.ts';

const body = z.strictObject({ input: z.unknown().optional(), basis: z.unknown().optional() });

export function verbRoutes(app: Hono<ConsoleEnv>, { verbs }: ConsoleContext): void {
  app.post('/api/verbs/:name', async (c) => {
    const verb = callNamed(c.req.param('name'));
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
      throw invalid('The body must be JSON.', 'Send it with content-type application/json.');
    }
    const asked = check(parseJson(await c.req.text(), 'The body'), body);
    return c.json(await callVerb({ verbs }, c.get('session'), verb.name, asked));
  });

  /** What changes nothing may be read without a body: `?input=` is JSON. */
  app.get('/api/verbs/:name', async (c) => {
    const verb = callNamed(c.req.param('name'));
    if (!verb.reads) {
      throw invalid(`${verb.name} changes something.`, 'Send it as POST, with {"input": …} as its body.');
    }
    const input = c.req.query('input');
    const given = input === undefined ? undefined : parseJson(input, '`input`');
    return c.json((await verbs.run(askerOf(c.get('session')), verb, given)) ?? null);
  });
}

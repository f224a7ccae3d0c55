/**
 * Refuses bodies over the limit and keeps their connection usable: the rest of such a body is read and thrown away
 * before the answer, because a client that still writes reads no answer, and half a body on the connection would spoil
 * the next request. If a body does not end, its connection is closed.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { limits } from '../host/limits.ts';
import type { ConsoleEnv } from './context.ts';

export const bodyLimit: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
  const { body, headers } = c.req.raw;
  if (!body) return next();
  const max = limits.http_body_bytes_max;
  const chunked = headers.has('transfer-encoding');
  if (!chunked && Number(headers.get('content-length') ?? 0) <= max) return next();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes <= max) parts.push(part);
    else parts.length = 0;
    if (bytes > limits.http_discard_bytes_max) {
      c.header('connection', 'close');
      return tooLarge(c);
    }
  }
  if (bytes > max) return tooLarge(c);
  c.req.raw = new Request(c.req.raw, { body: Buffer.concat(parts) });
  return next();
};

function tooLarge(c: Context): Response {
  return c.json(
    {
      error: {
        code: 'console.too-large',
        who: 'user',
        message: `A request may hold ${limits.http_body_bytes_max} bytes; this one is larger.`,
        next: 'Send less, or put it in a file that the agent can read.',
      },
    },
    413,
  );
}

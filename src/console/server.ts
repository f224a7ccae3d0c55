/** The console over HTTP: guard first, then routes. The page itself is no secret; what it shows needs a session. */
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { AetherError } from '../host/errors.ts';
import { bodyLimit } from './body-limit.ts';
import { PROOF_HEADER } from './console-protocol.ts';
import type { ConsoleContext, ConsoleEnv } from './context.ts';
import { failure, statusOf } from './failures.ts';
import { isRefusal, refusal, sessionOf } from './guard.ts';
import { errorPage, PAGE_CSP } from './pages.ts';
import { assetRoutes } from './routes/assets.ts';
import { verbRoutes } from './routes/verbs.ts';

/**
 * xterm.js writes its theme into <style> elements, so inline style (never script) is allowed. Trusted types make
 * the browser itself refuse any text that would become HTML or script.
 */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

export function consoleApp(context: ConsoleContext): Hono<ConsoleEnv> {
  const { log } = context;
  const app = new Hono<ConsoleEnv>();
  app.use(securityHeaders);
  app.use(guarded(context));
  app.use(bodyLimit);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, allowed) => {
        const response = failure(wrongMethod(c.req.path, c.req.method, allowed), log);
        return c.json(response.body, response.status, { allow: allowed.join(', ') });
      },
    }),
  );
  verbRoutes(app, context);
  app.all('/api/*', (c) => c.notFound());
  assetRoutes(app, context);

  const answer = (c: Context, error: unknown) => {
    const response = failure(error, log);
    return c.json(response.body, response.status);
  };
  app.notFound((c) => answer(c, unknownPath(c.req.path)));
  app.onError((error, c) => answer(c, error));
  return app;
}

const securityHeaders: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
  await next();
  const headers = c.res.headers;
  if (!headers.has('content-security-policy')) headers.set('content-security-policy', CSP);
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
  headers.set('referrer-policy', 'no-referrer');
  headers.set('cross-origin-opener-policy', 'same-origin');
  headers.set('cross-origin-resource-policy', 'same-origin');
  headers.set('permissions-policy', 'camera=(), microphone=(), geolocation=()');
};

/** A refusal is JSON below /api/, a page elsewhere. */
function guarded({ auth, address, known }: ConsoleContext): MiddlewareHandler<ConsoleEnv> {
  return async (c, next) => {
    const data = c.req.path.startsWith('/api/');
    const refused = refusal(
      {
        host: c.req.header('host'),
        origin: c.req.header('origin'),
        site: c.req.header('sec-fetch-site'),
        needsOrigin: c.req.method !== 'GET' && c.req.method !== 'HEAD',
        data,
      },
      address,
    );
    if (refused === null && !data) return next();
    // As it was sent: a code is over that, and not over what a parser makes of it.
    const { url } = c.env.incoming;
    const session = refused ?? sessionOf(c.req.header(PROOF_HEADER), `${c.req.method} ${url}`, auth);
    if (!isRefusal(session)) {
      known(c.env.incoming.socket);
      c.set('session', session);
      return next();
    }
    const status = statusOf(session.error);
    if (data) return c.json({ error: session.error }, status);
    c.header('content-security-policy', PAGE_CSP);
    return c.html(errorPage('Refused', session.error), status);
  };
}

function wrongMethod(path: string, method: string, allowed: readonly string[]): AetherError {
  return new AetherError({
    code: 'console.method',
    who: 'user',
    message: `${path} does not know ${method}.`,
    next: `Use ${allowed.join(' or ')}.`,
  });
}

function unknownPath(path: string): AetherError {
  return new AetherError({
    code: 'console.unknown-path',
    who: 'user',
    message: `The console has nothing at ${path}.`,
    next: 'Start from /.',
  });
}

/** The one-time link that `aether console` prints, and signing out. */
import type { Hono } from 'hono';
import { setCookie } from 'hono/cookie';
import { limits } from '../../host/limits.ts';
import { cookieName, cookieOf } from '../auth.ts';
import type { ConsoleContext, ConsoleEnv } from '../context.ts';
import { statusOf } from '../failures.ts';
import { wrongHost } from '../guard.ts';
import { errorPage, PAGE_CSP } from '../pages.ts';

/** Registered before the guard: a browser that opens a link has no session yet. */
export function signInRoutes(app: Hono<ConsoleEnv>, { auth, port, log }: ConsoleContext): void {
  app.get('/login', (c) => {
    const refused = wrongHost(c.req.header('host'), port());
    if (refused) return c.json({ error: refused.error }, statusOf(refused.error));
    // Looked at ahead by a browser that guesses, or by HEAD: the link must still work when it is opened.
    if (c.req.method !== 'GET' || c.req.header('sec-purpose')?.includes('prefetch')) return c.body(null, 503);
    const result = auth.signIn(c.req.query('token') ?? '');
    if (typeof result === 'string') {
      // A link opened for the second time in a browser that is signed in is a bookmark, not an attack.
      if (auth.session(cookieOf(c.req.header('cookie'), cookieName(port())))) return c.redirect('/', 303);
      c.header('content-security-policy', PAGE_CSP);
      return c.html(
        errorPage('This link does not sign in', {
          code: 'console.link',
          who: 'user',
          message:
            result === 'expired'
              ? `The link is more than ${limits.console_login_link_ms / 60_000} minutes old.`
              : 'The link was used before, or was made by a host that has been restarted since. A link works once.',
          next: 'Run `aether console` for a new one.',
        }),
        401,
      );
    }
    setCookie(c, cookieName(port()), result.secret, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      maxAge: limits.console_session_ms / 1000,
    });
    log.info({ session: result.session.label }, 'console sign-in');
    // A fragment never leaves the browser; the page keeps the key and takes it out of the address.
    return c.redirect(`/#key=${result.key}`, 303);
  });
}

/** Registered behind the guard. */
export function signOutRoutes(app: Hono<ConsoleEnv>, { auth, port }: ConsoleContext): void {
  app.post('/api/sign-out', (c) => {
    auth.signOut(c.get('session'));
    setCookie(c, cookieName(port()), '', { httpOnly: true, sameSite: 'Strict', path: '/', maxAge: 0 });
    return c.json({ signedOut: true });
  });
}

/**
 * Refusals that come before anything else, the same for HTTP and for WebSocket upgrades: a request under a
 * foreign name (DNS rebinding), a request made by another site's page, a request without a session.
 */
import type { WireError } from '../host/errors.ts';
import { type Auth, cookieName, cookieOf } from './auth.ts';
import type { SessionRecord } from './session-store.ts';

export interface Asked {
  host: string | undefined;
  origin: string | undefined;
  /** `Sec-Fetch-Site`, sent by browsers. */
  site: string | undefined;
  cookie: string | undefined;
  key: string | undefined;
  /** Changes something, or is a WebSocket: a page of this console must have sent it. */
  needsOrigin: boolean;
  /** Returns data: the page's key must come along. */
  needsKey: boolean;
}

export interface Refusal {
  error: WireError;
}

/** @returns the session, or why not. */
export function admit(asked: Asked, port: number, auth: Auth): SessionRecord | Refusal {
  return (
    wrongHost(asked.host, port) ??
    wrongOrigin(asked) ??
    (() => {
      const session = auth.session(cookieOf(asked.cookie, cookieName(port)));
      if (session === null || (asked.needsKey && !auth.keyFits(session, asked.key))) return signedOut();
      return session;
    })()
  );
}

export function isRefusal(value: SessionRecord | Refusal): value is Refusal {
  return 'error' in value;
}

/** Only the names under which this machine reaches itself: any other resolves here by an attacker's DNS. */
export function wrongHost(host: string | undefined, port: number): Refusal | null {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  if (host !== undefined && names.includes(host.toLowerCase())) return null;
  return {
    error: {
      code: 'console.wrong-host',
      who: 'user',
      message: 'The console answers only under its own address.',
      next: `Open http://127.0.0.1:${port}/ on the machine where the host runs, or forward that port with ssh -L ${port}:127.0.0.1:${port}.`,
    },
  };
}

function wrongOrigin(asked: Asked): Refusal | null {
  const own = asked.origin === `http://${asked.host?.toLowerCase()}`;
  // A GET by another site's page sends no Origin, but a browser says where it comes from.
  const foreignSite = asked.site !== undefined && asked.site !== 'same-origin' && asked.site !== 'none';
  const foreign = asked.needsOrigin
    ? !own
    : (asked.origin !== undefined && !own) || (asked.needsKey && foreignSite);
  if (!foreign) return null;
  return {
    error: {
      code: 'console.wrong-origin',
      who: 'user',
      message:
        asked.origin === undefined
          ? 'A request that changes something must come from a page of this console; this one names no origin.'
          : 'This request was made by a page that does not belong to the console.',
      next: 'Use the console itself, or the aether command, which needs no browser.',
    },
  };
}

export function signedOut(): Refusal {
  return {
    error: {
      code: 'console.signed-out',
      who: 'user',
      message: 'This browser is not signed in to the console.',
      next: 'Run `aether console` for a sign-in link and open it here.',
    },
  };
}

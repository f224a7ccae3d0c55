/**
 * Refusals that come before anything else, the same for HTTP and for WebSocket upgrades: a request under a
 * foreign name (DNS rebinding), a request made by another site's page, a request for data that shows no session.
 */
import type { WireError } from '../host/errors.ts';
import { type Address, isOfAnotherStart, isOwn, urlOf } from './address.ts';
import { type Auth, codeOver, isCode, type Session } from './auth.ts';
import { provenText } from './console-protocol.ts';

export interface Asked {
  host: string | undefined;
  origin: string | undefined;
  /** `Sec-Fetch-Site`, sent by browsers. */
  site: string | undefined;
  /** Changes something, or is a WebSocket: a page of this console must have sent it. */
  needsOrigin: boolean;
  /** Returns data. */
  data: boolean;
}

export interface Refusal {
  error: WireError;
}

/** @returns why it is refused for every caller; null where it is not */
export function refusal(asked: Asked, address: Address): Refusal | null {
  return wrongHost(asked.host, address) ?? wrongOrigin(asked);
}

/** @param proof of the header; @param what `METHOD PATH` */
export function sessionOf(proof: string | undefined, what: string, auth: Auth): Session | Refusal {
  const [id = '', nonce = '', code = ''] = proof?.split('.') ?? [];
  const session = auth.session(id);
  if (session === null) return signedOut();
  const text = provenText('request', what, { page: nonce, host: '' });
  return isCode(code, codeOver(session.key, text)) ? session : signedOut();
}

export function isRefusal(value: Session | Refusal): value is Refusal {
  return 'error' in value;
}

function wrongHost(host: string | undefined, address: Address): Refusal | null {
  if (isOwn(address, host)) return null;
  const { port } = address;
  if (isOfAnotherStart(address, host))
    return {
      error: {
        code: 'console.old-address',
        who: 'user',
        message: 'This address belonged to an earlier start of a host; its sign-in ended with that host.',
        next: 'Run `aether console` for a link to the host that runs now.',
      },
    };
  return {
    error: {
      code: 'console.wrong-host',
      who: 'user',
      message: 'The console answers only under its own address.',
      next: `Open ${urlOf(address)}/ on the machine where the host runs, or forward that port with ssh -L ${port}:127.0.0.1:${port}.`,
    },
  };
}

function wrongOrigin(asked: Asked): Refusal | null {
  const own = asked.origin === `http://${asked.host?.toLowerCase()}`;
  // A GET by another site's page sends no Origin, but a browser says where it comes from.
  const foreignSite = asked.site !== undefined && asked.site !== 'same-origin' && asked.site !== 'none';
  const foreign = asked.needsOrigin
    ? !own
    : (asked.origin !== undefined && !own) || (asked.data && foreignSite);
  if (!foreign) return null;
  return {
    error: {
      code: 'console.wrong-origin',
      who: 'user',
      message:
        asked.origin === undefined
          ? 'A request that changes something must come from a page of this console; this one has no Origin header.'
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

export function badLink(why: 'unknown' | 'expired', minutes: number): Refusal {
  return {
    error: {
      code: 'console.link',
      who: 'user',
      message:
        why === 'expired'
          ? `The link is more than ${minutes} minutes old.`
          : 'The link was used before, or was made by a host that has been restarted since. A link works once.',
      next: 'Run `aether console` for a new one.',
    },
  };
}

/**
 * Who may use the console: a browser that opened a one-time link of the host. Links and sessions are kept in the memory
 * of this host: they end with it, and no file grants access. Link and session each have a secret that both sides know
 * and neither sends (sockets/handshake.ts).
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../host/clock.ts';
import { limits } from '../host/limits.ts';

export interface Session {
  /** Public: it names the session. */
  id: string;
  /** 256 random bits, base64url. */
  key: string;
  /** Public: how this session is shown as the holder of a lease. */
  label: string;
  /** Elapsed milliseconds. */
  used_ms: number;
}

interface Link {
  secret: string;
  ends_ms: number;
}

export class Auth {
  readonly #clock: Clock;
  /** By id, in order of age. */
  readonly #links = new Map<string, Link>();
  readonly #sessions = new Map<string, Session>();
  #signedOut: (session: Session) => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `ID.SECRET` for one sign-in, valid for `limits.console_login_link_ms`. The oldest unused one gives way. */
  newLink(): string {
    const id = randomText(9);
    const secret = randomText(32);
    this.#links.set(id, { secret, ends_ms: this.#clock.elapsed() + limits.console_login_link_ms });
    evictOldest(this.#links, limits.console_login_links_max);
    return `${id}.${secret}`;
  }

  /** Its secret, or why it opens no session. It is not spent by this. */
  link(id: string): { secret: string } | 'unknown' | 'expired' {
    const link = this.#links.get(id);
    if (link === undefined) return 'unknown';
    return this.#clock.elapsed() >= link.ends_ms ? 'expired' : link;
  }

  /** Spends a link whose secret was shown. @returns null when another page was faster */
  signIn(link: string): Session | null {
    if (!this.#links.delete(link)) return null;
    const session: Session = {
      id: randomText(9),
      key: randomText(32),
      label: `console-${randomBytes(2).toString('hex')}`,
      used_ms: this.#clock.elapsed(),
    };
    this.#sessions.set(session.id, session);
    evictOldest(this.#sessions, limits.console_sessions_max);
    return session;
  }

  /** null when there is none (any more). */
  session(id: string): Session | null {
    const session = this.#sessions.get(id);
    if (session === undefined) return null;
    const now = this.#clock.elapsed();
    this.#sessions.delete(id);
    if (now - session.used_ms >= limits.console_session_ms) return null;
    session.used_ms = now;
    // At the end: when there are too many, the one unused for longest goes.
    this.#sessions.set(id, session);
    return session;
  }

  /** Also its open sockets end. */
  signOut(session: Session): void {
    this.#sessions.delete(session.id);
    this.#signedOut(session);
  }

  onSignOut(listener: (session: Session) => void): void {
    this.#signedOut = listener;
  }
}

export function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

export function codeOver(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

export function isCode(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function evictOldest(map: Map<string, unknown>, size_max: number): void {
  for (const key of map.keys()) {
    if (map.size <= size_max) return;
    map.delete(key);
  }
}

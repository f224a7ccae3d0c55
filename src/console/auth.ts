/**
 * Who may use the console: a browser that opened a one-time link that the host printed. A session needs two secrets,
 * because a browser sends cookies of 127.0.0.1 to every port of it: a web server that an agent started would be
 * handed the cookie as soon as the operator looks at it. The second secret (the key) is kept by the page in
 * storage that belongs to this origin alone, port included, and is sent with every request for data.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../host/clock.ts';
import { limits } from '../host/limits.ts';
import type { SessionRecord, SessionStore } from './session-store.ts';

export interface SignIn {
  /** For the cookie: 256 random bits, base64url. */
  secret: string;
  /** For the page: 256 random bits, base64url. */
  key: string;
  session: SessionRecord;
}

/** How often the "last used" of a session is written down. */
const TOUCH_MS = 3_600_000;

export class Auth {
  readonly #clock: Clock;
  readonly #store: SessionStore;
  /** Hash of a link's token → when it ends. In order of age. */
  readonly #links = new Map<string, number>();
  readonly #sessions = new Map<string, SessionRecord>();

  constructor(clock: Clock, store: SessionStore) {
    this.#clock = clock;
    this.#store = store;
    for (const record of store.get()) this.#sessions.set(record.hash, record);
    this.#expire();
  }

  /** A token for one sign-in, valid for `limits.console_login_link_ms`. The oldest unused one gives way. */
  newLink(): string {
    this.#expire();
    const token = randomBytes(32).toString('base64url');
    this.#links.set(sha256(token), this.#clock.now() + limits.console_login_link_ms);
    evictOldest(this.#links, limits.console_login_links_max);
    return token;
  }

  /** @returns the new session, or why the token does not open one. The token is spent either way. */
  signIn(token: string): SignIn | 'unknown' | 'expired' {
    const hash = sha256(token);
    const ends_ms = this.#links.get(hash);
    if (ends_ms === undefined) return 'unknown';
    this.#links.delete(hash);
    if (this.#clock.now() >= ends_ms) return 'expired';
    this.#expire();
    const secret = randomBytes(32).toString('base64url');
    const key = randomBytes(32).toString('base64url');
    const session: SessionRecord = {
      hash: sha256(secret),
      keyHash: sha256(key),
      label: `console-${randomBytes(2).toString('hex')}`,
      used_ms: this.#clock.now(),
    };
    this.#sessions.set(session.hash, session);
    evictOldest(this.#sessions, limits.console_sessions_max);
    this.#save();
    return { secret, key, session };
  }

  /** The session of a cookie's secret; null when there is none (any more). */
  session(secret: string | undefined): SessionRecord | null {
    if (secret === undefined) return null;
    const session = this.#sessions.get(sha256(secret));
    if (session === undefined) return null;
    const now = this.#clock.now();
    if (now - session.used_ms >= limits.console_session_ms) {
      this.#sessions.delete(session.hash);
      this.#save();
      return null;
    }
    if (now - session.used_ms >= TOUCH_MS) {
      session.used_ms = now;
      // Moved to the end: when there are too many, the one unused for longest goes.
      this.#sessions.delete(session.hash);
      this.#sessions.set(session.hash, session);
      this.#save();
    }
    return session;
  }

  keyFits(session: SessionRecord, key: string | undefined): boolean {
    return key !== undefined && sha256(key) === session.keyHash;
  }

  signOut(session: SessionRecord): void {
    this.#sessions.delete(session.hash);
    this.#save();
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [hash, ends_ms] of this.#links) if (now >= ends_ms) this.#links.delete(hash);
    for (const [hash, session] of this.#sessions) {
      if (now - session.used_ms >= limits.console_session_ms) this.#sessions.delete(hash);
    }
  }

  #save(): void {
    this.#store.set([...this.#sessions.values()]);
  }
}

function evictOldest(map: Map<string, unknown>, size_max: number): void {
  for (const key of map.keys()) {
    if (map.size <= size_max) return;
    map.delete(key);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Ports share cookies, so the port is in the name: two consoles on one machine do not sign each other out. */
export function cookieName(port: number): string {
  return `aether_console_${port}`;
}

export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

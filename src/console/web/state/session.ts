/**
 * The secrets that this browser shares with the host: first that of the link, then the key of the session. Both are
 * valid for one start of the host and are stored under its address only. Neither is ever sent (proven-socket.ts).
 */
import { LINK_FRAGMENT } from '../../console-protocol.ts';

export interface Shared {
  by: 'link' | 'session';
  id: string;
  secret: string;
}

const STORED = 'aether.session';
let link: Shared | null = null;

export function takeLinkFromAddress(): void {
  const found = location.hash.startsWith(LINK_FRAGMENT) ? location.hash.slice(LINK_FRAGMENT.length) : null;
  const [id, secret] = found?.split('.') ?? [];
  if (!id || !secret) return;
  link = { by: 'link', id, secret };
  history.replaceState(null, '', '/');
}

/** The link first: it is what the operator has just opened. */
export function shared(): Shared | null {
  if (link !== null) return link;
  const [id, secret] = localStorage.getItem(STORED)?.split('.') ?? [];
  return id && secret ? { by: 'session', id, secret } : null;
}

export function keepSession(id: string, key: string): void {
  link = null;
  localStorage.setItem(STORED, `${id}.${key}`);
}

export function forgetSession(): void {
  localStorage.removeItem(STORED);
}

/** It opens nothing. @returns whether something is left to try */
export function forget(used: Shared): boolean {
  if (used.by === 'link') link = null;
  else forgetSession();
  return shared() !== null;
}

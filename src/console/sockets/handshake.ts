/**
 * How a socket of the console begins: the page names a secret that it shares with this start of the host, the host
 * proves that it knows the secret, then the page does. The secret itself is never sent, and the page sends nothing
 * before the proof of the host.
 */
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { limits } from '../../host/limits.ts';
import { type Auth, codeOver, isCode, randomText, type Session } from '../auth.ts';
import { type ProofMessage, type ProofRequest, provenText } from '../console-protocol.ts';
import { badLink, signedOut } from '../guard.ts';

/** Close code of a socket whose page is not signed in. */
export const REFUSED = 4401;

const text = z.string().regex(/^[\w-]{1,100}$/);
const hello = z.strictObject({
  type: z.literal('hello'),
  by: z.enum(['link', 'session']),
  id: text,
  nonce: text.min(16),
});
const proof = z.strictObject({ type: z.literal('proof'), code: text });

/** @param what the path of the socket. @param admitted called once, with the session that the page has shown */
export function shakeHands(
  socket: WebSocket,
  what: string,
  auth: Auth,
  admitted: (session: Session) => void,
): void {
  const send = (message: ProofMessage) => socket.send(JSON.stringify(message));
  const refuse = ({ error }: ReturnType<typeof signedOut>) => {
    socket.removeAllListeners('message');
    send({ type: 'refused', error });
    socket.close(REFUSED, error.code);
  };
  socket.once('message', (first) => {
    const asked = parsed(hello, first);
    if (asked === null) return refuse(signedOut());
    const shared = sharedWith(auth, asked);
    if (typeof shared === 'string') return refuse(badLink(shared, limits.console_login_link_ms / 60_000));
    if (shared === null) return refuse(signedOut());
    const nonces = { page: asked.nonce, host: randomText(24) };
    socket.once('message', (second) => {
      const shown = parsed(proof, second);
      const expected = codeOver(shared.secret, provenText('page', what, nonces));
      if (shown === null || !isCode(shown.code, expected)) return refuse(signedOut());
      const session = shared.session ?? auth.signIn(asked.id);
      if (session === null) return refuse(badLink('unknown', 0));
      if (shared.session === null) send({ type: 'session', id: session.id, key: session.key });
      else send({ type: 'admitted' });
      admitted(session);
    });
    const code = codeOver(shared.secret, provenText('host', what, nonces));
    send({ type: 'proof', nonce: nonces.host, code });
  });
}

type Hello = Extract<ProofRequest, { type: 'hello' }>;

function sharedWith(
  auth: Auth,
  { by, id }: Hello,
): { secret: string; session: Session | null } | 'unknown' | 'expired' | null {
  if (by === 'link') {
    const link = auth.link(id);
    return typeof link === 'string' ? link : { secret: link.secret, session: null };
  }
  const session = auth.session(id);
  return session === null ? null : { secret: session.key, session };
}

function parsed<T>(shape: z.ZodType<T>, data: unknown): T | null {
  try {
    const result = shape.safeParse(JSON.parse(String(data)));
    return result.success ? result.data : null;
  } catch {
    return null; // not JSON
  }
}

/** The one mapping from an error to an HTTP answer. */
import { AetherError, toWireError, type WireError } from '../host/errors.ts';
import type { Log } from '../host/log.ts';

type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 421 | 500 | 502 | 503;

/** What a status says where nothing more exact is known: who must act. */
const BY_ACTOR = { user: 409, config: 409, agent: 409, runtime: 502, host: 503 } as const;

/** Errors that HTTP has a status of its own for. A test holds that each of them exists. */
export const BY_CODE: Readonly<Record<string, ErrorStatus>> = {
  'console.invalid': 400,
  'cursor.invalid': 400,
  'events.limit': 400,
  'verb.invalid': 400,
  'console.link': 401,
  'console.signed-out': 401,
  'console.wrong-origin': 403,
  'verb.forbidden': 403,
  'agent.unknown': 404,
  'approval.unknown': 404,
  'console.unknown-path': 404,
  'inject.unknown': 404,
  'mail.unknown': 404,
  'memory.unknown': 404,
  'question.unknown': 404,
  'verb.unknown': 404,
  'console.method': 405,
  'approval.too-long': 413,
  'console.too-large': 413,
  'mail.too-long': 413,
  'memory.too-long': 413,
  'console.old-address': 421,
  'console.wrong-host': 421,
  'host.internal': 500,
  'console.sockets': 503,
};

export function statusOf(error: WireError): ErrorStatus {
  return BY_CODE[error.code] ?? BY_ACTOR[error.who];
}

export function failure(error: unknown, log: Log): { status: ErrorStatus; body: { error: WireError } } {
  if (!(error instanceof AetherError)) log.error({ err: error }, 'a console request failed');
  const wire = toWireError(error);
  return { status: statusOf(wire), body: { error: wire } };
}

export function invalid(message: string, next: string): AetherError {
  return new AetherError({ code: 'console.invalid', who: 'user', message, next });
}

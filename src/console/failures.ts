/** The one mapping from an error to an HTTP answer. */
import { AetherError, toWireError, type WireError } from '../host/errors.ts';
import type { Log } from '../host/log.ts';

const BY_ACTOR = { user: 409, config: 409, agent: 409, runtime: 502, host: 503 } as const;

type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 421 | 500 | 502 | 503;

/** A status that fits the code's last word; otherwise who must act decides. */
export function statusOf(error: WireError): ErrorStatus {
  if (error.code === 'internal') return 500;
  if (error.code === 'console.method') return 405;
  if (/(^|[.-])(unknown|missing|absent|no-such|not-found)([.-]|$)/.test(error.code)) return 404;
  if (/(^|[.-])(too-large|too-long|oversize)$/.test(error.code)) return 413;
  if (/(^|[.-])(invalid|malformed|bad-request|limit|range)$/.test(error.code)) return 400;
  return BY_ACTOR[error.who];
}

export function failure(error: unknown, log: Log): { status: ErrorStatus; body: { error: WireError } } {
  if (!(error instanceof AetherError)) log.error({ err: error }, 'a console request failed');
  const wire = toWireError(error);
  return { status: statusOf(wire), body: { error: wire } };
}

export function invalid(message: string, next: string): AetherError {
  return new AetherError({ code: 'console.invalid', who: 'user', message, next });
}

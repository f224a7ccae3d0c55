/**
 * What to do about a model request that failed: try again, or report it. Errors come from several
 * packages and from the network, so they are told apart by what they carry, not by their class.
 */
import { APICallError, StreamProviderError } from 'ai';
import { shortText } from '../../../host/text.ts';

export interface Failure {
  retry: boolean;
  /** The provider asks for fewer requests. */
  limited: boolean;
  /** What the provider asked to wait, if it did. */
  retryAfter_ms: number | null;
  /** One sentence for a person. */
  why: string;
}

const WHY_CHARS_MAX = 500;
const LIMITED = new Set([429, 529]);

/** Codes of a network that may work again in a moment. */
const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN|UND_ERR_)/;

/** An answer that is not in the provider's own protocol; another try may get a whole one. */
const MALFORMED = new Set([
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_InvalidResponseDataError',
  'AI_EmptyResponseBodyError',
  'AI_InvalidStreamPartError',
  'AI_NoOutputGeneratedError',
]);

/** The model answered in a way that cannot be used. */
export class UnusableReply extends Error {}

export function classify(error: unknown): Failure {
  if (APICallError.isInstance(error) || StreamProviderError.isInstance(error)) {
    const status = error.statusCode;
    const headers = APICallError.isInstance(error) ? error.responseHeaders : undefined;
    const malformed = MALFORMED.has((error.cause as Error | undefined)?.name ?? '');
    return {
      retry: error.isRetryable || malformed || isNetwork(error) || status === undefined,
      limited: status !== undefined && LIMITED.has(status),
      retryAfter_ms: retryAfter(headers),
      why: sentence(`The model request failed${status === undefined ? '' : ` with status ${status}`}`, error),
    };
  }
  const name = error instanceof Error ? error.name : '';
  const malformed = MALFORMED.has(name) || error instanceof UnusableReply;
  return {
    retry: malformed || isNetwork(error) || name === 'TimeoutError',
    limited: false,
    retryAfter_ms: null,
    why: sentence(
      malformed ? 'The model sent an answer that cannot be used' : 'The model request failed',
      error,
    ),
  };
}

/** Exponential, with jitter so that agents that failed together do not return together. */
export function retryDelay(
  failure: Failure,
  attempt: number,
  limits: { delay_ms_min: number; delay_ms_max: number },
  random: () => number = Math.random,
): number {
  if (failure.retryAfter_ms !== null) return Math.min(failure.retryAfter_ms, limits.delay_ms_max);
  const full = Math.min(limits.delay_ms_max, limits.delay_ms_min * 2 ** (attempt - 1));
  return Math.round(full / 2 + (full / 2) * random());
}

function isNetwork(error: unknown): boolean {
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth++) {
    if (NETWORK.test((one as NodeJS.ErrnoException).code ?? '') || one.message === 'terminated') return true;
  }
  return false;
}

function retryAfter(headers: Record<string, string> | undefined): number | null {
  const ms = Number(headers?.['retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const text = headers?.['retry-after'];
  if (text === undefined) return null;
  const seconds = Number(text);
  const delay_ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(delay_ms) ? Math.max(0, delay_ms) : null;
}

function sentence(start: string, error: unknown): string {
  const detail = error instanceof Error ? error.message : JSON.stringify(error);
  return shortText(`${start}: ${detail}`, WHY_CHARS_MAX);
}

/** A model request with its retries: bounded, with back-off, and each one reported. */
import { setTimeout as sleep } from 'node:timers/promises';
import { classify, retryDelay } from './failures.ts';
import type { Front } from './front.ts';
import type { RetrySettings } from './loop-protocol.ts';
import { callModel, type ModelCall, type ModelReply } from './model-call.ts';

/** The request failed for good; the message is for a person. */
export class RequestFailed extends Error {}

/**
 * @throws RequestFailed, or the signal's reason when it was aborted
 */
export async function requestReply(
  call: ModelCall,
  front: Pick<Front, 'emit'>,
  retry: RetrySettings,
): Promise<ModelReply> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await callModel(call);
    } catch (error) {
      call.signal.throwIfAborted();
      const failure = classify(error);
      if (!failure.retry) throw new RequestFailed(failure.why, { cause: error });
      if (attempt >= retry.attempts_max) {
        throw new RequestFailed(`${failure.why} (tried ${attempt} times)`, { cause: error });
      }
      const delay_ms = retryDelay(failure, attempt, retry);
      front.emit({ kind: 'retrying', attempt, delay_ms, why: failure.why });
      if (failure.limited) {
        front.emit({ kind: 'activity', activity: 'rate-limited', evidence: failure.why });
      }
      await sleep(delay_ms, undefined, { signal: call.signal }).catch(() => call.signal.throwIfAborted());
      if (failure.limited) {
        front.emit({ kind: 'activity', activity: 'thinking', evidence: `model request, try ${attempt + 1}` });
      }
    }
  }
}

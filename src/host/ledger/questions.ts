/**
 * Questions to the operator, from the side of the agent that asks: opened once per call, found again by their own
 * caller only, and waited for no longer than a client waits for an answer.
 */
import type { ApprovalView, Caller } from '../api.ts';
import type { Approvals } from '../approvals/approvals.ts';
import type { Clock } from '../clock.ts';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { cutText } from '../text.ts';
import type { HowEnded, Waiting } from './call.ts';

export class Questions {
  readonly #approvals: Approvals;
  readonly #clock: Clock;
  readonly #onAsking: (caller: Caller) => void;

  constructor(options: { approvals: Approvals; clock: Clock; onAsking(caller: Caller): void }) {
    this.#approvals = options.approvals;
    this.#clock = options.clock;
    this.#onAsking = options.onAsking;
  }

  /** Asks, or finds the question that a repeat of this call asked before. */
  ask(
    caller: Caller,
    input: { question: string; choices?: string[]; wait_ms: number },
  ): Waiting<ApprovalView> {
    const bytes = Buffer.byteLength(input.question);
    if (input.question.trim() === '' || bytes > limits.question_text_bytes_max) {
      throw new AetherError({
        code: 'question.text',
        who: 'agent',
        message: `A question holds 1 to ${limits.question_text_bytes_max} bytes; this one has ${bytes}.`,
        next: 'Ask one thing, with what the operator must know to answer it.',
      });
    }
    const { approval } = this.#approvals.open({
      kind: 'question',
      agent: caller.agent ?? caller.principal,
      run: caller.run,
      // The principal is part of it, because the instance is the bridge's own word: no caller can find another's.
      request: `${caller.principal}:${caller.instance}:${caller.sequence}`,
      title: input.question,
      detail: { question: input.question, ...(input.choices ? { choices: input.choices } : {}) },
      otherwise: 'Nothing happens; the agent decides for itself how long it waits.',
    });
    return this.#waiting(caller, approval, input.wait_ms, true);
  }

  /** Goes on waiting for a question that the caller asked before. */
  resume(caller: Caller, input: { id: string; wait_ms: number }): Waiting<ApprovalView> {
    const found = this.#approvals.find(input.id);
    // The same words for "none" and "another's": whether another agent's question exists is not told.
    if (found?.kind === 'question' && found.agent === (caller.agent ?? caller.principal))
      return this.#waiting(caller, found, input.wait_ms, false);
    throw new AetherError({
      code: 'question.unknown',
      who: 'agent',
      message: `No question of yours has the id ${JSON.stringify(cutText(input.id, { chars_max: 64 }))}.`,
      next: 'Use the id that aether_ask_operator returned, or ask again without an id.',
    });
  }

  #waiting(
    caller: Caller,
    { id, state }: ApprovalView,
    wait_ms: number,
    asked: boolean,
  ): Waiting<ApprovalView> {
    return {
      until: state === 'open' ? (signal) => this.#answered(caller, id, wait_ms, signal) : null,
      settle: (how) => this.#settle(caller, id, how, asked),
    };
  }

  #answered(caller: Caller, id: string, wait_ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        stopListening();
        stopTimer();
        signal.removeEventListener('abort', finish);
        this.#onAsking(caller);
        resolve();
      };
      const stopListening = this.#approvals.onAnswered(id, finish);
      const stopTimer = this.#clock.after(Math.min(wait_ms, limits.ask_wait_ms), finish);
      signal.addEventListener('abort', finish, { once: true });
      this.#onAsking(caller);
      if (signal.aborted) finish();
    });
  }

  /**
   * A broken connection comes again and finds its question; but a client that cancels the call that asked does not
   * know the question's id, so the answer could never be fetched.
   */
  #settle(caller: Caller, id: string, how: HowEnded, asked: boolean): ApprovalView {
    if (how === 'cancelled' && asked) this.#approvals.withdraw(id, caller.principal);
    const approval = this.#approvals.get(id);
    if (how === 'done' && approval.state === 'answered') this.#approvals.markDelivered(id);
    return approval;
  }
}

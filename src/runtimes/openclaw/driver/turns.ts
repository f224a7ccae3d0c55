/**
 * The turns of the agent's own conversation, told from the gateway's `agent` and `chat` events. A turn is over when its
 * run has settled, its outcome is told, and its reply is in the conversation: the three come in any order.
 */
import { cutText } from '../../../host/text.ts';
import { type Payload, record, textOf } from './blocks.ts';
import type { ObservedEvent } from './driver-protocol.ts';

type Outcome = 'done' | 'failed' | 'interrupted';

export interface TurnEnd {
  outcome: Outcome;
  text: string | null;
  /** No other turn runs. */
  last: boolean;
}

interface Run {
  settled: Outcome | null;
  error: string | null;
  told: boolean;
  /** The text with which it ends; null: none that is shown. */
  reply: string | null;
  replied: boolean;
  /** It failed at a model request, and may try again. */
  failed: { at_ms: number; why: string } | null;
  attempts: number;
  timer: NodeJS.Timeout | null;
}

/** How long the rest of what tells the end of a turn is waited for. */
const REST_MS = 3_000;
const RUNS_MAX = 200;
const TEXT_CHARS_MAX = 4_000;

export interface TurnEvents {
  emit(event: ObservedEvent): void;
  began(): void;
  ended(end: TurnEnd): void;
  /** A message of the host, queued in the gateway, was taken back there. */
  dropped(id: string): void;
  now(): number;
}

export class Turns {
  readonly #events: TurnEvents;
  readonly #runs = new Map<string, Run>();
  /** The last that ended: the gateway tells of some once more. */
  #over: string[] = [];

  constructor(events: TurnEvents) {
    this.#events = events;
  }

  /** Ids of the turns under way. */
  get active(): string[] {
    return [...this.#runs].filter(([, run]) => run.settled === null).map(([id]) => id);
  }

  lifecycle(id: string, data: Payload): void {
    const { phase } = data;
    if (phase === 'start') this.#start(id);
    else if (phase === 'finishing' && typeof data.error === 'string') this.#failing(id, data);
    else if ((phase === 'end' || phase === 'error') && data.executionSettled === true)
      this.#settled(id, data);
    else if (phase === 'end' && data.status === 'cancelled' && !this.#runs.has(id)) this.#events.dropped(id);
  }

  #start(id: string): void {
    const known = this.#runs.get(id);
    if (known !== undefined) {
      if (known.failed === null) return;
      known.attempts += 1;
      const { at_ms, why } = known.failed;
      known.failed = null;
      const delay_ms = Math.max(0, Math.round(this.#events.now() - at_ms));
      this.#events.emit({ kind: 'retrying', attempt: known.attempts, delay_ms, why });
      return;
    }
    this.#runs.set(id, {
      settled: null,
      error: null,
      told: false,
      reply: null,
      replied: false,
      failed: null,
      attempts: 0,
      timer: null,
    });
    if (this.#runs.size > RUNS_MAX) this.#runs.delete(this.#runs.keys().next().value!);
    this.#events.began();
  }

  #failing(id: string, data: Payload): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    run.failed = { at_ms: this.#events.now(), why: failure(data) };
  }

  #settled(id: string, data: Payload): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    const failed = data.phase === 'error';
    run.settled = data.aborted === true ? 'interrupted' : failed ? 'failed' : 'done';
    if (run.settled === 'failed') run.error = failure(data);
    const { disposition, text } = record(data.terminalReply);
    run.reply = disposition === 'visible' && typeof text === 'string' ? text : null;
    this.#finish(id, run);
  }

  chat(id: string, payload: Payload): void {
    const { state } = payload;
    if (!['final', 'error', 'aborted'].includes(String(state))) return;
    const run = this.#runs.get(id);
    if (run === undefined) {
      this.#answered(id, payload);
      return;
    }
    run.told = true;
    this.#finish(id, run);
  }

  /** The gateway answered a message by itself: there was no turn of the model. */
  #answered(id: string, payload: Payload): void {
    const failed = payload.state === 'error';
    // That a message was taken up by another turn is told in the same way, without an answer.
    if (this.#over.includes(id) || !(failed || (payload.state === 'final' && payload.message !== undefined)))
      return;
    this.#remember(id);
    const said = failed
      ? String(payload.errorMessage ?? 'unknown error')
      : textOf(record(payload.message).content);
    const text = cutText(said, { chars_max: TEXT_CHARS_MAX });
    this.#events.ended({ outcome: 'failed', text, last: this.#runs.size === 0 });
  }

  #remember(id: string): void {
    this.#over = [...this.#over, id].slice(-RUNS_MAX);
  }

  /** A message of the model is in the conversation. @param more it calls a tool, so it is not the last */
  replied(id: string, more: boolean): void {
    const run = this.#runs.get(id);
    if (run === undefined || more) return;
    run.replied = true;
    this.#finish(id, run);
  }

  #finish(id: string, run: Run): void {
    if (run.settled === null) return;
    const whole = run.told && (run.settled !== 'done' || run.reply === null || run.replied);
    if (whole) this.#end(id, run);
    else run.timer ??= setTimeout(() => this.#end(id, run), REST_MS);
  }

  #end(id: string, run: Run): void {
    if (!this.#runs.delete(id) || run.settled === null) return;
    this.#remember(id);
    if (run.timer !== null) clearTimeout(run.timer);
    const text = run.settled === 'failed' ? (run.error ?? 'the turn failed') : run.reply;
    this.#events.ended({
      outcome: run.settled,
      text:
        text === null || run.settled === 'interrupted' ? null : cutText(text, { chars_max: TEXT_CHARS_MAX }),
      last: this.#runs.size === 0,
    });
  }
}

/** What OpenClaw says of a failure, with what the provider said to it. */
function failure(data: Payload): string {
  const { httpStatus, providerErrorMessagePreview } = record(data.errorObservation);
  const status = typeof httpStatus === 'number' ? ` (HTTP ${httpStatus})` : '';
  const said = typeof providerErrorMessagePreview === 'string' ? `: ${providerErrorMessagePreview}` : '';
  const text = `${String(data.error ?? 'unknown error')}${status}${said}`;
  return cutText(text, { chars_max: TEXT_CHARS_MAX });
}

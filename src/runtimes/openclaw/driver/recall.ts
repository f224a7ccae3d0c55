/**
 * What is remembered, on its way into the conversation. The plugin asks before each prompt of a model. Before the first
 * one, and the first after a summary, the host is asked and waited for; what it gave stands before each prompt until it
 * gives something else, since OpenClaw writes what a plugin adds into no transcript.
 */
import { randomUUID } from 'node:crypto';
import { cutText } from '../../../host/text.ts';
import type { ObservedEvent } from './driver-protocol.ts';

/** Less than the plugin waits (CONTEXT_WAIT_MS). */
const WAIT_MS = 10_000;
const WORDS_CHARS_MAX = 4_000;

export interface RecallEvents {
  emit(event: ObservedEvent): void;
  /** @param text null: nothing is added to the prompt */
  answer(id: string, text: string | null): void;
  wait_ms?: number;
}

export class Recall {
  readonly #own: string;
  readonly #events: RecallEvents;
  readonly #waiting = new Map<string, (text: string | null) => void>();
  /** Undefined: not asked for yet. */
  #given: string | null | undefined = undefined;
  #summarised = false;

  /** @param own the agent's own conversation: a subagent is given what its task says */
  constructor(own: string, events: RecallEvents) {
    this.#own = own;
    this.#events = events;
  }

  compacted(sessionKey: string | null): void {
    if (sessionKey === this.#own) this.#summarised = true;
  }

  /** A prompt is about to be made, and waits. */
  prompt(id: string, sessionKey: string | null, prompt: string): void {
    if (sessionKey !== this.#own) {
      this.#events.answer(id, null);
      return;
    }
    const words = cutText(plain(prompt), { chars_max: WORDS_CHARS_MAX });
    const at = this.#given === undefined ? 'start' : this.#summarised ? 'compaction' : 'later';
    this.#summarised = false;
    const requestId = randomUUID();
    if (at === 'later') {
      this.#events.emit({ kind: 'recall-asked', requestId, at, words });
      this.#events.answer(id, this.#given ?? null);
      return;
    }
    const before = this.#given ?? null;
    this.#given = before;
    const settle = (text: string | null) => {
      clearTimeout(timer);
      this.#waiting.delete(requestId);
      // A summary that is given nothing new leaves what was given at the start.
      this.#given = text ?? before;
      this.#events.answer(id, this.#given);
    };
    const timer = setTimeout(settle, this.#events.wait_ms ?? WAIT_MS, null);
    this.#waiting.set(requestId, settle);
    // The words that a summary is about are those of the prompt before it, and the host has them.
    this.#events.emit({ kind: 'recall-asked', requestId, at, ...(at === 'start' ? { words } : {}) });
  }

  /** One that comes too late says nothing any more. */
  recalled(requestId: string, text: string | null): void {
    this.#waiting.get(requestId)?.(text);
  }
}

/** Without the time that OpenClaw writes before a message: days and months would be looked for. */
const plain = (prompt: string): string => prompt.replace(/^\s*\[[^\]\n]{1,80}\]\s*/, '');

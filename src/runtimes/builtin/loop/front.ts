/** What the loop needs from its front end: a host on pipes, or a person at a terminal. */
import type { ObservedEvent } from './loop-protocol.ts';

export interface Front {
  emit(event: ObservedEvent): void;
  /** Text of a reply as it is written; the whole reply follows as an event. */
  delta(kind: 'text' | 'thinking', text: string): void;
  /** The model is still at it: who only hears of whole replies would take one that is slow for none. */
  alive(): void;
  /** Before any tool runs. Rejects with the signal's reason when the call is given up meanwhile. */
  gate(question: Question, signal: AbortSignal): Promise<Verdict>;
  /** What is remembered that may help with these words, before the first turn of a process; null: nothing, or no answer. */
  recall(words: string): Promise<string | null>;
  /** Waits for a person. Rejects with the signal's reason when the call is given up meanwhile. */
  ask(question: Question, signal: AbortSignal): Promise<Answer>;
}

export interface Question {
  toolUseId: string;
  tool: string;
  input: unknown;
}

export interface Verdict {
  verdict: 'pass' | 'allow' | 'deny';
  /** Said to the model when it is denied. */
  message: string | null;
}

export interface Answer {
  allow: boolean;
  /** Said to the model when it is denied. */
  message: string | null;
}

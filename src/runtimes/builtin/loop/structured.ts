/** The loop on pipes: requests come as lines on stdin, events go as lines to stdout. */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { writeAll } from '../../write-lines.ts';
import type { Agent } from './agent.ts';
import type { Answer, Front, Question, Verdict } from './front.ts';
import type { LoopRequest, ObservedEvent } from './loop-protocol.ts';
import { type Mask, maskedJson } from './secrets.ts';
import { readRequest } from './settings.ts';

/** Said at most so often. */
const ALIVE_MS = 1_000;
/** For what is remembered: a host that is dead costs the first turn so long. */
const RECALL_MS = 10_000;

export class StructuredFront implements Front {
  readonly #mask: Mask;
  readonly #asked = new Map<string, (answer: Answer) => void>();
  readonly #gates = new Map<string, (verdict: Verdict) => void>();
  readonly #recalls = new Map<string, (text: string | null) => void>();
  #alive_ms = Number.NEGATIVE_INFINITY;

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  emit(event: ObservedEvent): void {
    writeAll(1, `${maskedJson(event, this.#mask)}\n`);
  }

  /** Whole messages only: the host keeps what is said, not how it was typed. */
  delta(): void {}

  alive(): void {
    const now = performance.now();
    if (now - this.#alive_ms < ALIVE_MS) return;
    this.#alive_ms = now;
    this.emit({ kind: 'activity', activity: 'thinking', evidence: 'the model writes' });
  }

  gate(question: Question, signal: AbortSignal): Promise<Verdict> {
    return this.#wait('gate', this.#gates, question, signal);
  }

  ask(question: Question, signal: AbortSignal): Promise<Answer> {
    return this.#wait('permission', this.#asked, question, signal);
  }

  /** No answer, no tool: nothing but an answer or the end of the step ends this. */
  #wait<T>(
    what: 'gate' | 'permission',
    waiting: Map<string, (answer: T) => void>,
    question: Question,
    signal: AbortSignal,
  ): Promise<T> {
    const requestId = randomUUID();
    return new Promise((resolve, reject) => {
      const done = () => {
        waiting.delete(requestId);
        signal.removeEventListener('abort', withdraw);
      };
      const withdraw = () => {
        done();
        this.emit({ kind: `${what}-withdrawn`, requestId });
        reject(signal.reason);
      };
      waiting.set(requestId, (answer) => {
        done();
        resolve(answer);
      });
      signal.addEventListener('abort', withdraw);
      this.emit({ kind: `${what}-asked`, requestId, ...question });
      if (signal.aborted) withdraw();
    });
  }

  recall(words: string): Promise<string | null> {
    const requestId = randomUUID();
    return new Promise((resolve) => {
      const done = (text: string | null) => {
        clearTimeout(timer);
        this.#recalls.delete(requestId);
        resolve(text);
      };
      const timer = setTimeout(done, RECALL_MS, null);
      this.#recalls.set(requestId, done);
      this.emit({ kind: 'recall-asked', requestId, at: 'start', words });
    });
  }

  /** One that comes too late says nothing any more. */
  recalled(requestId: string, text: string | null): void {
    this.#recalls.get(requestId)?.(text);
  }

  answer(requestId: string, answer: Answer): void {
    this.#settle(this.#asked, requestId, answer);
  }

  open(requestId: string, verdict: Verdict): void {
    this.#settle(this.#gates, requestId, verdict);
  }

  #settle<T>(waiting: Map<string, (answer: T) => void>, requestId: string, answer: T): void {
    const resolve = waiting.get(requestId);
    if (resolve) resolve(answer);
    else this.note('info', `An answer came for ${requestId}, which no longer waits for one.`);
  }

  note(level: 'info' | 'warn' | 'error', text: string): void {
    this.emit({ kind: 'note', level, text });
  }
}

/** Resolves when the host has closed the channel: it wants this process to end. */
export async function serve(agent: Agent, front: StructuredFront): Promise<void> {
  agent.start({ queued: 'take' });
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const read = readRequest(line);
    if ('request' in read) perform(read.request, agent, front);
    else front.note('warn', `A request could not be read: ${read.problem}`);
  }
}

function perform(request: LoopRequest, agent: Agent, front: StructuredFront): void {
  switch (request.type) {
    case 'message':
      agent.deliver(request.id, request.text, request.priority);
      break;
    case 'interrupt':
      agent.interrupt(request.requestId);
      break;
    case 'permission': {
      const { requestId, allow, message } = request;
      front.answer(requestId, { allow, message });
      break;
    }
    case 'gate':
      front.open(request.requestId, { verdict: request.verdict, message: request.message });
      break;
    case 'recall':
      front.recalled(request.requestId, request.text);
      break;
    case 'cancel':
      agent.cancel(request.id);
      break;
  }
}

/**
 * One turn: model request, tool calls, model request, until the model has nothing more to do. Every fact is
 * written to the conversation before it is reported. An interrupt ends the turn; an urgent message only
 * cuts the running step short, and the turn goes on with it.
 */
import type { ModelMessage } from 'ai';
import type { Conversation } from './conversation.ts';
import { type Entry, entryEvents, type Queued, toolCalls } from './entries.ts';
import type { Front } from './front.ts';
import type { LoopSettings } from './loop-protocol.ts';
import type { Model } from './model.ts';
import type { ModelReply } from './model-call.ts';
import { instructions } from './prompt.ts';
import { RequestFailed, requestReply } from './retrying.ts';
import { runTool, type ToolContext } from './tool-call.ts';
import type { LoopTool } from './tools/tool.ts';

/** Model requests in a row of which nothing could be used. */
const MALFORMED_MAX = 3;

export type Cut = 'interrupt' | 'now';
export type Outcome = { outcome: 'done' | 'failed' | 'interrupted'; text?: string };

export interface TurnContext {
  settings: LoopSettings;
  conversation: Conversation;
  model: Model;
  /** The tools there are at this moment. */
  tools(): LoopTool[];
  front: Front;
  /** What the host remembers for this process; null: nothing. Not part of the conversation, which outlives it. */
  recalled(): string | null;
  /** Messages that came meanwhile and want to be part of this turn, taken off the queue. */
  takeMessages(): Queued[];
}

export class Turn {
  readonly #context: TurnContext;
  #step = new AbortController();
  #cut: Cut | null = null;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  /** Cuts the running step short. An interrupt wins over a message. */
  cut(why: Cut): void {
    if (this.#cut !== 'interrupt') this.#cut = why;
    this.#step.abort(new DOMException(why, 'AbortError'));
  }

  /** @throws only what the conversation file throws */
  async run(first: Queued[]): Promise<Outcome> {
    for (const message of first) this.#hear(message);
    let malformed = 0;
    for (let step = 1; step <= this.#context.settings.steps_max; step++) {
      const reply = await this.#request(step);
      if ('outcome' in reply) return reply;
      if ('cut' in reply) {
        if (reply.cut === 'interrupt') return { outcome: 'interrupted' };
        this.#fold();
        continue;
      }
      const { text, calls, bad, cut } = await this.#act(reply);
      if (cut === 'interrupt') return { outcome: 'interrupted' };
      if (calls === 0 && cut === null) return this.#finished(reply, text);
      malformed = calls > 0 && bad === calls ? malformed + 1 : 0;
      if (malformed >= MALFORMED_MAX) {
        return {
          outcome: 'failed',
          text: `The model sent ${malformed} answers in a row whose tool calls could not be used. Try again, or use another model.`,
        };
      }
      this.#fold();
    }
    return {
      outcome: 'failed',
      text: `The limit of ${this.#context.settings.steps_max} model requests in one turn is reached. Send a message to go on, or raise limits.steps_max.`,
    };
  }

  async #request(step: number): Promise<ModelReply | Outcome | { cut: Cut }> {
    const { settings, conversation, front, model } = this.#context;
    this.#step = new AbortController();
    if (this.#cut) return this.#wasCut('');
    front.emit({ kind: 'activity', activity: 'thinking', evidence: `model request ${step} of this turn` });
    const waiting = conversation.unanswered();
    let partial = '';
    try {
      const reply = await requestReply(
        {
          model,
          modelName: settings.model,
          instructions: instructions(settings),
          messages: this.#messages(),
          tools: this.#context.tools(),
          signal: this.#step.signal,
          onDelta: (kind, text) => {
            if (kind === 'text') partial += text;
            front.delta(kind, text);
          },
          onPart: () => front.alive(),
          onAnswering: () => {
            for (const injectId of waiting.splice(0)) {
              front.emit({
                kind: 'inject',
                injectId,
                stage: 'seen',
                evidence: 'in a request the model answers',
              });
            }
          },
        },
        {
          emit(event) {
            // What a failed try has written is not part of the next one.
            if (event.kind === 'retrying') partial = '';
            front.emit(event);
          },
        },
        settings.retry,
      );
      return reply;
    } catch (error) {
      if (this.#step.signal.aborted) return this.#wasCut(partial);
      if (error instanceof RequestFailed) return { outcome: 'failed', text: error.message };
      throw error;
    }
  }

  /** What is remembered comes before all that was said. */
  #messages(): ModelMessage[] {
    const { conversation } = this.#context;
    const recalled = this.#context.recalled();
    const messages = conversation.messages();
    return recalled === null ? messages : [{ role: 'user', content: recalled }, ...messages];
  }

  /** Keeps what the model had written: the people who read it may refer to it. */
  #wasCut(partial: string): { cut: Cut } {
    const cut = this.#cut ?? 'interrupt';
    this.#cut = null;
    if (partial !== '') {
      const { conversation } = this.#context;
      const waiting = conversation.unanswered();
      this.#append({
        type: 'assistant',
        key: conversation.nextKey(),
        message: { role: 'assistant', content: [{ type: 'text', text: partial }] },
        at_ms: Date.now(),
      });
      this.#acted(waiting, 'the model had begun to answer it');
    }
    return { cut };
  }

  /** Records the reply and runs its calls, one after the other. */
  async #act(reply: ModelReply): Promise<{ text: string; calls: number; bad: number; cut: Cut | null }> {
    const { conversation } = this.#context;
    if (reply.message === null) return { text: '', calls: 0, bad: 0, cut: null };
    const waiting = conversation.unanswered();
    this.#append({
      type: 'assistant',
      key: conversation.nextKey(),
      message: reply.message,
      // A replay spends nothing.
      ...(reply.usage.input_tokens + reply.usage.output_tokens > 0 ? { usage: reply.usage } : {}),
      at_ms: Date.now(),
    });
    this.#acted(waiting, 'the model has answered it');
    const calls = toolCalls(reply.message);
    let bad = 0;
    for (const call of calls) {
      const context: ToolContext = { ...this.#context, signal: this.#step.signal };
      const result = this.#step.signal.aborted
        ? null
        : await runTool(call, reply.badCalls.get(call.toolCallId) ?? null, context);
      if (result === null) break;
      if (result.malformed) bad++;
      this.#append({
        type: 'tool',
        toolUseId: call.toolCallId,
        tool: call.toolName,
        output: result.output,
        text: result.text,
        isError: result.isError,
        at_ms: Date.now(),
      });
    }
    const cut = this.#cut;
    this.#cut = null;
    const why =
      cut === 'now' ? 'Not run: an urgent message came first.' : 'Not run: the operator interrupted.';
    for (const entry of conversation.repair(why)) this.#emit(entry);
    return { text: textOf(reply), calls: calls.length, bad, cut };
  }

  #acted(injectIds: string[], evidence: string): void {
    for (const injectId of injectIds) {
      this.#context.front.emit({ kind: 'inject', injectId, stage: 'acted', evidence });
    }
  }

  #finished(reply: ModelReply, text: string): Outcome {
    if (reply.finish === 'content-filter') {
      return { outcome: 'failed', text: "The provider's content filter stopped the answer." };
    }
    if (reply.message === null) {
      this.#context.front.emit({ kind: 'note', level: 'warn', text: 'The model answered with nothing.' });
    }
    if (reply.finish === 'length') {
      this.#context.front.emit({
        kind: 'note',
        level: 'warn',
        text: "The answer was cut off at the model's output limit.",
      });
    }
    return { outcome: 'done', text };
  }

  #fold(): void {
    for (const message of this.#context.takeMessages()) this.#hear(message);
  }

  #hear(message: Queued): void {
    this.#append({
      type: 'user',
      key: this.#context.conversation.nextKey(),
      text: message.text,
      from: { id: message.id, receipt: message.receipt },
      at_ms: Date.now(),
    });
  }

  #append(entry: Entry): void {
    this.#emit(this.#context.conversation.append(entry));
  }

  #emit(entry: Entry): void {
    for (const event of entryEvents(entry)) this.#context.front.emit(event);
  }
}

function textOf(reply: ModelReply): string {
  const content = reply.message?.content ?? '';
  return typeof content === 'string'
    ? content
    : content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** One model request: streamed, and complete or failed. The caller retries and runs the tools. */
import {
  type AssistantModelMessage,
  dynamicTool,
  type FinishReason,
  type JSONSchema7,
  jsonSchema,
  type ModelMessage,
  type SystemModelMessage,
  streamText,
  type ToolSet,
} from 'ai';
import { afterAwake } from './awake.ts';
import type { EntryUsage } from './entries.ts';
import { UnusableReply } from './failures.ts';
import type { Model } from './model.ts';

export interface ToolSpec {
  name: string;
  description: string;
  schema: JSONSchema7;
}

export interface ModelCall {
  model: Model;
  /** How the model is called in the settings: what usage is counted under. */
  modelName: string;
  instructions: string;
  messages: ModelMessage[];
  tools: ToolSpec[];
  signal: AbortSignal;
  /** Text as it is written. */
  onDelta(kind: 'text' | 'thinking', text: string): void;
  /** Some of the answer has come; the arguments of a call count too. */
  onPart(): void;
  /** The first sign that the model has read the request. */
  onAnswering(): void;
}

export interface ModelReply {
  /** null when the model had nothing to say and nothing to do. */
  message: AssistantModelMessage | null;
  /** Calls that name no tool or carry arguments that are no JSON: id → why. */
  badCalls: Map<string, string>;
  finish: FinishReason;
  usage: EntryUsage;
}

/** Nothing more for this long means that the connection is dead, however alive it looks. */
const SILENCE_MS_MAX = 300_000;

/** Anthropic keeps what it has read up to such a mark for five minutes, at a tenth of the price. */
const CACHE_MARK = { anthropic: { cacheControl: { type: 'ephemeral' } } };

/** @throws whatever the provider or the network threw; the signal's reason when it was aborted */
export async function callModel(call: ModelCall): Promise<ModelReply> {
  const { signal } = call;
  const silent = new AbortController();
  let cancel = () => {};
  const heard = () => {
    cancel();
    cancel = afterAwake(SILENCE_MS_MAX, () => silent.abort());
  };
  try {
    return await request(call, AbortSignal.any([signal, silent.signal]), heard);
  } catch (error) {
    if (!silent.signal.aborted || signal.aborted) throw error;
    throw new DOMException(`The model was silent for ${SILENCE_MS_MAX / 1_000} s.`, 'TimeoutError');
  } finally {
    cancel();
  }
}

async function request(call: ModelCall, abortSignal: AbortSignal, heard: () => void): Promise<ModelReply> {
  const instructions: SystemModelMessage = {
    role: 'system',
    content: call.instructions,
    providerOptions: CACHE_MARK,
  };
  const result = streamText({
    model: call.model,
    instructions,
    messages: marked(call.messages),
    tools: toolSet(call.tools),
    maxRetries: 0,
    abortSignal,
    // Errors are thrown below; the default would also print them.
    onError: () => {},
  });
  const badCalls = new Map<string, string>();
  let answering = false;
  for await (const part of result.stream) {
    switch (part.type) {
      case 'error':
        throw part.error;
      case 'abort':
        abortSignal.throwIfAborted();
        throw new UnusableReply('it was broken off');
      case 'text-delta':
        call.onDelta('text', part.text);
        break;
      case 'reasoning-delta':
        call.onDelta('thinking', part.text);
        break;
      case 'tool-call':
        if (part.invalid) badCalls.set(part.toolCallId, reason(part.error));
        break;
    }
    if (!/^(text|reasoning|tool)-/.test(part.type)) continue;
    heard();
    call.onPart();
    if (answering) continue;
    answering = true;
    call.onAnswering();
  }
  const finish = await result.finishReason;
  if (finish === 'error' || finish === 'interrupted') {
    throw new UnusableReply('the answer ended before it was complete');
  }
  const messages = await result.responseMessages;
  const message = messages.find((one) => one.role === 'assistant') ?? null;
  if (message === null && finish === 'other') throw new UnusableReply('there was nothing in it');
  if (!answering) call.onAnswering();
  return {
    message,
    badCalls,
    finish,
    usage: usageOf(call.modelName, await result.usage),
  };
}

function usageOf(model: string, usage: Awaited<ReturnType<typeof streamText>['usage']>): EntryUsage {
  const { cacheReadTokens = 0, cacheWriteTokens = 0, noCacheTokens } = usage.inputTokenDetails;
  return {
    model,
    input_tokens: noCacheTokens ?? Math.max(0, (usage.inputTokens ?? 0) - cacheReadTokens - cacheWriteTokens),
    output_tokens: usage.outputTokens ?? 0,
    cache_read_tokens: cacheReadTokens,
    cache_write_tokens: cacheWriteTokens,
  };
}

function toolSet(tools: ToolSpec[]): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, schema }) => [
      name,
      // Without execute: calls come back to the loop, which asks for permission and records before it runs one.
      dynamicTool({ description, inputSchema: jsonSchema(schema) } as Parameters<typeof dynamicTool>[0]),
    ]),
  );
}

function marked(messages: ModelMessage[]): ModelMessage[] {
  const last = messages.at(-1);
  return last ? [...messages.slice(0, -1), { ...last, providerOptions: CACHE_MARK }] : messages;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

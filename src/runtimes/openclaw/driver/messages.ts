/** Messages of the conversation, as the gateway stores them: what was said, by whom, and what it cost. */
import { blocksOf, type Payload, record, textOf } from './blocks.ts';
import type { ObservedEvent } from './driver-protocol.ts';

/** Of the gateway's ids of messages the last are remembered: it tells some twice. */
const REMEMBERED_MAX = 500;
const USER_KEY = /^(.+):user$/;

/** The id under which the host sent it; null: it is no message of the host. */
export function sentAs(message: Payload): string | null {
  const key = message.idempotencyKey ?? record(message.__openclaw).idempotencyKey;
  return typeof key === 'string' ? (USER_KEY.exec(key)?.[1] ?? null) : null;
}

export class Messages {
  readonly #emit: (event: ObservedEvent) => void;
  readonly #told = new Set<string>();

  constructor(emit: (event: ObservedEvent) => void) {
    this.#emit = emit;
  }

  /** @returns true the first time */
  isNew(id: string): boolean {
    if (this.#told.has(id)) return false;
    this.#told.add(id);
    if (this.#told.size > REMEMBERED_MAX) this.#told.delete(this.#told.values().next().value!);
    return true;
  }

  user(id: string, message: Payload, injectId: string | null): void {
    const text = textOf(message.content);
    if (text === '') return;
    const by = injectId === null ? {} : { injectId };
    this.#emit({ kind: 'message', role: 'user', text, key: id, ...by });
  }

  assistant(id: string, message: Payload): void {
    for (const [index, block] of blocksOf(message.content).entries()) {
      const key = index === 0 ? id : `${id}:${index}`;
      const { type, text, thinking } = block;
      if (type === 'text' && typeof text === 'string' && text !== '')
        this.#emit({ kind: 'message', role: 'assistant', text, key });
      else if (type === 'thinking' && typeof thinking === 'string' && thinking !== '')
        this.#emit({ kind: 'message', role: 'assistant', text: thinking, key, thinking: true });
    }
  }

  /** What the gateway writes by itself has none. @returns all tokens */
  usage(id: string, message: Payload): number {
    const usage = record(message.usage);
    const [input, output, read, write] = [usage.input, usage.output, usage.cacheRead, usage.cacheWrite].map(
      count,
    );
    const all = input! + output! + read! + write!;
    if (all === 0) return 0;
    // It does not know the price of every model, and then says 0.
    const cost = Number(record(usage.cost).total ?? 0);
    this.#emit({
      kind: 'usage',
      model: String(message.model ?? 'unknown'),
      input_tokens: input!,
      output_tokens: output!,
      cache_read_tokens: read!,
      cache_write_tokens: write!,
      cost_usd: Number.isFinite(cost) && cost > 0 ? cost : null,
      key: id,
    });
    return all;
  }
}

export function callsTool(message: Payload): boolean {
  return blocksOf(message.content).some(({ type }) => type === 'toolCall');
}

function count(value: unknown): number {
  const number = Math.trunc(Number(value ?? 0));
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

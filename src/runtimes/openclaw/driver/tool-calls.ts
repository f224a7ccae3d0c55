/**
 * Tool calls as the plugin tells of them: of the agent and of its subagents, each once. A call that OpenClaw refuses before
 * its plugins are asked, for its arguments for instance, is told from what the gateway says of it.
 */
import { cutText } from '../../../host/text.ts';
import { blocksOf, type Payload } from './blocks.ts';
import type { ObservedEvent } from './driver-protocol.ts';

const OPEN_MAX = 500;
const CALLS_MAX = 500;
const REFUSAL_CHARS_MAX = 4_000;

/** What is known of a call that the plugin has not told of. */
interface Untold {
  /** From the model's message. */
  written?: { tool: string; input: unknown };
  /** Why it ended without having been brought to the plugin. */
  refusal?: string;
}

export class ToolCalls {
  readonly #emit: (event: ObservedEvent) => void;
  /** Called, and not answered: the tool, and whether the agent itself called it. */
  readonly #open = new Map<string, { tool: string; own: boolean }>();
  /** The agent's latest; null: told. */
  readonly #calls = new Map<string, Untold | null>();

  constructor(emit: (event: ObservedEvent) => void) {
    this.#emit = emit;
  }

  /** The tool that the agent itself called last and that has not answered. */
  get current(): string | null {
    return [...this.#open.values()].findLast(({ own }) => own)?.tool ?? null;
  }

  called(id: string, { tool, input, own }: { tool: string; input: unknown; own: boolean }): void {
    if (this.#open.has(id)) return;
    this.#remember(id, null);
    this.#open.set(id, { tool, own });
    if (this.#open.size > OPEN_MAX) this.#open.delete(this.#open.keys().next().value!);
    this.#emit({ kind: 'tool-call', toolUseId: id, tool, input });
  }

  answered(toolUseId: string, text: string, isError: boolean): void {
    if (this.#open.delete(toolUseId)) this.#emit({ kind: 'tool-result', toolUseId, text, isError });
  }

  /** A message of the model, in the agent's own conversation. */
  written(message: Payload): void {
    for (const { type, id, name, arguments: input } of blocksOf(message.content))
      if (type === 'toolCall' && typeof id === 'string')
        this.#learn(id, { written: { tool: String(name), input: input ?? {} } });
  }

  /** What the gateway tells of a call of the agent. The plugin's question comes before it ends. */
  item({ kind, phase, toolCallId, error }: Payload): void {
    if (kind !== 'tool' || phase !== 'end' || typeof toolCallId !== 'string') return;
    const refusal = typeof error === 'string' ? error : 'OpenClaw did not run it.';
    this.#learn(toolCallId, { refusal: cutText(refusal, { chars_max: REFUSAL_CHARS_MAX }) });
  }

  /** The two halves come in any order. */
  #learn(id: string, half: Untold): void {
    const known = this.#calls.get(id);
    if (known === null) return;
    const { written, refusal } = { ...known, ...half };
    if (written === undefined || refusal === undefined) this.#remember(id, { ...known, ...half });
    else {
      this.called(id, { ...written, own: true });
      this.answered(id, refusal, true);
    }
  }

  #remember(id: string, call: Untold | null): void {
    this.#calls.set(id, call);
    if (this.#calls.size > CALLS_MAX) this.#calls.delete(this.#calls.keys().next().value!);
  }

  /** The agent's turn is over: what has not answered does not any more. */
  clear(): void {
    for (const [id, { own }] of this.#open) if (own) this.#open.delete(id);
  }
}

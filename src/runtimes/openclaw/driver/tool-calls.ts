/** Tool calls as the plugin tells of them: of the agent and of its subagents, each once. */
import type { ObservedEvent } from './driver-protocol.ts';

const OPEN_MAX = 500;

export class ToolCalls {
  readonly #emit: (event: ObservedEvent) => void;
  /** Called, and not answered: the tool, and whether the agent itself called it. */
  readonly #open = new Map<string, { tool: string; own: boolean }>();

  constructor(emit: (event: ObservedEvent) => void) {
    this.#emit = emit;
  }

  /** The tool that the agent itself called last and that has not answered. */
  get current(): string | null {
    return [...this.#open.values()].findLast(({ own }) => own)?.tool ?? null;
  }

  called(id: string, { tool, input, own }: { tool: string; input: unknown; own: boolean }): void {
    if (this.#open.has(id)) return;
    this.#open.set(id, { tool, own });
    if (this.#open.size > OPEN_MAX) this.#open.delete(this.#open.keys().next().value!);
    this.#emit({ kind: 'tool-call', toolUseId: id, tool, input });
  }

  answered(toolUseId: string, text: string, isError: boolean): void {
    if (this.#open.delete(toolUseId)) this.#emit({ kind: 'tool-result', toolUseId, text, isError });
  }

  /** The agent's turn is over: what has not answered does not any more. */
  clear(): void {
    for (const [id, { own }] of this.#open) if (own) this.#open.delete(id);
  }
}

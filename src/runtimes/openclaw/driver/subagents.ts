/**
 * Subagents: conversations that the agent has begun for a part of its work. The plugin tells when one is spawned, and when
 * the agent has its report, which may wait for a turn of the agent; in between one is at work while a turn of it runs.
 */
import { type Payload, record } from './blocks.ts';
import type { ObservedEvent, TurnOutcome } from './driver-protocol.ts';

const KNOWN_MAX = 100;
/** Calls that spawn one and have not answered. */
const SPAWNING_MAX = 100;
const SPAWNS = 'sessions_spawn';

interface Known {
  label: string;
  works: boolean;
  task: string | null;
  tokens: number;
}

export class Subagents {
  readonly #emit: (event: ObservedEvent) => void;
  /** Spawned and not reported. */
  readonly #known = new Map<string, Known>();
  /** The calls that spawn one and have not answered, by tool use id: what each is called, and is to do. */
  readonly #spawning = new Map<string, { label: string; task: string }>();

  constructor(emit: (event: ObservedEvent) => void) {
    this.#emit = emit;
  }

  /** @returns false where it is known already, or one of too many */
  spawned(key: string, label: string): boolean {
    if (key === '' || this.#known.has(key) || this.#known.size >= KNOWN_MAX) return false;
    this.#known.set(key, { label, works: false, task: this.#taskOf(label), tokens: 0 });
    this.#works(key, true);
    return true;
  }

  /** A tool call of any conversation, before it runs. */
  called(toolUseId: string, tool: string, input: unknown): void {
    const { task, label } = record(input);
    if (tool !== SPAWNS || typeof task !== 'string' || this.#spawning.size >= SPAWNING_MAX) return;
    this.#spawning.set(toolUseId, { label: typeof label === 'string' ? label.trim() : '', task });
  }

  answered(toolUseId: string): void {
    this.#spawning.delete(toolUseId);
  }

  /** The gateway does not say which call spawned it: where several may have, what it is to do is not known. */
  #taskOf(label: string): string | null {
    const tasks = new Set(
      [...this.#spawning.values()].flatMap((one) => (one.label === label ? [one.task] : [])),
    );
    return tasks.size === 1 ? [...tasks][0]! : null;
  }

  /** A message of the model in its conversation. */
  spent(key: string, tokens: number): void {
    const known = this.#known.get(key);
    if (known === undefined || tokens === 0) return;
    known.tokens += tokens;
    this.#emit({ kind: 'subagent', id: key, phase: 'working', tokens: known.tokens });
  }

  /** One of the gateway's `agent` events, of any conversation but the agent's own. */
  event(key: string, { stream, data }: Payload): void {
    if (stream !== 'lifecycle') return;
    const { phase, executionSettled } = record(data);
    if (phase === 'start') this.#works(key, true);
    else if ((phase === 'end' || phase === 'error') && executionSettled === true)
      this.#works(key, false, phase === 'end' ? 'done' : 'failed');
  }

  left(key: string): void {
    this.#works(key, false);
    this.#known.delete(key);
  }

  #works(key: string, works: boolean, outcome: TurnOutcome = 'interrupted'): void {
    const known = this.#known.get(key);
    if (known === undefined || known.works === works) return;
    known.works = works;
    const { label, task, tokens } = known;
    const used = tokens === 0 ? {} : { tokens };
    if (!works) {
      this.#emit({ kind: 'subagent', id: key, phase: 'ended', ...used, outcome });
      return;
    }
    const said = { ...(label === '' ? {} : { label }), ...(task === null ? {} : { task }) };
    this.#emit({ kind: 'subagent', id: key, phase: 'began', ...said, ...used });
  }
}

/**
 * Messages that are to be folded into the turn wait here while a call of the agent stands at the gate. OpenClaw looks for
 * such messages between the answer of the gate and the start of the tool, and skips the tool for one: a person would have
 * allowed what then does not run.
 */
export class Steering {
  readonly #calls = new Set<string>();
  #waiting: (() => void)[] = [];

  stands(call: string): void {
    this.#calls.add(call);
  }

  /** It runs, or never will. */
  past(call: string): void {
    this.#calls.delete(call);
    this.#go();
  }

  /** The turn is over, with every call of it. */
  clear(): void {
    this.#calls.clear();
    this.#go();
  }

  /** In the order in which they came, at once where nothing stands at the gate. */
  offer(send: () => void): void {
    this.#waiting.push(send);
    this.#go();
  }

  #go(): void {
    if (this.#calls.size > 0) return;
    for (const send of this.#waiting.splice(0)) send();
  }
}

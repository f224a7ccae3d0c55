/**
 * Output of any length in bounded memory: the beginning and the end are kept, and what was left out between
 * them is counted.
 */
export class CappedText {
  readonly #half: number;
  #head = '';
  #tail = '';
  #omitted = 0;

  constructor(chars_max: number) {
    this.#half = Math.floor(chars_max / 2);
  }

  add(text: string): void {
    const room = this.#half - this.#head.length;
    this.#head += text.slice(0, Math.max(0, room));
    this.#tail += text.slice(Math.max(0, room));
    // Cut rarely, not at every chunk: the copy costs as much as the text is long.
    if (this.#tail.length > this.#half * 2) this.#cut();
  }

  toString(): string {
    this.#cut();
    return this.#omitted === 0
      ? this.#head + this.#tail
      : `${this.#head}\n[… ${this.#omitted} characters left out …]\n${this.#tail}`;
  }

  #cut(): void {
    const excess = this.#tail.length - this.#half;
    if (excess <= 0) return;
    this.#omitted += excess;
    this.#tail = this.#tail.slice(excess);
  }
}

/**
 * Output of any length in bounded memory: the beginning and the end are kept, and what was left out between
 * them is counted.
 */
import { cutText, endOfText } from '../../../../host/text.ts';
export class CappedText {
  readonly #half: number;
  #head = '';
  #headFull = false;
  #tail = '';
  #omitted = 0;

  constructor(chars_max: number) {
    this.#half = Math.floor(chars_max / 2);
  }

  add(text: string): void {
    if (this.#headFull) this.#tail += text;
    else {
      const all = this.#head + text;
      this.#head = cutText(all, { chars_max: this.#half });
      this.#tail = all.slice(this.#head.length);
      this.#headFull = this.#tail !== '';
    }
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
    if (this.#tail.length <= this.#half) return;
    const kept = endOfText(this.#tail, this.#half);
    this.#omitted += this.#tail.length - kept.length;
    this.#tail = kept;
  }
}

/** Texts of words that are as frequent as those of a language (Zipf), the same each time. */

export class Words {
  readonly #words: string[];
  readonly #sums: Float64Array;
  #state: number;

  constructor(count: number, seed: number) {
    this.#state = seed;
    this.#words = Array.from({ length: count }, (_, index) => nameOf(index));
    this.#sums = new Float64Array(count);
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      sum += 1 / (index + 2.7);
      this.#sums[index] = sum;
    }
  }

  text(least: number, most: number): string {
    const length = least + Math.floor(this.#next() * (most - least + 1));
    return Array.from({ length }, () => this.#word()).join(' ');
  }

  commonest(count: number): string {
    return this.#words.slice(0, count).join(' ');
  }

  #word(): string {
    const wanted = this.#next() * this.#sums.at(-1)!;
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return this.#words[low]!;
  }

  #next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }
}

const CONSONANTS = 'bcdfgklmnprtvz';
const VOWELS = 'aeiou';

/** Each number another word, none of which a stemmer shortens. */
function nameOf(index: number): string {
  let name = '';
  for (let rest = index + 70; rest > 0; rest = Math.floor(rest / 70)) {
    name += CONSONANTS[Math.floor((rest % 70) / 5)]! + VOWELS[rest % 5]!;
  }
  return `${name}k`;
}

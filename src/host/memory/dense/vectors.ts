/**
 * Vectors as they are kept and compared: a byte a dimension, scaled to the largest, compared by cosine against all of the
 * scopes that are searched. A connection keeps those that it has read, and reads what was added since.
 */
import { limits } from '../../limits.ts';
import { MemoryVectorTable } from '../../store/memory-vectors.ts';
import type { Readable } from '../../store/reader.ts';

export interface Near {
  rowid: number;
  similarity: number;
}

interface Scored {
  rows: readonly number[];
  similarities: Float32Array;
}

const BYTE_MAX = 127;
const ROWS_MIN = 256;
/** Of a sum in single precision. */
const ROUNDING = 1e-6;
/** So many times as many as are wanted are gathered before the best are kept. */
const SORTED_AT = 4;

/** Its direction is kept; how long it is is not. */
export function quantised(vector: readonly number[]): Int8Array {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = largest === 0 ? 0 : BYTE_MAX / largest;
  return Int8Array.from(vector, (value) => Math.round(value * scale));
}

/** Of one scope and model, side by side. */
class VectorSet {
  readonly #dimensions: number;
  #seqs: number[] = [];
  #rows: number[] = [];
  #lengths = new Float32Array(ROWS_MIN);
  #data: Int8Array;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    this.#data = new Int8Array(ROWS_MIN * dimensions);
  }

  get lastSeq(): number {
    return this.#seqs.at(-1) ?? 0;
  }

  get bytes(): number {
    return this.#data.length;
  }

  add(seq: number, rowid: number, vector: Uint8Array): void {
    const at = this.#rows.length;
    if (vector.length !== this.#dimensions) return;
    if ((at + 1) * this.#dimensions > this.#data.length) this.#grow();
    this.#data.set(new Int8Array(vector.buffer, vector.byteOffset, vector.length), at * this.#dimensions);
    this.#lengths[at] = lengthOf(this.#data, at * this.#dimensions, this.#dimensions);
    this.#seqs.push(seq);
    this.#rows.push(rowid);
  }

  #grow(): void {
    const data = new Int8Array(this.#data.length * 2);
    data.set(this.#data);
    this.#data = data;
    const lengths = new Float32Array(this.#lengths.length * 2);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }

  /** @param members seqs that are still there, in order */
  keep(members: readonly number[]): void {
    const there = new Set(members);
    if (there.size === this.#seqs.length && this.#seqs.every((seq) => there.has(seq))) return;
    const size = this.#dimensions;
    const kept: number[] = [];
    this.#seqs.forEach((seq, at) => {
      if (!there.has(seq)) return;
      const to = kept.length;
      this.#data.copyWithin(to * size, at * size, (at + 1) * size);
      this.#lengths[to] = this.#lengths[at]!;
      kept.push(at);
    });
    this.#seqs = kept.map((at) => this.#seqs[at]!);
    this.#rows = kept.map((at) => this.#rows[at]!);
    this.#data.fill(0, kept.length * size);
  }

  /** How near each row is, in the order of `rows`. */
  scored(query: Int8Array, length: number): Scored {
    const size = this.#dimensions;
    const count = query.length === size && length > 0 ? this.#rows.length : 0;
    const similarities = new Float32Array(count);
    const data = this.#data;
    for (let at = 0; at < count; at += 1) {
      let product = 0;
      for (let from = at * size, index = 0; index < size; index += 1, from += 1)
        product = (product + Math.imul(data[from]!, query[index]!)) | 0;
      const own = this.#lengths[at]!;
      similarities[at] = own === 0 ? 0 : product / (own * length);
    }
    return { rows: this.#rows, similarities };
  }
}

function lengthOf(data: Int8Array, from: number, size: number): number {
  let sum = 0;
  for (let index = from; index < from + size; index += 1) sum += data[index]! * data[index]!;
  return Math.sqrt(sum);
}

export class VectorReader {
  readonly #table: MemoryVectorTable;
  readonly #sets = new Map<number, VectorSet>();
  #generation = -1;
  #removed = 0;

  constructor(readable: Readable) {
    this.#table = new MemoryVectorTable(readable);
  }

  /** The nearest of these scopes, best first: those that stand out of all. Part of a transaction. */
  near(scopes: readonly string[], query: Int8Array, count: number): Near[] {
    const { generation, removed } = this.#table.model();
    if (generation !== this.#generation) this.#sets.clear();
    this.#generation = generation;
    const pruned = removed !== this.#removed;
    this.#removed = removed;
    const ordinals = this.#table.ordinals();
    if (pruned) for (const [ordinal, set] of this.#sets) set.keep(this.#table.members(ordinal, generation));
    const all: Scored[] = [];
    const length = lengthOf(query, 0, query.length);
    for (const scope of scopes) {
      const ordinal = ordinals.get(scope);
      if (ordinal !== undefined)
        all.push(this.#read(ordinal, generation, query.length).scored(query, length));
    }
    return standingOut(all, count);
  }

  #read(ordinal: number, generation: number, dimensions: number): VectorSet {
    let set = this.#sets.get(ordinal);
    if (set === undefined) {
      set = new VectorSet(dimensions);
      this.#sets.set(ordinal, set);
    }
    const others = [...this.#sets.values()].reduce((sum, { bytes }) => sum + bytes, 0) - set.bytes;
    for (const { seq, memory, vector } of this.#table.after(ordinal, generation, set.lastSeq)) {
      // Beyond that, memories are found by their words.
      if (others + set.bytes > limits.embedding_cached_bytes_max) break;
      set.add(seq, memory, vector);
    }
    return set;
  }
}

/** How near is near differs between models: what is no nearer than most is left out. */
function standingOut(all: readonly Scored[], count: number): Near[] {
  let [sum, squares, of, nearest] = [0, 0, 0, 0];
  for (const { similarities } of all) {
    of += similarities.length;
    for (const similarity of similarities) {
      sum += similarity;
      squares += similarity * similarity;
      nearest = Math.max(nearest, similarity);
    }
  }
  const mean = of === 0 ? 0 : sum / of;
  const spread = Math.sqrt(Math.max(0, squares / Math.max(1, of) - mean * mean));
  // Where most are near, the nearest stand out of the rest by less.
  const out = Math.min(mean + spread, nearest - spread / 2);
  let least = Math.max(out - ROUNDING, Number.MIN_VALUE);
  let best: Near[] = [];
  const sorted = () => best.sort((a, b) => b.similarity - a.similarity || b.rowid - a.rowid).slice(0, count);
  for (const { rows, similarities } of all) {
    for (let at = 0; at < similarities.length; at += 1) {
      if (similarities[at]! < least) continue;
      best.push({ rowid: rows[at]!, similarity: similarities[at]! });
      if (best.length < SORTED_AT * count) continue;
      best = sorted();
      least = best.at(-1)!.similarity;
    }
  }
  return sorted();
}

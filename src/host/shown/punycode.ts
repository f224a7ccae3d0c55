/** Punycode (RFC 3492), decoding only: what a label of a host name that begins with `xn--` is written as. */
const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const FIRST_CODE = 128;
const FIRST_BIAS = 72;
const LABEL_CHARS_MAX = 63;

/** @returns the label as it is written; itself where it is no punycode or a broken one */
export function unicodeLabel(label: string): string {
  if (!/^xn--[a-z0-9-]+$/i.test(label) || label.length > LABEL_CHARS_MAX) return label;
  return decoded(label.slice('xn--'.length)) ?? label;
}

function decoded(input: string): string | null {
  const split = Math.max(0, input.lastIndexOf('-'));
  const output = Array.from(input.slice(0, split), (char) => char.codePointAt(0)!);
  let code = FIRST_CODE;
  let bias = FIRST_BIAS;
  let index = 0;
  for (let at = split === 0 ? 0 : split + 1; at < input.length; ) {
    const before = index;
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = Number.parseInt(input[at] ?? '', BASE);
      if (Number.isNaN(digit)) return null;
      at += 1;
      // Punycode counts a to z before 0 to 9, base 36 the other way round.
      const value = digit < 10 ? digit + 26 : digit - 10;
      index += value * weight;
      const threshold = Math.min(T_MAX, Math.max(T_MIN, k - bias));
      if (value < threshold) break;
      weight *= BASE - threshold;
      if (weight > 0x7fffffff) return null;
    }
    const points = output.length + 1;
    bias = adapted(index - before, points, before === 0);
    code += Math.floor(index / points);
    index %= points;
    if (code > 0x10ffff) return null;
    output.splice(index, 0, code);
    index += 1;
  }
  return String.fromCodePoint(...output);
}

function adapted(delta: number, points: number, first: boolean): number {
  let rest = Math.floor(delta / (first ? DAMP : 2));
  rest += Math.floor(rest / points);
  let k = 0;
  for (; rest > ((BASE - T_MIN) * T_MAX) >> 1; k += BASE) rest = Math.floor(rest / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + SKEW));
}

/** What a program might print: text of every width, attributes, motions, modes, strings. Of a seed, so that it comes again. */

/** Numbers from 0 to 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const GLYPHS = ['é', '漢', '字', 'e\u0301', '😀', 'ｱ', '─', '한', '“', '…', 'न\u093f'];
const MODES = [1, 6, 7, 25, 45, 66, 1000, 1002, 1003, 1004, 1006, 1016, 1047, 1049, 2004, 2026, 1007, 2031];
const OTHERS = [
  ...['\x1b7', '\x1b8', '\x1bD', '\x1bE', '\x1bM', '\x1bH', '\x1b=', '\x1b>', '\x1bc', '\x1b(0', '\x1b(B'],
  ...['\x1b)0', '\x1b)B', '\x1b*A', '\x0e', '\x0f', '\x1bn', '\x1b#8', '\x1b[!p', '\x1b[r', '\x1b[4h'],
  ...['\x1b[4l', '\x1b[20h', '\x1b[20l', '\x1b[5 q', '\x1b[0 q', '\x1b[2 @', '\x1b[1"q', '\x1b[0"q'],
  ...[
    '\x1b]0;title\x07',
    '\x1b]2;τίτλος\x1b\\',
    '\x1b[22;2t',
    '\x1b[23;2t',
    '\x1b[>5u',
    '\x1b[<u',
    '\x1b[=3;2u',
  ],
  ...['\x1b[>4;2m', '\x1b]4;3;rgb:11/22/33\x07', '\x1b]11;#112233\x07', '\x1b]111\x07', '\x1bPabc\x1b\\'],
];

export function randomOutput(
  next: () => number,
  size: { cols: number; rows: number },
  pieces: number,
): Buffer {
  const below = (limit: number) => Math.floor(next() * limit);
  const one = <T>(of: readonly T[]): T => of[below(of.length)]!;
  const text = () => {
    const chars = below(next() < 0.1 ? 200 : 12) + 1;
    return Array.from({ length: chars }, () =>
      next() < 0.85 ? String.fromCharCode(32 + below(95)) : one(GLYPHS),
    ).join('');
  };
  const colour = () => one([`5;${below(256)}`, `2;${below(256)};${below(256)};${below(256)}`]);
  const attribute = () =>
    one([
      ...['0', '1', '2', '3', '4', '5', '7', '8', '9', '21', '22', '23', '24', '27', '39', '49', '53', '4:3'],
      ...[`${30 + below(8)}`, `${40 + below(8)}`, `${90 + below(8)}`, `${100 + below(8)}`],
      ...[`38;${colour()}`, `48;${colour()}`, '58;5;9'],
    ]);
  const motion = () => {
    const final = one([...'@ABCDEFGHIJKLMPSTXZ`abdefg']);
    const number = () => one(['', `${below(size.rows + 2)}`, `${below(size.cols + 2)}`, '1', '2']);
    if (final === 'H' || final === 'f') return `\x1b[${number()};${number()}${final}`;
    return `\x1b[${final === 'g' ? one(['', '3']) : final === 'J' || final === 'K' ? one(['', '1', '2']) : number()}${final}`;
  };
  const piece = () => {
    const kind = next();
    if (kind < 0.42) return text();
    if (kind < 0.57) return one(['\r\n', '\r\n', '\n', '\r', '\t', '\b']);
    if (kind < 0.7) return `\x1b[${Array.from({ length: below(3) + 1 }, attribute).join(';')}m`;
    if (kind < 0.88) return motion();
    if (kind < 0.94) return `\x1b[?${one(MODES)}${one(['h', 'l'])}`;
    if (kind < 0.96) return `\x1b[${below(size.rows) + 1};${below(size.rows) + 1}r`;
    return one(OTHERS);
  };
  return Buffer.from(Array.from({ length: pieces }, piece).join(''));
}

/** Every cut at every length, over texts made of all that is hard to cut, against the segmentation of the whole. */
import { describe, expect, it } from 'vitest';
import { cutText, endOfText, shortText, textPieces, wholeBytes } from '../../src/host/text.ts';

const PARTS = [
  'a',
  ' ',
  'é',
  'e\u0301',
  '\r\n',
  '\n',
  '😀',
  '👩‍👩‍👧‍👦',
  '👍🏽',
  '🇩🇪',
  '🇫🇷🇫🇷',
  '각',
  '\u1100\u1161\u11a8',
  'क्षि',
  '漢',
  '\u0600a',
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  '1️⃣',
  '\ud83d',
  '\udc00',
  'z\u0300\u0301\u0302\u0303\u0304',
];

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

function texts(): string[] {
  const random = numbers(7);
  const next = (below: number) => random.next().value % below;
  const mixed = Array.from({ length: 300 }, () =>
    Array.from({ length: next(14) }, () => PARTS[next(PARTS.length)]!).join(''),
  );
  return [...PARTS, ...mixed, '🇩🇪'.repeat(40), '👩‍👩‍👧‍👦'.repeat(8)];
}

function boundaries(text: string): number[] {
  const segments = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)];
  return [...segments.map((segment) => segment.index), text.length];
}

const chars = (chars_max: number) => ({ chars_max });

describe('text is cut between characters', () => {
  it('at its end, whatever the length', () => {
    for (const text of texts()) {
      const places = boundaries(text);
      for (let most = 0; most <= text.length + 1; most += 1) {
        const expected = text.slice(
          0,
          places.findLast((place) => place <= most),
        );
        expect(cutText(text, chars(most))).toBe(expected.toWellFormed());
      }
    }
  });

  it('at its beginning, whatever the length', () => {
    for (const text of texts()) {
      const places = boundaries(text);
      for (let most = 0; most <= text.length + 1; most += 1) {
        const expected = text.slice(places.find((place) => place >= text.length - most));
        expect(endOfText(text, most)).toBe(expected.toWellFormed());
      }
    }
  });

  it('by its bytes in UTF-8', () => {
    for (const text of texts().map((one) => one.toWellFormed())) {
      const places = boundaries(text);
      for (let most = 0; most <= Buffer.byteLength(text) + 1; most += 1) {
        const expected = places.findLast((place) => Buffer.byteLength(text.slice(0, place)) <= most);
        expect(cutText(text, { bytes_max: most })).toBe(text.slice(0, expected));
      }
    }
  });

  it('into pieces that are the whole, none too long', () => {
    for (const text of texts()) {
      for (const most of [2, 3, 7, 16]) {
        const pieces = textPieces(text, most);
        expect(pieces.join('')).toBe(text);
        expect(pieces.every((piece) => piece.length <= most && piece.length > 0)).toBe(true);
        if (text.isWellFormed()) expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
      }
    }
  });

  it('far from its beginning, where flags stand in a long row', () => {
    const text = `${'x'.repeat(10)}${'🇩🇪'.repeat(900)}`;
    for (let most = text.length - 9; most < text.length; most += 1) {
      expect((cutText(text, chars(most)).length - 10) % 4).toBe(0);
    }
  });

  it('and between code points where one character is longer than any limit', () => {
    const heap = `z${'\u0301'.repeat(10_000)}`;
    expect(cutText(heap, chars(5_000))).toHaveLength(5_000);
    expect(endOfText(heap, 5_000)).toHaveLength(5_000);
    const emoji = '😀\u200d'.repeat(3_000);
    for (const most of [3_001, 3_002, 3_003]) {
      expect(cutText(emoji, chars(most)).isWellFormed()).toBe(true);
      expect(endOfText(emoji, most).isWellFormed()).toBe(true);
    }
  });

  it('and a text that fits is left as it is, but for halves of a character', () => {
    expect(shortText('abc', 3)).toBe('abc');
    expect(shortText('abcd', 3)).toBe('ab…');
    expect(shortText('ab😀😀', 4)).toBe('ab…');
    expect(shortText('a\ud83d', 9)).toBe('a\ufffd');
    expect(cutText('a\ud83d', chars(9))).toBe('a\ufffd');
  });

  it('in time that does not grow with what is left out', () => {
    const text = 'ä😀'.repeat(2_000_000);
    const started = performance.now();
    for (let n = 0; n < 1_000; n += 1) cutText(text, chars(48_001));
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('bytes', () => {
  it('that are not whole characters yet are told, for each place a stream can be cut at', () => {
    const bytes = Buffer.from('aé漢😀z');
    const ends = new Set([0, 1, 3, 6, 10, 11]);
    for (let end = 0; end <= bytes.length; end += 1) {
      const whole = wholeBytes(bytes.subarray(0, end));
      expect(ends.has(whole)).toBe(true);
      expect(end - whole).toBeLessThan(4);
    }
    expect(wholeBytes(Buffer.from([0x80, 0x80, 0x80, 0x80]))).toBe(4);
    expect(wholeBytes(Buffer.from([0xff]))).toBe(0);
  });
});

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/host/limits.ts';
import { NOTHING, type Unfinished } from '../../../src/host/runs/long-line.ts';
import { type Cut, cutLines, lastWords } from '../../../src/host/runs/output-lines.ts';

/** The bytes in chunks of this size. Between two of them, what is unfinished is stored and read again. */
function cutAll(bytes: Buffer, size: number, before: Unfinished = NOTHING): Cut {
  let now = before;
  const all: Cut = { ...NOTHING, lines: [], dropped: [] };
  for (let at = 0; at < bytes.length; at += size) {
    const cut = cutLines(now, bytes.subarray(at, at + size));
    now = JSON.parse(JSON.stringify({ rest: cut.rest, long: cut.long })) as Unfinished;
    all.lines.push(...cut.lines);
    all.dropped.push(...cut.dropped);
  }
  return { ...all, ...now };
}

test('any way of cutting the bytes gives the same lines, characters cut in two included', () => {
  const bytes = Buffer.from('{"a":"ä€😀"}\r\n\n{"b":1}\nrest of ü');
  for (let size = 1; size <= bytes.length; size += 1) {
    const { lines, rest } = cutAll(bytes, size);
    expect(lines).toEqual([
      { text: '{"a":"ä€😀"}', cut: 0 },
      { text: '{"b":1}', cut: 0 },
    ]);
    expect(Buffer.from(rest, 'latin1').toString()).toBe('rest of ü');
  }
});

describe('a line that grows long', () => {
  const MB = 1024 * 1024;
  const kept = limits.event_text_bytes_max - 1024;
  const around = (text: string) => `{"before":1,"text":"${text}","after":["\\u00e9\\"",2]}`;
  const parsed = ({ lines }: Cut) => JSON.parse(lines[0]!.text) as Record<string, unknown>;

  test.each([
    ['letters', 'x'.repeat(1.5 * MB)],
    ['characters of four bytes', '🚀'.repeat(MB / 3)],
    ['escapes', '\\u00e9\\\\\\"\\n'.repeat(110_000)],
    ['what looks like JSON', '\\",{[:'.repeat(190_000)],
    ['bytes before a cut in a character', `x${'é'.repeat(0.7 * MB)}`],
  ])('keeps the beginning of a long text, and all that stands beside it: %s', (_what, text) => {
    for (const size of [64 * 1024, 64 * 1024 - 1]) {
      const cut = cutAll(Buffer.from(`${around(text)}\r\n{"next":1}\n`), size);
      expect(cut).toMatchObject({ dropped: [], rest: '', long: null });
      const line = parsed(cut);
      expect(line).toMatchObject({ before: 1, after: ['é"', 2] });
      const [, beginning, left] =
        /^([\s\S]*)\n… (\d+) more bytes of this text are in the journal of the run$/.exec(
          line.text as string,
        )!;
      const whole = JSON.parse(`"${text}"`) as string;
      expect(whole.startsWith(beginning!)).toBe(true);
      expect(Number(left)).toBe(cut.lines[0]!.cut);
      expect(Number(left)).toBeGreaterThan(Buffer.byteLength(text) - kept - 10);
      expect((line.text as string).length).toBeLessThanOrEqual(limits.event_text_bytes_max);
      expect(cut.lines[1]).toEqual({ text: '{"next":1}', cut: 0 });
    }
  });

  test('up to that it is as it was printed', () => {
    for (const text of [
      around('x'.repeat(limits.engine_line_whole_bytes_max - 100)),
      `[${'{},'.repeat(10_000)}0]`,
    ])
      expect(cutAll(Buffer.from(`${text}\n`), 64 * 1024).lines).toEqual([{ text, cut: 0 }]);
  });

  test.each([
    ['too many bytes', `"${'x'.repeat(limits.engine_line_bytes_max)}`, /more than \d+ bytes$/],
    ['more values than are parsed in one step', `[${'{},'.repeat(200_000)}`, /more than \d+ values/],
    ['too many values', `[${'{},'.repeat(600_000)}`, /more than \d+ values/],
    ['too much that is no long text', `${'x'.repeat(3 * MB)}`, /bytes in short texts/],
    ['too many texts', `[${`"${'x'.repeat(60_000)}",`.repeat(40)}`, /bytes in short texts/],
  ])(
    '%s: it is passed over to its end, told once, and its rest is no line of its own',
    (_what, text, why) => {
      const forged = '","x":1}{"type":"result"}';
      const bytes = Buffer.from(`${text}${'y'.repeat(100_000)}${forged}\n{"next":1}\n`);
      const cut = cutAll(bytes, 64 * 1024);
      expect(cut.lines).toEqual([{ text: '{"next":1}', cut: 0 }]);
      expect(cut.dropped).toHaveLength(1);
      expect(cut.dropped[0]!.why).toMatch(why);
      expect(bytes.toString().startsWith(cut.dropped[0]!.text)).toBe(true);
    },
  );

  test('however long: what is carried from chunk to chunk is bounded', () => {
    const chunk = Buffer.alloc(64 * 1024, '🚀');
    let now: Unfinished = NOTHING;
    let most = 0;
    for (let at = 0; at < 40 * MB; at += chunk.length) {
      now = cutLines(now, at === 0 ? Buffer.concat([Buffer.from('{"a":"'), chunk]) : chunk);
      most = Math.max(most, now.rest.length);
    }
    expect(most).toBeLessThanOrEqual(limits.engine_line_whole_bytes_max);
    expect(now.rest).toBe('');
  });
});

test('the last words of a program are its last lines, without the terminal they were dressed for', () => {
  expect(lastWords('')).toBeNull();
  expect(lastWords('\u001b[2J\u001b]0;title\u0007 \r\n')).toBeNull();
  expect(lastWords('a\r\nb\r\n\u001b[31mError:\u001b[0m no\tsuch\r\n\r\ntable\u001b[K')).toBe(
    'b / Error: nosuch / table',
  );
  const long = lastWords('x'.repeat(5_000))!;
  expect(long).toHaveLength(400);
  expect(long.startsWith('…')).toBe(true);
});

/** Lines of a log as they are left on a screen, times as people write them, and the end of a large journal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogLines } from '../../../src/host/cli/log-lines.ts';
import { whenOf } from '../../../src/host/cli/when.ts';
import { placeOfLast, placeOfTime, printedFrom } from '../../../src/host/runs/printed.ts';
import { Journal } from '../../../src/host/shim/process/journal.ts';
import { RecordType } from '../../../src/host/shim/shim-protocol.ts';

const read = (text: string, colour = false): string[] => {
  const lines = new LogLines(colour);
  return [...lines.push(Buffer.from(text), 1), ...lines.rest()].map((line) => line.text);
};

const CASES: [string, string[]][] = [
  ['a\r\nb\r\nc', ['a', 'b', 'c']],
  ['10%\r 50%\r100%\ndone\n', ['100%', 'done']],
  ['\r10%\r20%\r\n', ['20%']],
  ['abc\rX\n', ['Xbc']],
  ['long text\r\x1b[Kshort\n', ['short']],
  ['one\x1b[2K\rtwo\n', ['two']],
  ['abc\b\bX\n', ['aXc']],
  ['downloading…\x1b[5Gxx\n', ['downxxading…']],
  ['\x1b[31mred\x1b[0m \x1b]0;title\x07x\n', ['red x']],
  ['a\x1b]52;c;AAAA\x07b\u202ec\n', ['ab<U+202E>c']],
  ['日本\re\u0301\n\n', ['e\u0301本', '']],
  ['no end', ['no end']],
];

describe('lines', () => {
  it.each(CASES)('%j', (text, lines) => expect(read(text)).toEqual(lines));

  it('are the same however the bytes are cut', () => {
    for (const [text, expected] of CASES) {
      const bytes = Buffer.from(text);
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const lines = new LogLines(false);
        const parts = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((part) => lines.push(part, 1));
        expect([...parts, ...lines.rest()].map((line) => line.text)).toEqual(expected);
      }
    }
  });

  it('have their colours where there is colour, and never one that hides', () => {
    expect(read('\x1b[1;31mred\x1b[0m x\n', true)).toEqual(['\x1b[1;31mred\x1b[0m x']);
    expect(read('\x1b[8mhidden\x1b[0m\n', true)).toEqual(['hidden']);
    expect(read('\x1b[32mgreen\r\x1b[31mred\n', true).join('')).toContain('red');
  });

  it('take a time and a memory that have a limit', () => {
    const lines = new LogLines(false);
    let count = 0;
    for (let n = 0; n < 50; n += 1) count += lines.push(Buffer.alloc(100_000, '1'), 1).length;
    expect(count).toBeGreaterThan(50);
    expect(read('\r1'.repeat(200_000))).toEqual(['1']);
  });
});

it.each([
  ['10m', 1_000_000_000 - 600_000],
  ['1h30m', 1_000_000_000 - 5_400_000],
  ['2.5s', 1_000_000_000 - 2_500],
  ['2026-11-27T14:05:00Z', Date.UTC(2026, 10, 27, 14, 5)],
  ['2026-11-27 14:05:00+01:00', Date.UTC(2026, 10, 27, 13, 5)],
  ['2026-11-27', new Date(2026, 10, 27).getTime()],
  ['1764252300', 1_764_252_300_000],
])('%s is a time', (given, at_ms) => expect(whenOf('--since', given, 1_000_000_000)).toBe(at_ms));

it.each(['yesterday', '10', '-5m', '2026-13-40', '5 minutes', ''])('%j is none', (given) => {
  expect(() => whenOf('--since', given, 0)).toThrow(/--since is a time/);
});

it('the last lines of a journal are found without reading what lies before its last files', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'aether-printed-'));
  try {
    const journal = new Journal({
      ...{ dir: join(dir, 'journal'), segmentBytes: 1024 * 1024, bytesMax: 1024 ** 3 },
      ...{ onGrown: () => undefined, onBlocked: () => undefined },
    });
    for (let n = 0; n < 4_000; n += 1) {
      journal.output(RecordType.out, 0, Buffer.from(`${n} ${'x'.repeat(4_000)}\r\n`));
      if (n % 10 === 0) journal.flush();
    }
    await journal.close();
    const { from } = placeOfLast(join(dir, 'journal'), 5);
    // Of 16 MB less than a tenth lies behind it.
    expect(journal.offset - from).toBeLessThan(1_600_000);
    const text = [...printedFrom(join(dir, 'journal'), from)].map(({ bytes }) => bytes.toString()).join('');
    expect(
      text
        .trimEnd()
        .split('\r\n')
        .slice(-5)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['3995', '3996', '3997', '3998', '3999']);
    expect(placeOfLast(join(dir, 'journal'), 1_000_000)).toEqual({ from: 0, lines: 4_000 });
    expect(placeOfTime(join(dir, 'journal'), 0)).toBe(0);
    expect(placeOfTime(join(dir, 'journal'), Date.now() + 1_000)).toBeGreaterThan(14_000_000);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

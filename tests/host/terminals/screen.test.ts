/**
 * The screen that is shown to those who come later is that of a terminal that saw everything: cells, cursor, modes, and
 * what they make of the next bytes, wherever in the output that is.
 */
import { expect, test } from 'vitest';
import type { Emulator } from '../../../src/host/terminals/screen/emulator.ts';
import { skipAhead } from '../../../src/host/terminals/screen/skip.ts';
import { random, randomOutput } from '../../support/random-output.ts';
import { recordings } from '../../support/recordings.ts';
import { emulator, restored, stateOf } from '../../support/terminal-state.ts';

const LONG = process.env.AETHER_LONG === '1';

function cutAnywhere(output: Buffer, size: { cols: number; rows: number }, cuts: number[]): void {
  const saw = emulator(size);
  let at = 0;
  for (const cut of cuts.sort((a, b) => a - b)) {
    saw.write(output.subarray(at, cut));
    at = cut;
    const later = restored(saw);
    expect(stateOf(later), `cut at ${cut}`).toEqual(stateOf(saw));
    // And it goes on as the other one does.
    const ahead = restored(saw);
    const rest = output.subarray(cut, cut + 200);
    later.write(rest);
    const both = emulator(size);
    both.write(output.subarray(0, cut));
    both.write(rest);
    expect(stateOf(later), `cut at ${cut}, and ${rest.length} bytes more`).toEqual(stateOf(both));
    for (const one of [later, ahead, both]) one.close();
  }
  saw.close();
}

/** Random output is stranger than programs are: of 1,000 cuts one leaves something that no sequence makes again. */
const SEEDS = 20;

test(`${SEEDS} random outputs, cut anywhere`, () => {
  const bad: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const next = random(seed);
    const size = { cols: 5 + Math.floor(next() * 60), rows: 2 + Math.floor(next() * 15) };
    const output = randomOutput(next, size, 150);
    try {
      cutAnywhere(
        output,
        size,
        Array.from({ length: 5 }, () => Math.floor(next() * output.length)),
      );
    } catch (error) {
      bad.push(`seed ${seed}: ${(error as Error).message.slice(0, 300)}`);
    }
  }
  expect(bad).toEqual([]);
}, 600_000);

const CUTS = LONG ? 100 : 10;

for (const recording of recordings())
  test(`${recording.name}, cut at ${CUTS} places`, () => {
    const next = random(recording.name.length);
    const bytes = recording.events.reduce((sum, one) => sum + ('output' in one ? one.output.length : 0), 0);
    const cuts = Array.from({ length: CUTS }, () => Math.floor(next() * bytes)).sort((a, b) => a - b);
    const saw = emulator(recording.size);
    /** Each was given the screen at one place, and what follows. */
    const later: { cut: number; one: Emulator }[] = [];
    const write = (output: Buffer) => {
      for (const one of [saw, ...later.map((each) => each.one)]) one.write(output);
    };
    let at = 0;
    for (const event of recording.events) {
      if ('size' in event) {
        for (const one of [saw, ...later.map((each) => each.one)])
          one.resize(event.size.cols, event.size.rows);
        continue;
      }
      const end = at + event.output.length;
      while (cuts[0] !== undefined && cuts[0] < end) {
        const cut = cuts.shift()!;
        write(event.output.subarray(event.output.length - (end - at), event.output.length - (end - cut)));
        at = cut;
        const one = restored(saw);
        expect(stateOf(one), `cut at ${cut}`).toEqual(stateOf(saw));
        later.push({ cut, one });
      }
      write(event.output.subarray(event.output.length - (end - at)));
      at = end;
    }
    for (const { cut, one } of later) {
      expect(stateOf(one), `cut at ${cut}, in the end`).toEqual(stateOf(saw));
      one.close();
    }
    saw.close();
  });

test('every mode comes back, from a sequence that was seen once', () => {
  const set = [
    ...['\x1b[?1h', '\x1b=', '\x1b[?2004h', '\x1b[?1004h', '\x1b[?1003h', '\x1b[?1006h', '\x1b[?25l'],
    ...['\x1b[3 q', '\x1b[?7l', '\x1b[?45h', '\x1b[4h', '\x1b[20h', '\x1b[?12h', '\x1b[?2026h'],
    ...['\x1b[>1u', '\x1b[>4;2m', '\x1b[?1007h', '\x1b]2;a title\x07', '\x1b[22;2t', '\x1b]4;1;#010203\x07'],
    ...[
      '\x1b]10;#aabbcc\x07',
      '\x1b)0',
      '\x0e',
      '\x1b[5;20r',
      '\x1b[?6h',
      '\x1b[3g\x1b[11G\x1bH',
      '\x1b[1"q',
    ],
    ...['\x1b[3;9H\x1b[1;35;44m', '\x1b7', '\x1b[?1049h', '\x1b[2;18r', '\x1b[4;4H', '\x1b[>5u', '\x1b7'],
  ];
  const saw = emulator({ cols: 80, rows: 24 });
  saw.write(Buffer.from(set.join('')));
  expect(stateOf(restored(saw))).toEqual(stateOf(saw));
  // The screen below the alternate one, with its own saved cursor and keyboard.
  const both = [saw, restored(saw)];
  for (const one of both) one.write(Buffer.from('text\x1b[?1049ltext'));
  expect(stateOf(both[1]!)).toEqual(stateOf(both[0]!));
});

test('a character and a sequence that are cut in the middle are whole in the end', () => {
  const output = Buffer.from('a“b…c\u2014d 漢 \x1b[38;5;196mred\x1b]2;tit“le\x07\x1bP1;2|x\x1b\\ end');
  const whole = emulator({ cols: 40, rows: 4 });
  whole.write(output);
  for (let cut = 1; cut < output.length; cut += 1) {
    const saw = emulator({ cols: 40, rows: 4 });
    saw.write(output.subarray(0, cut));
    const later = restored(saw);
    saw.write(output.subarray(cut));
    later.write(output.subarray(cut));
    expect(stateOf(saw), `cut at ${cut}`).toEqual(stateOf(whole));
    expect(stateOf(later), `cut at ${cut}, later`).toEqual(stateOf(whole));
  }
});

test('much that is given at once loses nothing of it', () => {
  const text = Buffer.from('“…” 漢字 '.repeat(30_000));
  const [whole, parts] = [emulator({ cols: 41, rows: 5 }), emulator({ cols: 41, rows: 5 })];
  whole.write(text);
  for (let at = 0; at < text.length; at += 1_000) parts.write(text.subarray(at, at + 1_000));
  expect(stateOf(whole)).toEqual(stateOf(parts));
});

test('a control string without end is passed over by those who come later', () => {
  for (const begin of ['\x1b]52;c;', '\x1bP', '\x1b_']) {
    const saw = emulator({ cols: 40, rows: 4 });
    saw.write(Buffer.from(`before ${begin}${'A'.repeat(300_000)}`));
    expect(saw.snapshot().length).toBeLessThan(10_000);
    const later = restored(saw);
    for (const one of [saw, later]) one.write(Buffer.from(`${'B'.repeat(500)}\x07\x1b\\after`));
    expect(stateOf(later)).toEqual(stateOf(saw));
  }
});

test('what a program asks is answered, whoever watches', () => {
  const answers: string[] = [];
  const one = emulator({ cols: 80, rows: 24 }, (text) => answers.push(text));
  const ask = (query: string): string => {
    answers.length = 0;
    one.write(Buffer.from(query));
    return answers.join('');
  };
  one.write(Buffer.from('\x1b[5;7H\x1b[?2004h\x1b[1;31m\x1b[>1u'));
  expect(ask('\x1b[c')).toBe('\x1b[?1;2c');
  expect(ask('\x1b[>c')).toMatch(/^\x1b\[>0;\d+;0c$/);
  expect(ask('\x1b[=c')).toBe('\x1bP!|00000000\x1b\\');
  expect(ask('\x1b[5n')).toBe('\x1b[0n');
  expect(ask('\x1b[6n')).toBe('\x1b[5;7R');
  expect(ask('\x1b[?6n')).toBe('\x1b[?5;7R');
  expect(ask('\x1b[?2004$p')).toBe('\x1b[?2004;1$y');
  expect(ask('\x1b[4$p')).toBe('\x1b[4;2$y');
  expect(ask('\x1b[>q')).toBe('\x1bP>|aether(test)\x1b\\');
  expect(ask('\x1b[?u')).toBe('\x1b[?1u');
  expect(ask('\x1b[18t')).toBe('\x1b[8;24;80t');
  expect(ask('\x1b]10;?\x07')).toMatch(/^\x1b\]10;rgb:d7d7\//);
  expect(ask('\x1b]11;?\x1b\\')).toMatch(/^\x1b\]11;rgb:0b0b\//);
  expect(ask('\x1b]11;#ff0000\x07\x1b]11;?\x07')).toBe('\x1b]11;rgb:ffff/0000/0000\x1b\\');
  expect(ask('\x1b]4;1;?\x07')).toMatch(/^\x1b\]4;1;rgb:/);
  expect(ask('\x1bP$qm\x1b\\')).toBe('\x1bP1$r0;1;31m\x1b\\');
  expect(ask('\x1bP$qr\x1b\\')).toBe('\x1bP1$r1;24r\x1b\\');
  expect(ask('\x1bP+q544e\x1b\\')).toBe('\x1bP0+r\x1b\\');
  expect(ask('\x1b[?996n')).toBe('\x1b[?997;1n');
});

test('colours and size in pixels are those of the window that decides the size', () => {
  const answers: string[] = [];
  const one = emulator({ cols: 80, rows: 24 }, (text) => answers.push(text));
  const ask = (query: string): string => {
    answers.length = 0;
    one.write(Buffer.from(query));
    return answers.join('');
  };
  expect(ask('\x1b[14t\x1b[16t')).toBe('');
  expect(one.setLook({ theme: 'light', cell: { width_px: 8, height_px: 16 } })).toBe('');
  expect(ask('\x1b]10;?\x07')).toBe('\x1b]10;rgb:2424/2727/2e2e\x1b\\');
  expect(ask('\x1b]11;?\x07')).toBe('\x1b]11;rgb:fcfc/fcfc/fdfd\x1b\\');
  expect(ask('\x1b]4;1;?\x07')).toBe('\x1b]4;1;rgb:c0c0/2828/2d2d\x1b\\');
  expect(ask('\x1b[?996n')).toBe('\x1b[?997;2n');
  expect(ask('\x1b[14t')).toBe('\x1b[4;384;640t');
  expect(ask('\x1b[16t')).toBe('\x1b[6;16;8t');
  // A colour that the program set is its own, and it is told of a change only where it asked.
  expect(ask('\x1b]11;#ff0000\x07\x1b]11;?\x07')).toBe('\x1b]11;rgb:ffff/0000/0000\x1b\\');
  one.write(Buffer.from('\x1b[?2031h'));
  expect(one.setLook({ theme: 'light' })).toBe('');
  expect(one.setLook({ theme: 'dark' })).toBe('\x1b[?997;1n');
});

test('of much output the same screen is made with most of it left out', () => {
  const limits = { scrollback_lines_max: 100, scrollback_bytes_max: 1e7 };
  const before = [
    '',
    '\x1b[5;10H',
    '\x1b[31mred',
    '\x1b[?1049h\x1b[3;3Hx',
    '\x1b(0',
    '\x1b[44m',
    'ab\r\nc\x1b7',
  ];
  for (const [at, first] of before.entries()) {
    const next = random(at + 1);
    const lines = Array.from({ length: 6_000 }, (_, number) => {
      const colour = next() < 0.3 ? `\x1b[3${Math.floor(next() * 8)}mcolour\x1b[0m` : '';
      return `${number} 漢字 “${'x'.repeat(Math.floor(next() * 100))}” ${colour}\r\n`;
    });
    const output = Buffer.from(`${lines.join('')}\x1b[2;3Htail`);
    const [saw, skips] = [
      emulator({ cols: 60, rows: 20 }, undefined, limits),
      emulator({ cols: 60, rows: 20 }, undefined, limits),
    ];
    for (const one of [saw, skips]) one.write(Buffer.from(first));
    saw.write(output);
    const skip = skipAhead(output, skips.linesKept()!)!;
    expect(skip.from - skip.head).toBeGreaterThan(output.length / 2);
    skips.write(output.subarray(0, skip.head));
    skips.write(Buffer.from(skip.plain ? '\x1b[m\r\n' : '\r\n'));
    skips.write(output.subarray(skip.from));
    expect(stateOf(skips), JSON.stringify(first)).toEqual(stateOf(saw));
  }
});

test('nothing is left out where it may change what follows', () => {
  const filler = `${'y'.repeat(70)}\r\n`.repeat(4_000);
  const early = (sequence: string) => skipAhead(Buffer.from(`a\r\n${sequence}${filler}`), 100);
  expect(early('')).not.toBeNull();
  for (const sequence of ['\x1b[?1h', '\x1b[2;5r', '\x1b(0', '\x0e', '\x1b]2;x\x07', '\u009b31m', '\x1b[6n'])
    expect(early(sequence), JSON.stringify(sequence)).toBeNull();
  const region: Emulator = emulator({ cols: 20, rows: 10 });
  region.write(Buffer.from('\x1b[2;5r'));
  expect(region.linesKept()).toBeNull();
});

test('what is before the cursor is erased also in the last cell of the screen', () => {
  const one = emulator({ cols: 10, rows: 3 });
  one.write(Buffer.from('first\r\nsecond\r\nthird  xyz\x1b[1Jend'));
  expect(one.fault).toBeNull();
  expect(JSON.stringify(stateOf(one))).not.toMatch(/first|second|third/);
});

test('sequences that repeat without measure take no time', () => {
  const one = emulator({ cols: 80, rows: 24 });
  const begun = performance.now();
  for (const final of ['S', 'T', 'L', 'M', 'I', 'Z', 'b', '@', 'P', 'X'])
    one.write(Buffer.from(`a\x1b[2147483647${final}`));
  for (let link = 0; link < 20_000; link += 1) one.write(Buffer.from(`\x1b[H\x1b]8;;http://a/${link}\x07x`));
  expect(performance.now() - begun).toBeLessThan(5_000);
});

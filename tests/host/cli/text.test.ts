/** What reaches a terminal: sanitised text, widths, the filter of a taken-over terminal, the hand-back key. */
import { describe, expect, it } from 'vitest';
import { splitAtHandBack } from '../../../src/host/cli/raw-terminal.ts';
import { TerminalFilter } from '../../../src/host/cli/terminal-filter.ts';
import { age, oneLine, pad, sanitise, shorten, width } from '../../../src/host/cli/text.ts';

describe('sanitise', () => {
  it.each([
    ['a\x1b[31mred\x1b[0m b', 'ared b'],
    ['\x1b]0;title\x07text\x1b]52;c;AAAA\x1b\\end', 'textend'],
    ['\x1bPq#0;2;0\x1b\\x\x1b_apc\x1b\\y', 'xy'],
    ['\x9b2Jx\x9d0;t\x9cy', 'xy'],
    ['\x1b]0;never ended', ''],
    ['a\x1b]0;never ended\nnext\r\nline', 'a\nnext\nline'],
    [`\x1b]0;${'x'.repeat(256 - 2)}text after`, 'text after'],
    [`\x1b]52;c;${'A'.repeat(9_000)}\x07text after`, 'text after'],
    ['a\x1b]0;broken off\x1b[31mred\x1b[0m', 'ared'],
    ['a\x1b]0;cancelled\x18b\x1b]0;substituted\x1ac', 'abc'],
    ['a\x1bPnever ended\nb\x1b_nor this\nc\x1b^nor this\nd\x1bXnor this\ne', 'a\nb\nc\nd\ne'],
    ['a\x90never ended\nb\x9fnor this\nc\x9enor this\nd\x98nor this\ne\x9dnor this\nf', 'a\nb\nc\nd\ne\nf'],
    ['a\x90DCS\x9cb\x9fAPC\x1b\\c\x9ePM\x07d', 'abcd'],
    ['cut off\x1b[38;2;1', 'cut off'],
    ['cut off\x1b', 'cut off'],
    ['cut off\x9b38;2', 'cut off'],
    ['a\x1b[31\nb\x1b[日c', 'a\nb日c'],
    [`\x1b[${'1'.repeat(256)}999`, '999'],
    ['one\r\ntwo\rthree', 'one\ntwo\nthree'],
    ['safe\u202eevil\u2066x\x07\x08', 'safe<U+202E>evil<U+2066>x<\\x07><\\x08>'],
    ['tab\tand\nline', 'tab\tand\nline'],
    ['\x1b(B\x1b7x\x1b', 'x'],
  ])('%j', (given, shown) => expect(sanitise(given)).toBe(shown));

  it('leaves nothing a terminal would obey, whatever is fed', () => {
    let seed = 7;
    const next = () => (seed = (seed * 48_271) % 0x7fffffff);
    const alphabet = [
      '\x1b',
      '[',
      ']',
      'P',
      '\x07',
      '\x9b',
      '\x9c',
      '\\',
      ';',
      '5',
      'm',
      'x',
      '\r',
      '\n',
      '\x18',
      'é',
    ];
    for (let round = 0; round < 2_000; round += 1) {
      const text = Array.from({ length: 24 }, () => alphabet[next() % alphabet.length]).join('');
      expect(sanitise(text)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      expect(oneLine(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }
  });

  it('takes a time that follows the length, whatever begins and does not end', () => {
    for (const start of ['\x9d', '\x1b]', '\x1bP', '\x9b', '\x1b[', '\x1b ', '\x1b]\x9d'])
      expect(sanitise(start.repeat(200_000)).length).toBeLessThan(10);
  }, 5_000);
});

describe('widths', () => {
  it.each([
    ['abc', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['👩‍💻', 2],
    ['→', 1],
    ['', 0],
  ])('%s takes %d columns', (text, columns) => expect(width(text)).toBe(columns));

  it('cuts at whole characters and says so', () => {
    expect(shorten('abcdef', 4)).toBe('abc…');
    expect(shorten('日本語', 4)).toBe('日…');
    expect(shorten('abc', 3)).toBe('abc');
    expect(pad('日', 4)).toBe('日  ');
  });

  it('ages', () => {
    expect([0, 59_999, 60_000, 7_200_000, 200_000_000].map((ms) => age(0, ms))).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '2 h',
      '2 d',
    ]);
    expect(age(5_000, 0)).toBe('0 s');
  });
});

describe('the filter of a terminal', () => {
  const filtered = (text: string) => new TerminalFilter(false).push(Buffer.from(text));

  it.each([
    ['\x1b[?1049h\x1b[2J\x1b[1;31mx\x1b[0m\x1b(B\x1b7\x1b8\x1b=', true],
    ['\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\', true],
    ['\x1b]11;?\x1b\\\x1b[6n\x1b[c', true],
    ['\x1b]52;c;cm0gLXJm\x07', false],
    ['\x1b]0;title\x07', false],
    ['\x1b]8;;file:///etc/passwd\x1b\\', false],
    ['\x1b]8;;javascript:alert(1)\x1b\\', false],
    ['\x1b[21t\x1b[8;1;1t', false],
    ['\x1b[5i', false],
    ['\x1bPtmux;\x1b\x1b]52;c;x\x07\x1b\\', false],
    ['\x1b_G payload\x1b\\', false],
    ['\u009b31m', false],
  ])('%j passes: %s', (sequence, passes) => {
    const out = filtered(`a${sequence}b`);
    if (passes) expect(out).toBe(`a${sequence}b`);
    else expect(out).not.toMatch(/\x1b[[\]P_]|\u009b/);
    expect(out.startsWith('a') && out.endsWith('b')).toBe(true);
  });

  it('judges a sequence whole, however the bytes are cut', () => {
    const text = 'é\x1b[31mred\x1b]52;c;AAAA\x07\x1b]8;;https://x.org\x07l\x1b[0m日';
    const whole = filtered(text);
    const bytes = Buffer.from(text);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const filter = new TerminalFilter(false);
      expect(filter.push(bytes.subarray(0, cut)) + filter.push(bytes.subarray(cut))).toBe(whole);
    }
    expect(whole).not.toContain('52;c');
  });

  it('swallows a control string without end in bounded memory, and goes on after it', () => {
    const filter = new TerminalFilter(false);
    let out = filter.push(Buffer.from('\x1b]0;'));
    for (let n = 0; n < 100; n += 1) out += filter.push(Buffer.alloc(10_000, 120));
    out += filter.push(Buffer.from('\x07after'));
    expect(out).toBe('after');
  });

  const UNENDED: [string, string][] = [
    ['a\x1b]0;never ended\r\nb', 'a\nb'],
    ['a\x1bPnever ended\nb\x1b_nor this\nc\x1b^nor this\nd\x1bXnor this\ne', 'a\nb\nc\nd\ne'],
    ['a\u009d0;title\x07b\u0090DCS\u009cc\u009fAPC\x1b\\d\u009ePM\ne\u0098SOS\nf', 'abcd\ne\nf'],
    ['a\x1b]0;broken off\x1b[31mred\x1b[0m', 'ared'],
    ['a\x1b]0;broken off\x1b]0;again\x07b', 'ab'],
    ['a\x1b]0;cancelled\x18b\x1b[3\x1ac', 'abc'],
    ['a\x1b[31\nb\x1b[日c\u009b31md\x1b\ne', 'a\nb日cd\ne'],
    ['a\x1b[38;2;1', 'a'],
  ];

  it.each(UNENDED)('plain, however the bytes are cut: of %j %j stays', (text, stays) => {
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const filter = new TerminalFilter(true);
      expect(filter.push(bytes.subarray(0, cut)) + filter.push(bytes.subarray(cut))).toBe(stays);
    }
    const filter = new TerminalFilter(true);
    expect([...bytes].map((byte) => filter.push(Buffer.from([byte]))).join('')).toBe(stays);
  });

  it('what has no end hides no more than its limit, and a title no more than its line', () => {
    for (const plain of [true, false]) {
      for (const start of ['\x1b]0;', '\x1bP', '\u009f', '\x1b[']) {
        const filter = new TerminalFilter(plain);
        let out = filter.push(Buffer.from(start));
        for (let n = 0; n < 120; n += 1) out += filter.push(Buffer.alloc(10_000, '1'));
        expect(out.length).toBeGreaterThan(100_000);
        expect(out).toMatch(/^1+$/);
      }
    }
    expect(filtered('a\x1b]0;title\r\nb')).toBe('a\r\nb');
    expect(filtered('a\x1bPq#0\n#1\x1b\\b')).toBe('ab');
  });

  it('plain: text only', () => {
    const filter = new TerminalFilter(true);
    expect(filter.push(Buffer.from('\x1b[2J$ ls\r\n\x1b[34mdir\x1b[0m\x07\n'))).toBe('$ ls\ndir\n');
  });
});

describe('Ctrl-]', () => {
  it.each([
    ['abc\x1ddef', 'abc', true],
    ['abc\x1b[93;5u', 'abc', true],
    ['\x1b[27;5;93~', '', true],
    ['plain \x1b[A', 'plain \x1b[A', false],
  ])('%j', (typed, before, pressed) => expect(splitAtHandBack(typed)).toEqual({ before, pressed }));
});

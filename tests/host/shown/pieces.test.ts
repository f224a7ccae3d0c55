/** What is marked in a text of an agent, and what is left alone because people write so. */
import { describe, expect, it } from 'vitest';
import { endsOf, leftOut } from '../../../src/host/shown/ends.ts';
import { noticeOf } from '../../../src/host/shown/notice.ts';
import { type Reading, show } from '../../../src/host/shown/pieces.ts';
import { plainLine, plainText } from '../../../src/host/shown/plain.ts';
import { unicodeLabel } from '../../../src/host/shown/punycode.ts';

describe('left alone', () => {
  it.each<[string, Reading]>([
    ['ls -la | grep "x y" && echo done', 'code'],
    ['node main.js --settings /run/openclaw-driver.json .github-rules.yaml', 'code'],
    ['if (a) {\n\treturn 1;\n}\n\n// next', 'file'],
    ['\u{1f468}\u200d\u{1f469}\u200d\u{1f467} ok \u2714\ufe0f 1\ufe0f\u20e3 \u{1f44d}\u{1f3fd}', 'prose'],
    ['\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', 'prose'],
    // Persian with a non-joiner, Hindi with a joiner, a Japanese name with its own form of a character.
    ['\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', 'prose'],
    ['\u0915\u094d\u200d\u0937', 'prose'],
    ['\u845b\u{e0100}\u57ce', 'prose'],
    [
      '\u042d\u0442\u043e \u0442\u0435\u043a\u0441\u0442, \u0430 \u043d\u0435 \u043e \u0442\u043e\u043c.',
      'prose',
    ],
    ['git commit -m "\u0438\u0441\u043f\u0440\u0430\u0432\u0438\u043b \u0430 \u0438 \u043e"', 'code'],
    ['T\u30b7\u30e3\u30c4 \u30ce\u30fc\u30c8 \u4e00\u3001\u4e8c', 'prose'],
    ['caf\u00e9 na\u00efve \u00fcber \u2014 \u201cquoted\u201d it\u2019s \u2026', 'prose'],
    ['git commit -m "It\u2019s done \u2014 really\u2026"', 'code'],
    ['https://api.github.com/x https://raw.githubusercontent.com/y git@github.com:a/b', 'code'],
    ['setup.py index.ts a.b.c() package.json 1.2.3 v0.1.0-rc.1 10.0.0.1', 'file'],
    ['http://127.0.0.1:3000/ http://[::1]/ localhost:80', 'code'],
    ['line one\r\nline two', 'prose'],
  ])('%j as %s', (text, as) => {
    expect(show(text, as).warnings).toEqual([]);
    expect(show(text, as).pieces.map(({ kind }) => kind)).toEqual(['text']);
  });
});

it('loses nothing: the pieces are the text, whatever is fed', () => {
  let seed = 11;
  const next = () => (seed = (seed * 48_271) % 0x7fffffff);
  const alphabet = [
    'a',
    '.com',
    '\u0456',
    '\u200b',
    '\u202e',
    '\n',
    ' ',
    ' '.repeat(20),
    '\x1b[',
    ']',
    'm',
    '\r',
  ]
    .concat([
      '\ud800',
      '\u{e0041}',
      '\ufe0f',
      '\u{1f468}',
      '\u200d',
      '\u05d0',
      '\u0301',
      'https://',
      '@',
      '/',
      '\t',
    ])
    .concat(['xn--', '\u3000', '\u2028', '\x00']);
  for (let round = 0; round < 3_000; round += 1) {
    const text = Array.from({ length: 30 }, () => alphabet[next() % alphabet.length]).join('');
    for (const as of ['code', 'file', 'prose'] as const) {
      expect(
        show(text, as)
          .pieces.map(({ raw }) => raw)
          .join(''),
      ).toBe(text);
      expect(plainText(text, as)).not.toMatch(
        /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]/,
      );
    }
  }
});

it('takes a time that follows the length', () => {
  for (const unit of [
    '\u200b',
    '\n',
    ' \n',
    'a.',
    'https://',
    '\x1b]',
    '\x9d',
    '\u0301',
    '\u05d0',
    '\u0430',
    '\ufe0f',
    '@',
    '\u{e0041}a',
  ])
    show(unit.repeat(60_000), 'code');
}, 10_000);

describe('ends', () => {
  it('of a long text both are shown, and what is between is counted', () => {
    const text = Array.from({ length: 500 }, (_, n) => `line ${n}`).join('\n');
    const ends = endsOf(text, { lines_max: 30, chars_max: 10_000 })!;
    expect(ends.head.endsWith('line 19')).toBe(true);
    expect(ends.tail.startsWith('line 490\n')).toBe(true);
    expect(leftOut(ends)).toMatch(/^⋯ 47\d lines, [\d,]+ characters ⋯$/);
    expect(endsOf('short', { lines_max: 30, chars_max: 10 })).toBeNull();
  });

  it('of one line', () => {
    expect(plainLine(`a${'x'.repeat(500)}z`, 'code', 60)).toMatch(/^ax+ … x+z$/);
    expect(plainLine(' a\n\n b\u200b ', 'prose', 60)).toBe('a b<U+200B>');
  });

  it('a notification says what runs, its end, and that not all is as it looks', () => {
    const command = `echo ${'x'.repeat(900)}; rm -rf ~`;
    const notice = noticeOf({
      kind: 'permission',
      title: 'Bash',
      detail: { tool: 'Bash', input: { command } },
    });
    expect(notice).toMatch(/^Bash \(2 steps\): echo x+ … x+; rm -rf ~$/);
    expect(noticeOf({ kind: 'question', title: 'x', detail: { question: 'Go?\u202e' } })).toBe(
      'Some of this text looks different from what it is. Go?<U+202E>',
    );
  });
});

it.each([
  ['xn--bcher-kva', 'b\u00fccher'],
  ['xn--gthub-n2e', 'g\u0456thub'],
  ['xn--80ak6aa92e', '\u0430\u0440\u0440\u04cf\u0435'],
  ['xn--fiqs8s', '\u4e2d\u56fd'],
  ['xn--d1acufc', '\u0434\u043e\u043c\u0435\u043d'],
  ['xn--', 'xn--'],
  ['xn--99999999999', 'xn--99999999999'],
  ['plain', 'plain'],
])('%s is written %s', (label, written) => expect(unicodeLabel(label)).toBe(written));

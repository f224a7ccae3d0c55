import { expect, test } from 'vitest';
import { cutLines, lastWords } from '../../../src/host/runs/output-lines.ts';

test('any way of cutting the bytes gives the same lines, characters cut in two included', () => {
  const text = '{"a":"ä€😀"}\r\n\n{"b":1}\nrest of ü';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size += 1) {
    let rest = '';
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      const cut = cutLines(rest, bytes.subarray(at, at + size), 1_000);
      rest = cut.rest;
      lines.push(...cut.lines);
    }
    expect(lines).toEqual(['{"a":"ä€😀"}', '{"b":1}']);
    expect(Buffer.from(rest, 'latin1').toString()).toBe('rest of ü');
    // The unfinished line is stored with the run as JSON.
    expect(JSON.parse(JSON.stringify(rest))).toBe(rest);
  }
});

test('a line over the limit is dropped and counted, and the next one is read', () => {
  const over = cutLines('', Buffer.from('x'.repeat(20)), 10);
  expect(over).toEqual({ lines: [], rest: '', dropped: 20 });
  expect(cutLines('', Buffer.from('fine\n'), 10).lines).toEqual(['fine']);
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

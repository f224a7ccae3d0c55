/** One message a line: whole characters wherever a chunk ends, a limit in bytes, and an end when it is wanted. */
import { expect, test } from 'vitest';
import { LineReader } from '../../src/host/line-reader.ts';

function reader(bytes_max: number): { lines: LineReader; read: string[] } {
  const lines = new LineReader(bytes_max);
  const read: string[] = [];
  lines.onLine = (line) => read.push(line);
  lines.onTooLong = () => read.push('(too long)');
  return { lines, read };
}

test('a character survives however its bytes are cut', () => {
  const bytes = Buffer.from('a🚀é\n\n \r\n{"ü":"漢"}\nrest');
  for (let size = 1; size <= bytes.length; size += 1) {
    const { lines, read } = reader(100);
    for (let at = 0; at < bytes.length; at += size) lines.push(bytes.subarray(at, at + size));
    expect(read).toEqual(['a🚀é', '{"ü":"漢"}']);
  }
});

test('the limit is of bytes; what is longer is told of once, at once, and the next line is read', () => {
  const { lines, read } = reader(8);
  lines.push(Buffer.from('🚀🚀\n🚀🚀x'));
  expect(read).toEqual(['🚀🚀', '(too long)']);
  lines.push(Buffer.from('more of it\nnext\n'));
  expect(read).toEqual(['🚀🚀', '(too long)', 'next']);
});

test('closed, it reads nothing more, not even of the same chunk', () => {
  const { lines, read } = reader(8);
  lines.onTooLong = () => lines.close();
  lines.push(Buffer.from('one\nfar too long\ntwo\n'));
  lines.push(Buffer.from('three\n'));
  expect(read).toEqual(['one']);
});

test('a listener that throws loses its line and nothing else', () => {
  const { lines, read } = reader(8);
  lines.onLine = () => {
    lines.onLine = (line) => read.push(line);
    throw new Error('no');
  };
  expect(() => lines.push(Buffer.from('one\n'))).toThrow('no');
  lines.push(Buffer.from('two\n'));
  expect(read).toEqual(['two']);
});

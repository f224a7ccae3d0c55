/** Who decides the size of a terminal that several windows of its holder show. */
import { expect, test } from 'vitest';
import { TerminalSizes } from '../../../src/host/terminals/sizes.ts';

const size = (cols: number) => ({ cols, rows: 10 });

test('the window that was used last decides; when it leaves, the one before it', () => {
  const sizes = new TerminalSizes();
  expect(sizes.decides(1)).toBeNull();
  sizes.claim('a', 1, size(1));
  expect(sizes.decides(1)).toEqual({ viewer: 'a', size: size(1) });
  sizes.claim('b', 1, size(2));
  sizes.use('a', 1);
  expect(sizes.decides(1)?.viewer).toBe('a');
  sizes.use('b', 1);
  sizes.claim('a', 1, size(3));
  expect(sizes.decides(1)).toEqual({ viewer: 'b', size: size(2) });
  sizes.claim('c', 1, size(4));
  sizes.use('c', 1);
  expect(sizes.leave('c')).toBe(1);
  expect(sizes.decides(1)?.viewer).toBe('b');
  sizes.leave('b');
  expect(sizes.decides(1)).toEqual({ viewer: 'a', size: size(3) });
  sizes.leave('a');
  expect(sizes.decides(1)).toBeNull();
});

test('windows of an earlier holder decide nothing', () => {
  const sizes = new TerminalSizes();
  sizes.claim('a', 1, size(1));
  sizes.use('a', 1);
  sizes.claim('b', 2, size(2));
  expect(sizes.decides(2)?.viewer).toBe('b');
  // One that goes on with the new lease keeps its size, and has not been used for it.
  sizes.use('a', 2);
  expect(sizes.decides(2)).toEqual({ viewer: 'a', size: size(1) });
});

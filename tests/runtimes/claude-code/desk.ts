/** One desk with the real program per test, for tests of what only Claude Code does. */
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { Bench } from '../../conformance/runtime-bench.ts';
import { type ClaudeSubject, claudeSubject } from './subject.ts';

export function useClaude(): Bench<ClaudeSubject> {
  // Each start takes a second alone and several on a busy machine.
  vi.setConfig({ testTimeout: 90_000 });
  const bench = new Bench(claudeSubject);
  beforeAll(() => bench.open());
  afterAll(() => bench.close());
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());
  return bench;
}

/** Files made to exhaust the host: each is refused at once, whatever the parser would make of it. */

import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/host/config/load.ts';
import { limits } from '../../../src/host/limits.ts';
import { load, refusal, refusalOf, tempDir } from './support.ts';

/** Generous for a busy machine; what it guards against takes minutes. */
const REFUSED_WITHIN_MS = 8_000;

function timed<T>(body: () => T): T {
  const start = performance.now();
  const result = body();
  expect(performance.now() - start).toBeLessThan(REFUSED_WITHIN_MS);
  return result;
}

function bomb(level: (index: number, below: string) => string): string {
  let text = 'x0: &x0 {k: v}\n';
  for (let index = 1; index < 30; index++) text += level(index, `*x${index - 1}`);
  return `${text}agents: *x29\n`;
}

const nine = (item: string, index = 0): string[] =>
  Array.from({ length: 9 }, (_, i) => `${index ? `k${i}: ` : ''}${item}`);

describe('alias bombs', () => {
  it.each([
    ['of lists', bomb((index, below) => `x${index}: &x${index} [${nine(below).join(', ')}]\n`)],
    ['of mappings', bomb((index, below) => `x${index}: &x${index} {${nine(below, 1).join(', ')}}\n`)],
    [
      'of merges',
      bomb((index, below) => `x${index}: &x${index}\n  <<: [${below}, ${below}]\n  k${index}: 1\n`),
    ],
    ['flat', `x: &x 1\ny: [${Array.from({ length: 20_000 }, () => '*x').join(',')}]\nagents: {}\n`],
  ])('%s', (_name, text) => {
    const error = timed(() => refusal(text));
    expect(error.code).toBe('config.alias');
    expect(error.message).toContain(`more than ${limits.config_aliases_max} copies`);
    expect(error.next).toContain('defaults:');
  });

  it('are not seen in ordinary use of aliases', () => {
    const agents = Array.from({ length: 40 }, (_, index) => `  a${index}: *base\n`);
    expect(load(`agents:\n  base: &base { runtime: claude-code }\n${agents.join('')}`).agents).toHaveLength(
      41,
    );
  });
});

describe('size', () => {
  it('1 MB is refused', () => {
    const error = timed(() => refusal(`agents: {} #${'x'.repeat(1024 * 1024)}`));
    expect(error).toMatchObject({ code: 'config.too-large', line: 1, column: 1 });
    expect(error.message).toMatch(/is 1\.0 MB; a configuration may have 256 KB/);
  });

  it('is judged before a byte is read', () => {
    const file = join(tempDir(), 'aether.yaml');
    // 64 GB of nothing: reading any good part of it would take longer than the test may.
    const descriptor = openSync(file, 'w');
    ftruncateSync(descriptor, 64 * 1024 ** 3);
    closeSync(descriptor);
    expect(statSync(file).blocks).toBe(0);
    expect(timed(() => refusalOf(file, () => loadConfig(file))).code).toBe('config.too-large');
  });

  it('counts for files that do not tell theirs', () => {
    // /proc files report 0 bytes; this one has no end within the limit.
    const error = timed(() => refusalOf('/proc/kallsyms', () => loadConfig('/proc/kallsyms')));
    expect(error.code).toBe('config.too-large');
  });

  it('a file just below the limit is read', () => {
    const text = `agents: {}\n#${'x'.repeat(limits.config_bytes_max - 12)}`;
    expect(Buffer.byteLength(text)).toBe(limits.config_bytes_max);
    expect(timed(() => load(text)).agents).toEqual([]);
  });

  it('a named pipe is not waited for', () => {
    const file = join(tempDir(), 'aether.yaml');
    execFileSync('mkfifo', [file]);
    expect(timed(() => refusalOf(file, () => loadConfig(file))).code).toBe('config.not-a-file');
  });
});

describe('shapes that cost the parser most', () => {
  it.each([
    ['open brackets', '['.repeat(200_000)],
    ['open braces', '{a: '.repeat(50_000)],
    ['closed brackets', `${'['.repeat(3_000)}${']'.repeat(3_000)}`],
    ['dashes', '- '.repeat(100_000)],
    ['question marks', '? '.repeat(100_000)],
    ['commas', `[${','.repeat(250_000)}`],
    ['anchors', '&a '.repeat(80_000)],
    ['lines', 'a:\n'.repeat(80_000)],
    ['keys', Array.from({ length: 25_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['anchored keys', Array.from({ length: 12_000 }, (_, index) => `k${index}: &k${index} 1`).join('\n')],
  ])('%s', (_name, text) => {
    const error = timed(() => refusal(text));
    expect(error.problems.length).toBeLessThanOrEqual(limits.config_problems_max);
  });

  it.each([
    ['newlines', '\n'.repeat(250_000)],
    ['quotes', "'".repeat(250_000)],
    ['exclamation marks', '!'.repeat(250_000)],
    ['blanks', `${' '.repeat(250_000)}a`],
    ['one key', `${'k'.repeat(250_000)}: 1`],
    ['nested question marks', '? '.repeat(20_000)],
    ['nested dashes', '- '.repeat(20_000)],
    ['indentation', Array.from({ length: 600 }, (_, index) => `${' '.repeat(index)}k:\n`).join('')],
  ])('%s', (_name, text) => {
    timed(() => refusal(text));
  });

  it('says where', () => {
    const error = refusal(`agents:\n  a: ${'['.repeat(60)}\n`);
    expect(error).toMatchObject({ code: 'config.too-complex', line: 2, column: 6 + limits.config_depth_max });
  });
});

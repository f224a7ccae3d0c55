/** Decisions that need no process: permissions, retries, masking, detection, the lock. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APICallError } from 'ai';
import { expect, test } from 'vitest';
import { detectBuiltin } from '../../../src/runtimes/builtin/detect.ts';
import { classify, retryDelay } from '../../../src/runtimes/builtin/loop/failures.ts';
import { takeLock } from '../../../src/runtimes/builtin/loop/lock.ts';
import { createModel } from '../../../src/runtimes/builtin/loop/models.ts';
import { maskedJson, masker, visibleEnv } from '../../../src/runtimes/builtin/loop/secrets.ts';
import { clean } from '../../../src/runtimes/builtin/loop/terminal/paint.ts';
import { CappedText } from '../../../src/runtimes/builtin/loop/tools/capped-text.ts';
import { parseModel } from '../../../src/runtimes/builtin/models.ts';
import { type Asked, decide } from '../../../src/runtimes/permission-rules.ts';
import { LoopDesk, runtime } from './loop-process.ts';

const command = (subject: string): Asked => ({
  tool: 'run_command',
  subject,
  shell: true,
  readOnly: false,
  granted: false,
});
const file = (tool: string, subject: string): Asked => ({
  tool,
  subject,
  shell: false,
  readOnly: tool !== 'write_file',
  granted: false,
});
const ask = (allow: string[], deny: string[] = []) => ({ mode: 'ask' as const, allow, deny });

test.each([
  ['git status', 'allow'],
  ['git', 'allow'],
  ['gitk', 'ask'],
  ['git log; mv a b', 'ask'],
  ['git log && mv a b', 'ask'],
  ['git log | sh', 'ask'],
  ['git log > file', 'ask'],
  ['git log $(mv a b)', 'ask'],
  ['git log `mv a b`', 'ask'],
  ['git log\nmv a b', 'ask'],
  ['make test | tail', 'allow'],
  ['make test | tail -1', 'ask'],
  ['rm -rf .', 'deny'],
  ['true; rm -rf .', 'deny'],
  ['(rm -rf .)', 'deny'],
])('%j with rules for commands: %s', (subject, decision) => {
  const rules = ask(['run_command(git *)', 'run_command(make test | tail)'], ['run_command(rm *)']);
  expect(decide(rules, command(subject))).toBe(decision);
});

test('rules name tools, with and without patterns, and the mode decides the rest', () => {
  expect(decide(ask([]), file('read_file', 'a'))).toBe('allow');
  expect(decide({ ...ask([]), mode: 'deny' }, file('read_file', 'a'))).toBe('deny');
  expect(decide(ask([], ['read_file(.env*)']), file('read_file', '.env.local'))).toBe('deny');
  expect(decide(ask(['write_file(docs/*)']), file('write_file', 'docs/a/b.md'))).toBe('allow');
  expect(decide(ask(['write_file(docs/*)']), file('write_file', 'src/a'))).toBe('ask');
  expect(decide(ask(['*_file']), file('write_file', 'x'))).toBe('allow');
  expect(decide(ask(['write_file'], ['write_file']), file('write_file', 'x'))).toBe('deny');
  expect(decide(ask(['Bash(git *)']), command('git x'))).toBe('ask');
  const granted = { tool: 'aether_report', subject: null, shell: false, readOnly: false, granted: true };
  expect(decide({ ...ask([]), mode: 'deny' }, granted)).toBe('allow');
  expect(decide(ask([], ['aether_*']), granted)).toBe('deny');
});

test('failures are told apart, and a provider is waited for as long as it asks, within limits', () => {
  const call = (statusCode: number | undefined, responseHeaders?: Record<string, string>) =>
    new APICallError({
      message: 'no',
      url: 'http://x',
      requestBodyValues: {},
      ...(statusCode === undefined ? {} : { statusCode }),
      ...(responseHeaders ? { responseHeaders } : {}),
    });
  expect(classify(call(429, { 'retry-after': '7' }))).toMatchObject({
    retry: true,
    limited: true,
    retryAfter_ms: 7_000,
  });
  expect(classify(call(529))).toMatchObject({ retry: true, limited: true, retryAfter_ms: null });
  expect(classify(call(500))).toMatchObject({ retry: true, limited: false });
  expect(classify(call(401))).toMatchObject({ retry: false });
  expect(classify(call(400)).why).toContain('status 400');
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  expect(classify(new TypeError('fetch failed', { cause: refused }))).toMatchObject({ retry: true });
  expect(classify(new TypeError('x is not a function'))).toMatchObject({ retry: false });

  const limits = { delay_ms_min: 100, delay_ms_max: 1_000 };
  const failure = classify(call(500));
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelay(failure, attempt, limits, () => 1))).toEqual([
    100, 200, 400, 800, 1_000,
  ]);
  expect(retryDelay(failure, 1, limits, () => 0)).toBe(50);
  expect(retryDelay(classify(call(429, { 'retry-after': '3600' })), 1, limits)).toBe(1_000);
  expect(retryDelay(classify(call(429, { 'retry-after-ms': '250' })), 1, limits)).toBe(250);
});

test('secrets are masked in strings only, so that JSON stays JSON', () => {
  const env = { KEY: '12345678', SHORT: 'ab', OTHER: 'plain' };
  const mask = masker(env, ['KEY', 'SHORT', 'MISSING']);
  expect(maskedJson({ n: 12345678, text: 'x12345678y ab' }, mask)).toBe('{"n":12345678,"text":"x***y ab"}');
  expect(visibleEnv(env, ['KEY'])).toEqual({ SHORT: 'ab', OTHER: 'plain' });
});

test('detection proves a log-in by its form only, and names what is missing', () => {
  expect(detectBuiltin({}, '1.0.0')).toMatchObject({ usable: true, canLogIn: false });
  expect(detectBuiltin({}, '1.0.0').missing[0]?.mend).toContain('ANTHROPIC_API_KEY');
  expect(detectBuiltin({ ANTHROPIC_API_KEY: 'todo' }, '1').canLogIn).toBe(false);
  expect(detectBuiltin({ ANTHROPIC_API_KEY: 'put your key in here please' }, '1').canLogIn).toBe(false);
  expect(detectBuiltin({ OPENAI_API_KEY: 'sk-0123456789abcdef' }, '1').canLogIn).toBe(true);
  expect(detectBuiltin({ OLLAMA_HOST: '127.0.0.1:11434' }, '1').canLogIn).toBe(true);
});

test('a model without its log-in is refused before anything is started', async () => {
  const desk = new LoopDesk();
  try {
    const prepare = (model: string | null, env = {}) =>
      runtime.prepare(desk.loopAgent({ model, env }), desk.place, null, null);
    await expect(prepare('anthropic:x')).rejects.toMatchObject({ code: 'builtin.login', who: 'config' });
    await expect(prepare('anthropic:')).rejects.toMatchObject({ code: 'builtin.model' });
    await expect(prepare('claude')).rejects.toMatchObject({ code: 'builtin.model' });
    await expect(prepare(null)).rejects.toMatchObject({ code: 'builtin.model' });
    expect((await prepare('ollama:qwen3')).authNote).toContain('without a key');
    const { secretEnv, authNote } = await prepare('gemini:x', { GOOGLE_GENERATIVE_AI_API_KEY: 'k' });
    expect(secretEnv).toEqual(['GOOGLE_GENERATIVE_AI_API_KEY']);
    expect(authNote).toContain("agent's env");
  } finally {
    desk.remove();
  }
  expect(parseModel('ollama:qwen3:8b').name).toBe('qwen3:8b');
  await expect(createModel('anthropic:x', {})).rejects.toThrow('ANTHROPIC_API_KEY is not set');
});

test('a lock is held by one, and one whose owner is gone is taken over', () => {
  const directory = mkdtempSync(join(tmpdir(), 'aether-lock-'));
  const path = join(directory, 'lock');
  try {
    const release = takeLock(path);
    expect(() => takeLock(path)).toThrow(`process ${process.pid}`);
    release();
    // The same pid with another start time is another process.
    writeFileSync(path, JSON.stringify({ pid: process.pid, start_ticks: 1 }));
    const again = takeLock(path);
    expect(JSON.parse(readFileSync(path, 'utf8')).start_ticks).not.toBe(1);
    again();
    writeFileSync(path, 'torn');
    takeLock(path)();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('output is kept from both ends in bounded memory', () => {
  const text = new CappedText(100);
  for (let index = 0; index < 1_000; index++) text.add(`${String(index).padStart(9, '0')}\n`);
  expect(text.toString()).toMatch(/^000000000\n[\s\S]*\[… 9900 characters left out …\][\s\S]*000000999\n$/);
  const short = new CappedText(100);
  short.add('all of it');
  expect(short.toString()).toBe('all of it');
});

test('output is cut between characters, wherever its chunks end', () => {
  for (const before of ['', 'a', 'ab', 'abc']) {
    const text = new CappedText(100);
    text.add(before);
    for (let n = 0; n < 200; n++) text.add('👩‍👩‍👧😀');
    const [head, said, tail] = text.toString().split('\n');
    expect(head).toMatch(/^[abc]*(?:👩‍👩‍👧😀)*(?:👩‍👩‍👧)?$/u);
    expect(tail).toMatch(/^(?:😀)?(?:👩‍👩‍👧😀)*$/u);
    const omitted = Number(/\d+/.exec(said!)![0]);
    expect(head!.length + omitted + tail!.length).toBe(before.length + 200 * '👩‍👩‍👧😀'.length);
  }
});

test('nothing a terminal would act on is left in a text', () => {
  expect(clean('a\x1b[31mred\x1b[0m\x1b]0;title\x07\r\x9b2Jb\n\tc\x00')).toBe('aredb\n\tc');
});

/** Which environments count as a log-in, and what is said about a program that will not do. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBinary } from '../../../src/runtimes/claude-code/binary.ts';
import { detectClaudeCode, VERSION_MIN } from '../../../src/runtimes/claude-code/detect.ts';
import { logInOf } from '../../../src/runtimes/claude-code/login.ts';
import { claudeBinary } from '../../support/engines.ts';
import { KEY } from './subject.ts';

describe('a log-in', () => {
  const gateway = { ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' };
  it.each([
    ['an API key', { ANTHROPIC_API_KEY: KEY }, 'ANTHROPIC_API_KEY'],
    ["a gateway's own key", { ANTHROPIC_API_KEY: 'gateway-key-0123456789', ...gateway }, /BASE_URL/],
    ['a token', { ANTHROPIC_AUTH_TOKEN: 'token-0123456789abcdef' }, /ANTHROPIC_AUTH_TOKEN/],
    ['a subscription', { CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${'x'.repeat(40)}` }, /subscription/],
    ['Bedrock', { CLAUDE_CODE_USE_BEDROCK: '1', AWS_PROFILE: 'me' }, /Bedrock/],
    ['Vertex', { CLAUDE_CODE_USE_VERTEX: '1', ANTHROPIC_VERTEX_PROJECT_ID: 'p' }, /Vertex/],
  ])('%s', (_name, env, note) => {
    expect(logInOf(env)?.note).toMatch(note);
  });

  it.each([
    ['nothing', {}],
    ['an empty key', { ANTHROPIC_API_KEY: '' }],
    ['a placeholder', { ANTHROPIC_API_KEY: 'changeme' }],
    ['a key of another provider', { ANTHROPIC_API_KEY: `sk-proj-${'x'.repeat(40)}` }],
    ['Bedrock without a credential', { CLAUDE_CODE_USE_BEDROCK: '1', ANTHROPIC_API_KEY: KEY }],
    ['Vertex switched off', { CLAUDE_CODE_USE_VERTEX: '0' }],
  ])('is not %s', (_name, env) => {
    expect(logInOf(env)).toBeNull();
  });

  it('is named, never shown', () => {
    const found = logInOf({
      ANTHROPIC_API_KEY: KEY,
      AWS_SECRET_ACCESS_KEY: 'aws',
      MY_PASSWORD: 'x',
      SHELL: '/bin/sh',
    });
    expect(found?.note).not.toContain(KEY.slice(-6));
    expect(found?.secret).toEqual(['ANTHROPIC_API_KEY', 'AWS_SECRET_ACCESS_KEY', 'MY_PASSWORD']);
  });
});

describe('the program', () => {
  let dir: string;
  const program = (name: string, script: string) => {
    const file = join(dir, name);
    fs.mkdirSync(join(file, '..'), { recursive: true });
    fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return file;
  };
  beforeAll(() => {
    dir = fs.mkdtempSync(join(tmpdir(), 'aether-detect-test-'));
  });
  afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

  it('is found on PATH, passing over what cannot be executed', () => {
    fs.mkdirSync(join(dir, 'no', 'claude'), { recursive: true });
    const file = program('yes/claude', 'echo 9.9.9');
    expect(findBinary(undefined, `relative:${join(dir, 'no')}:${join(dir, 'yes')}`)).toBe(file);
  });

  it('that was named is taken, or nothing is', async () => {
    const real = claudeBinary();
    expect(findBinary(real, '/nowhere')).toBe(real);
    const found = await detectClaudeCode({ AETHER_CLAUDE_BINARY: join(dir, 'gone'), PATH: join(dir, 'yes') });
    expect(found).toMatchObject({ usable: false, binary: null, version: null });
    expect(found.missing[0]!.what).toContain('AETHER_CLAUDE_BINARY');
  });

  it.each([
    ['is too old', 'echo "1.0.3 (Claude Code)"', /1\.0\.3 is older than/],
    ['fails', 'exit 3', /does not tell its version/],
    ['is something else', 'echo hello', /does not tell its version/],
  ])('that %s is not usable', async (name, script, what) => {
    const file = program(`bad/${name.replaceAll(' ', '-')}`, script);
    const found = await detectClaudeCode({ AETHER_CLAUDE_BINARY: file, ANTHROPIC_API_KEY: KEY });
    expect(found).toMatchObject({ usable: false, binary: file, canLogIn: true });
    expect(found.missing).toHaveLength(1);
    expect(found.missing[0]!.what).toMatch(what);
    expect(found.missing[0]!.mend).toContain('npm install -g @anthropic-ai/claude-code');
  });

  it('is asked in a clean room: the environment does not reach it', async () => {
    const file = program('spy', `env > ${join(dir, 'seen')}; echo ${VERSION_MIN}`);
    const found = await detectClaudeCode({ AETHER_CLAUDE_BINARY: file, ANTHROPIC_API_KEY: KEY });
    expect(found.usable).toBe(true);
    const seen = fs.readFileSync(join(dir, 'seen'), 'utf8');
    expect(seen).not.toContain('ANTHROPIC_API_KEY');
    expect(/^HOME=(.*)$/m.exec(seen)?.[1]).toMatch(/aether-detect-/);
  });
});

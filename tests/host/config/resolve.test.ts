// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file.
/** Variables, log-ins and programs become values at launch, and only there. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveAgent } from '../../../src/host/config/resolve.ts';
import type { AgentConfig } from '../../../src/host/config/types.ts';
import { AetherError } from '../../../src/host/errors.ts';
import type { Environment } from '../../../src/runtimes/definition.ts';
import { agent, load, tempDir, writeFile } from './support.ts';

const KEY = 'sk-ant-api03-abcdefghijklmnop0123';
const TOKEN = 'sk-ant-oat01-abcdefghijklmnop0123';

const claude = (...lines: string[]) =>
  agent(`agents:\n  a:\n    runtime: claude-code\n${lines.map((line) => `    ${line}\n`).join('')}`);
const builtin = (model: string, ...lines: string[]) =>
  agent(
    `agents:\n  a:\n    runtime: builtin\n    model: ${model}\n${lines.map((line) => `    ${line}\n`).join('')}`,
  );

const codesOf = (error: AetherError) =>
  (error.details as { problems: { code: string }[] }).problems.map(({ code }) => code);

function problemOf(config: AgentConfig, environment: Environment): AetherError {
  try {
    resolveAgent(config, environment);
  } catch (error) {
    if (error instanceof AetherError) return error;
    throw error;
  }
  throw new Error('it was resolved');
}

describe('env', () => {
  it('takes references from the host and leaves the rest as written', () => {
    const config = claude(
      'env:',
      '  PLAIN: $HOME and ~',
      '  ONE: ${A}',
      '  MIXED: "x-${A}-${B}-$${A}-$"',
      '  EMPTY: ""',
      '  SET_EMPTY: ${EMPTY}',
    );
    const spec = resolveAgent(config, { A: '1', B: '2', EMPTY: '', ANTHROPIC_API_KEY: KEY, UNRELATED: 'x' });
    expect(spec.env).toEqual({
      PLAIN: '$HOME and ~',
      ONE: '1',
      MIXED: 'x-1-2-${A}-$',
      EMPTY: '',
      SET_EMPTY: '',
    });
    expect(spec.auth).toEqual({ ANTHROPIC_API_KEY: KEY });
    expect(Object.isFrozen(spec) && Object.isFrozen(spec.auth) && Object.isFrozen(spec.env)).toBe(true);
  });

  it('is refused where the system would: one value over 128 KB, or 1 MB together', () => {
    const environment = { ANTHROPIC_API_KEY: KEY, BIG: 'x'.repeat(131_072), HALF: 'é'.repeat(60_000) };
    const error = problemOf(claude('env: { A: "${BIG}" }'), environment);
    expect(error).toMatchObject({ code: 'config.exec-too-long', who: 'config' });
    expect(error.message).toContain(
      'env.A has 129 KB; the system allows 128 KB for one argument or variable.',
    );
    const many = Array.from({ length: 9 }, (_, index) => `V${index}: "${'${HALF}'}"`).join(', ');
    expect(problemOf(claude(`env: { ${many} }`), environment).message).toContain('together');
    expect(resolveAgent(claude('env: { A: "${HALF}" }'), environment).env.A).toHaveLength(60_000);
  });

  it('does not look below what the environment itself has', () => {
    const error = problemOf(claude('env: { A: "${constructor}" }'), { ANTHROPIC_API_KEY: KEY });
    expect(error.code).toBe('config.variable-undefined');
  });

  it('names every undefined variable, where it stands', () => {
    const dir = tempDir();
    const config = load(
      'agents:\n  a:\n    runtime: claude-code\n    env:\n      TOKEN: "${GITHUB_TOKEN}"\n      BOTH: "${X}${GITHUB_TOKEN}"\n',
      dir,
    );
    const environment = { ANTHROPIC_API_KEY: KEY };
    try {
      resolveAgent(config.agents[0]!, environment, config);
      expect.unreachable();
    } catch (error) {
      const wire = (error as AetherError).toWire();
      expect(wire).toMatchObject({
        code: 'config.variable-undefined',
        who: 'config',
        details: { agent: 'a', file: config.file, line: 5, column: 14 },
      });
      expect(wire.message).toMatch(
        /aether\.yaml:5:14: Agent a cannot start\. env\.TOKEN takes \$\{GITHUB_TOKEN\}, which is not set/,
      );
      expect(wire.next).toMatch(/^Set GITHUB_TOKEN/);
      const { problems } = wire.details as { problems: { path: string }[] };
      expect(problems.map(({ path }) => path)).toEqual([
        'agents.a.env.TOKEN',
        'agents.a.env.BOTH',
        'agents.a.env.BOTH',
      ]);
    }
  });
});

describe('auth of claude-code', () => {
  it.each<[string, AgentConfig, Environment, Record<string, string>]>([
    ['a key by default', claude(), { ANTHROPIC_API_KEY: KEY }, { ANTHROPIC_API_KEY: KEY }],
    ['a token by default', claude(), { CLAUDE_CODE_OAUTH_TOKEN: TOKEN }, { CLAUDE_CODE_OAUTH_TOKEN: TOKEN }],
    [
      'one of both by default',
      claude(),
      { CLAUDE_CODE_OAUTH_TOKEN: TOKEN, ANTHROPIC_API_KEY: KEY },
      { ANTHROPIC_API_KEY: KEY },
    ],
    [
      'a variable of another name',
      claude('auth: WORK_KEY'),
      { WORK_KEY: ` ${KEY}\n`, ANTHROPIC_API_KEY: 'x' },
      { ANTHROPIC_API_KEY: KEY },
    ],
    ['a token under any name', claude('auth: WORK'), { WORK: TOKEN }, { CLAUDE_CODE_OAUTH_TOKEN: TOKEN }],
    [
      'a token by oauth_env',
      claude('auth: { oauth_env: T }'),
      { T: 'opaque-token' },
      { CLAUDE_CODE_OAUTH_TOKEN: 'opaque-token' },
    ],
    [
      'a bearer token',
      claude('auth: ANTHROPIC_AUTH_TOKEN'),
      { ANTHROPIC_AUTH_TOKEN: 'b' },
      { ANTHROPIC_AUTH_TOKEN: 'b' },
    ],
    [
      'the address along',
      claude(),
      { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1', OPENAI_BASE_URL: 'x' },
      { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' },
    ],
    [
      'not the address that env overrides',
      claude('env: { ANTHROPIC_BASE_URL: "http://own" }'),
      { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: 'http://host' },
      { ANTHROPIC_API_KEY: KEY },
    ],
  ])('%s', (_name, config, environment, auth) => {
    expect(resolveAgent(config, environment).auth).toEqual(auth);
  });

  it('treats a log-in below env as the secret it is', () => {
    const spec = resolveAgent(claude('env: { ANTHROPIC_API_KEY: "${K}", OTHER: x }'), { K: KEY });
    expect(spec.auth).toEqual({ ANTHROPIC_API_KEY: KEY });
    expect(spec.env).toEqual({ OTHER: 'x' });
  });

  it.each<[string, AgentConfig, Environment, RegExp, RegExp]>([
    [
      'nothing set',
      claude(),
      {},
      /neither ANTHROPIC_API_KEY nor CLAUDE_CODE_OAUTH_TOKEN/,
      /claude setup-token/,
    ],
    ['an empty key', claude(), { ANTHROPIC_API_KEY: '  ' }, /neither/, /ANTHROPIC_API_KEY/],
    [
      'Bedrock that was not asked for',
      claude(),
      { CLAUDE_CODE_USE_BEDROCK: '1' },
      /no log-in/,
      /auth: \{ provider: bedrock \}/,
    ],
    [
      'a named variable unset',
      claude('auth: WORK_KEY'),
      { ANTHROPIC_API_KEY: KEY },
      /auth names WORK_KEY/,
      /^Set WORK_KEY/,
    ],
    ['a token unset', claude('auth: { oauth_env: T }'), {}, /auth names T,/, /setup-token/],
    ['a variable of every object', claude('auth: toString'), {}, /auth names toString/, /Set/],
    [
      'Bedrock without anything',
      claude('auth: { provider: bedrock }'),
      { HOME: '/nonexistent' },
      /bedrock lacks a region and credentials/,
      /AWS_REGION and AWS_BEARER_TOKEN_BEDROCK/,
    ],
    [
      'Vertex without a project',
      claude('auth: { provider: vertex }'),
      { HOME: '/nonexistent', CLOUD_ML_REGION: 'x' },
      /vertex lacks a project and credentials/,
      /ANTHROPIC_VERTEX_PROJECT_ID/,
    ],
  ])('says what is missing: %s', (_name, config, environment, message, next) => {
    const error = problemOf(config, environment);
    expect(error.code).toBe('config.auth-missing');
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
  });

  it('copies what Bedrock needs and nothing else, and finds the files below the home', () => {
    const home = tempDir();
    writeFile(join(home, '.aws/config'), '');
    const environment = {
      HOME: home,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
      ANTHROPIC_API_KEY: KEY,
      ANTHROPIC_BASE_URL: 'http://x',
      GITHUB_TOKEN: 'x',
    };
    expect(resolveAgent(claude('auth: { provider: bedrock }'), environment).auth).toEqual({
      CLAUDE_CODE_USE_BEDROCK: '1',
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_CONFIG_FILE: join(home, '.aws/config'),
    });
  });
});

describe('key files', () => {
  const withFile = (mode: number, text: string, form = 'file') => {
    const dir = tempDir();
    const file = writeFile(join(dir, 'key'), text, 0o600);
    chmodSync(file, mode);
    return {
      file,
      config: load(`agents: { a: { runtime: claude-code, auth: { ${form}: key } } }`, dir).agents[0]!,
    };
  };

  it('are read and trimmed', () => {
    expect(resolveAgent(withFile(0o600, `${KEY}\n`).config, {}).auth).toEqual({ ANTHROPIC_API_KEY: KEY });
    expect(resolveAgent(withFile(0o400, 'tok', 'oauth_file').config, {}).auth).toEqual({
      CLAUDE_CODE_OAUTH_TOKEN: 'tok',
    });
  });

  it.each([0o640, 0o604, 0o644, 0o620, 0o777])('open to others are refused: %o', (mode) => {
    const { file, config } = withFile(mode, KEY);
    const error = problemOf(config, {});
    expect(error.code).toBe('config.auth-file-open');
    expect(error.message).toContain(mode.toString(8));
    expect(error.next).toContain(`chmod 600 ${file}`);
    expect(JSON.stringify(error.toWire())).not.toContain(KEY);
  });

  it('of another user are refused', () => {
    const { file, config } = withFile(0o600, KEY);
    const root = process.geteuid?.() === 0;
    // Root can give it away; anybody else is refused /etc's own file, which is nobody's key.
    if (root) chownSync(file, 65_534, 65_534);
    const foreign = root ? config : { ...config, auth: { file: '/etc/passwd' } };
    expect(problemOf(foreign, {}).code).toBe('config.auth-file-open');
  });

  it.each([
    ['missing', null, /does not exist/],
    ['empty', ' \n', /is empty/],
    ['of several words', 'export KEY=x', /more than one word/],
    ['far too large', 'x'.repeat(70_000), /too large/],
  ])('%s', (_name, text, message) => {
    const { file, config } = withFile(0o600, text ?? '');
    const error = problemOf(text === null ? { ...config, auth: { file: `${file}-not` } } : config, {});
    expect(error.code).toBe('config.auth-file');
    expect(error.message).toMatch(message);
  });

  it('that are directories', () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'key'), { mode: 0o700 });
    const config = load('agents: { a: { runtime: claude-code, auth: { file: key } } }', dir).agents[0]!;
    expect(problemOf(config, {}).message).toMatch(/not a regular file/);
  });
});

describe('auth of builtin', () => {
  it.each<[string, AgentConfig, Environment, Record<string, string>]>([
    [
      'anthropic',
      builtin('anthropic:x'),
      { ANTHROPIC_API_KEY: KEY, OPENAI_API_KEY: 'o' },
      { ANTHROPIC_API_KEY: KEY },
    ],
    ['openai', builtin('openai:x'), { OPENAI_API_KEY: 'o', ANTHROPIC_API_KEY: KEY }, { OPENAI_API_KEY: 'o' }],
    [
      'openai at another address, without a key',
      builtin('openai:x'),
      { OPENAI_BASE_URL: 'http://h/v1' },
      { OPENAI_BASE_URL: 'http://h/v1' },
    ],
    [
      'gemini',
      builtin('gemini:x'),
      { GOOGLE_GENERATIVE_AI_API_KEY: 'g' },
      { GOOGLE_GENERATIVE_AI_API_KEY: 'g' },
    ],
    [
      'gemini under its other name',
      builtin('gemini:x'),
      { GEMINI_API_KEY: 'g' },
      { GOOGLE_GENERATIVE_AI_API_KEY: 'g' },
    ],
    ['ollama', builtin('ollama:x'), { OLLAMA_HOST: 'h:1', OPENAI_API_KEY: 'o' }, { OLLAMA_HOST: 'h:1' }],
    ['ollama without anything', builtin('ollama:x'), {}, {}],
    ['a key of another name', builtin('openai:x', 'auth: MINE'), { MINE: 'm' }, { OPENAI_API_KEY: 'm' }],
  ])('%s', (_name, config, environment, auth) => {
    expect(resolveAgent(config, environment).auth).toEqual(auth);
  });

  it.each([
    ['anthropic:x', 'ANTHROPIC_API_KEY'],
    ['openai:x', 'OPENAI_API_KEY'],
    ['gemini:x', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  ])('%s without a log-in', (model, variable) => {
    const error = problemOf(builtin(model), {});
    expect(error.code).toBe('config.auth-missing');
    expect(error.next).toContain(`Set ${variable}`);
  });

  it('a replay needs its file and no log-in', () => {
    const dir = tempDir();
    const config = load('agents: { a: { runtime: builtin, model: replay:talk.json } }', dir).agents[0]!;
    expect(problemOf(config, {}).code).toBe('config.replay-missing');
    writeFileSync(join(dir, 'talk.json'), '{}');
    expect(resolveAgent(config, {})).toMatchObject({
      auth: {},
      options: { replay: join(dir, 'talk.json') },
    });
  });
});

describe('command', () => {
  const command = (program: string, dir: string) =>
    load(`agents: { a: { runtime: command, command: [${program}, --x] } }`, dir).agents[0]!;

  it('is found on PATH, or beside the file', () => {
    const dir = tempDir();
    const tool = writeFile(join(dir, 'bin/tool'), '#!/bin/sh\n', 0o755);
    expect(
      resolveAgent(command('tool', dir), { PATH: `/nonexistent:${join(dir, 'bin')}` }).options.command,
    ).toEqual([tool, '--x']);
    expect(resolveAgent(command('./bin/tool', dir), { PATH: '' }).options.command).toEqual([tool, '--x']);
    const own = load(
      `agents: { a: { runtime: command, command: [tool], env: { PATH: ${join(dir, 'bin')} } } }`,
      dir,
    );
    expect(resolveAgent(own.agents[0]!, { PATH: '/bin' }).options.command).toEqual([tool]);
  });

  it.each([
    ['not on PATH', 'aether-no-such-program', /no program "aether-no-such-program" on PATH/, /Install it/],
    [
      'a path to nothing',
      './bin/nothing',
      /There is no program .*\/bin\/nothing/,
      /relative to the configuration/,
    ],
    ['a directory', './bin', /is a directory/, /Correct the path/],
    ['not executable', './bin/tool', /may not be executed/, /chmod \+x/],
    ['a script without its interpreter', './bin/script', /begins with #!\/no\/such\/sh, which/, /Install it/],
    ['a script with Windows line ends', './bin/crlf', /crlf begins with #!\/bin\/sh\\r: /, /sed -i/],
    ['one that asks env', './bin/env', /env begins with #!\/usr\/bin\/env node\\r: /, /Unix line ends/],
    ['one on PATH', 'script', /begins with #!\/no\/such\/sh, which/, /first line/],
  ])('%s', (_name, program, message, next) => {
    const dir = tempDir();
    writeFile(join(dir, 'bin/tool'), '#!/bin/sh\n', 0o644);
    writeFile(join(dir, 'bin/script'), '#! /no/such/sh -e\n', 0o755);
    writeFile(join(dir, 'bin/crlf'), '#!/bin/sh\r\nexec sleep 1\r\n', 0o755);
    writeFile(join(dir, 'bin/env'), '#!/usr/bin/env node\r\n', 0o755);
    const error = problemOf(command(program, dir), { PATH: join(dir, 'bin') });
    expect(error.code).toBe('config.binary-missing');
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
  });

  it('gets the log-in it names, under that name', () => {
    const config = agent('agents: { a: { runtime: command, command: [sh], auth: BOT_TOKEN } }');
    expect(resolveAgent(config, { BOT_TOKEN: 't', PATH: '/bin' }).auth).toEqual({ BOT_TOKEN: 't' });
  });
});

describe('several problems of one agent', () => {
  it('are one error', () => {
    const dir = tempDir();
    const config = load(
      'agents: { a: { runtime: command, command: [aether-no-such-program], env: { A: "${A}" }, workspace: ws } }',
      dir,
    ).agents[0]!;
    // A file that came after the configuration was read.
    writeFileSync(join(dir, 'ws'), '');
    const error = problemOf(config, { PATH: '/bin' });
    expect(codesOf(error)).toEqual([
      'config.variable-undefined',
      'config.binary-missing',
      'config.workspace',
    ]);
    expect(error.message.split('\n')).toHaveLength(3);
  });
});

/** A first configuration that is valid, says what it is for, and destroys nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type InitOptions, initConfig } from '../../../src/host/config/init.ts';
import { publishedJsonSchema } from '../../../src/host/config/json-schema.ts';
import { loadConfig } from '../../../src/host/config/load.ts';
import { AetherError } from '../../../src/host/errors.ts';
import type { Detection } from '../../../src/runtimes/runtime.ts';
import { tempDir } from './support.ts';

const detection = (runtime: Detection['runtime'], canLogIn: boolean): Detection => ({
  runtime,
  usable: canLogIn || runtime === 'builtin',
  binary: '/usr/bin/x',
  version: '1',
  canLogIn,
  model: true,
  missing: canLogIn ? [] : [{ what: `a log-in for ${runtime}`, mend: 'log in' }],
});

function init(options: Partial<InitOptions> & { dir?: string } = {}) {
  const dir = options.dir ?? tempDir();
  const result = initConfig({
    file: join(dir, 'aether.yaml'),
    templates: ['researcher', 'coder', 'reviewer'],
    force: false,
    detections: [detection('claude-code', true), detection('builtin', false)],
    environment: {},
    ...options,
  });
  return { dir, result, text: readFileSync(result.file, 'utf8') };
}

describe('initConfig', () => {
  it('gives no agent a directory that none may have, and says why: a home', () => {
    const home = process.env.HOME;
    const dir = tempDir();
    process.env.HOME = dir;
    try {
      const { result, text } = init({ dir });
      expect(text).toContain('# workspace: PROJECT, and not this directory: it is your whole home');
      expect(loadConfig(result.file).agents[1]).toMatchObject({ workspace: join(dir, 'workspaces/coder') });
    } finally {
      process.env.HOME = home;
    }
  });

  it('writes a valid fleet, its schema, and the line for git', () => {
    const { dir, result, text } = init();
    expect(result).toEqual({
      file: join(dir, 'aether.yaml'),
      files: [join(dir, 'aether.yaml'), join(dir, '.aether/aether.schema.json'), join(dir, '.gitignore')],
      agents: ['researcher', 'coder', 'reviewer'],
      runtime: 'claude-code',
      ready: true,
      missing: [],
      next: ['aether plan', 'aether up'],
    });
    const config = loadConfig(result.file);
    expect(config.agents.map(({ name, runtime, template }) => [name, runtime, template])).toEqual([
      ['researcher', 'claude-code', 'researcher'],
      ['coder', 'claude-code', 'coder'],
      ['reviewer', 'claude-code', 'reviewer'],
    ]);
    expect(config.agents[0]?.workspace).toBe(join(dir, 'workspaces/researcher'));
    expect(config.agents[1]).toMatchObject({ workspace: dir, shared: true });
    expect(config.warnings).toEqual([]);
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('.aether/\n');
    expect(text.split('\n').length).toBeLessThan(40);
  });

  it('refers to a schema that is where it says, and is the published one', () => {
    const { dir, text } = init();
    const named = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? '';
    expect(named).toMatch(/^\.\//);
    expect(readFileSync(join(dir, named), 'utf8')).toBe(publishedJsonSchema());
  });

  it.each([
    ['coder', true],
    ['researcher', false],
  ])('with %s alone needs no sharing', (template, inProject) => {
    const { dir, result, text } = init({ templates: [template] });
    const [only] = loadConfig(result.file).agents;
    expect(only).toMatchObject({ name: template, shared: false });
    expect(only?.workspace === dir).toBe(inProject);
    expect(text).not.toContain('shared');
  });

  it.each<[string, Detection[], Record<string, string>, string, string | null, boolean]>([
    ['an engine that can log in', [detection('claude-code', true)], {}, 'claude-code', null, true],
    [
      'Bedrock',
      [detection('claude-code', true)],
      { CLAUDE_CODE_USE_BEDROCK: '1' },
      'claude-code',
      null,
      true,
    ],
    [
      'builtin with a key',
      [detection('claude-code', false), detection('builtin', true)],
      { OPENAI_API_KEY: 'x' },
      'builtin',
      'openai:gpt-5',
      true,
    ],
    [
      'builtin with Ollama',
      [detection('builtin', true)],
      { OLLAMA_HOST: 'h' },
      'builtin',
      'ollama:qwen3',
      true,
    ],
    [
      'OpenClaw with a key, before the builtin one',
      [detection('claude-code', false), detection('openclaw', true), detection('builtin', true)],
      { ANTHROPIC_API_KEY: 'placeholder', OPENAI_API_KEY: 'sk-0123456789abcdef' },
      'openclaw',
      'openai/gpt-5',
      true,
    ],
    [
      'OpenClaw that is not installed',
      [detection('openclaw', false), detection('builtin', true)],
      { OPENAI_API_KEY: 'sk-0123456789abcdef' },
      'builtin',
      'openai:gpt-5',
      true,
    ],
    [
      'a variable that detection did not believe',
      [detection('claude-code', false), detection('builtin', false)],
      { OPENAI_API_KEY: 'x' },
      'claude-code',
      null,
      false,
    ],
    ['nothing at all', [], {}, 'claude-code', null, false],
  ])('chooses by what was detected: %s', (_name, detections, environment, runtime, model, ready) => {
    const { result, text } = init({ detections, environment });
    expect(result).toMatchObject({ runtime, ready });
    expect(result.missing.length > 0).toBe(!ready);
    const [first] = loadConfig(result.file).agents;
    expect(first).toMatchObject({ runtime, model });
    expect(first?.auth).toEqual(environment.CLAUDE_CODE_USE_BEDROCK ? { provider: 'bedrock' } : null);
    expect(text.includes('setup-token')).toBe(!ready);
  });

  it('refuses to overwrite, and then has written nothing', () => {
    const dir = tempDir();
    writeFileSync(join(dir, 'aether.yaml'), '# mine\n');
    expect(() => init({ dir })).toThrow(AetherError);
    expect(readFileSync(join(dir, 'aether.yaml'), 'utf8')).toBe('# mine\n');
    expect(existsSync(join(dir, '.aether'))).toBe(false);
    const { text } = init({ dir, force: true });
    expect(text).toContain('agents:');
  });

  it('writes nothing for a template that does not exist', () => {
    const dir = tempDir();
    expect(() => init({ dir, templates: ['coder', 'resercher'] })).toThrow(/nearest is "researcher"/);
    expect(existsSync(join(dir, 'aether.yaml'))).toBe(false);
    expect(existsSync(join(dir, '.aether'))).toBe(false);
  });

  it.each([
    ['node_modules\n', 'node_modules\n.aether/\n'],
    ['node_modules', 'node_modules\n.aether/\n'],
    ['/.aether\n', '/.aether\n'],
    ['.aether/\r\nx\r\n', '.aether/\r\nx\r\n'],
  ])('leaves what .gitignore says: %j', (before, after) => {
    const dir = tempDir();
    writeFileSync(join(dir, '.gitignore'), before);
    const { result } = init({ dir });
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).toBe(after);
    expect(result.files.includes(join(dir, '.gitignore'))).toBe(before !== after);
  });

  it.each(['.gitignore', '.aether/aether.schema.json', 'aether.yaml'])(
    'writes into nothing that lies in place of %s: no pipe, no link to a file',
    (name) => {
      for (const plant of ['pipe', 'link']) {
        const dir = tempDir();
        const victim = join(dir, 'victim');
        writeFileSync(victim, 'kept');
        mkdirSync(join(dir, '.aether'));
        if (plant === 'pipe') execFileSync('mkfifo', [join(dir, name)]);
        else symlinkSync(victim, join(dir, name));
        // The host's own file is replaced; what may be the user's is left as it is.
        if (name === '.aether/aether.schema.json') {
          init({ dir });
          expect(readFileSync(join(dir, name), 'utf8')).toBe(publishedJsonSchema());
        } else {
          const force = name === 'aether.yaml' && plant === 'pipe';
          expect(() => init({ dir, force })).toThrow(AetherError);
        }
        expect(readFileSync(victim, 'utf8')).toBe('kept');
      }
    },
  );

  it('says so when it cannot write', () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'aether.yaml'));
    try {
      init({ dir, force: true });
      expect.unreachable();
    } catch (error) {
      expect((error as AetherError).toWire()).toMatchObject({ code: 'init.unwritable', who: 'user' });
    }
    expect(realpathSync(dir)).toBe(dir);
  });
});

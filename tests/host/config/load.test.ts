// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file.
/** What a good file becomes. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configHash } from '../../../src/host/config/hash.ts';
import { loadConfig } from '../../../src/host/config/load.ts';
import { agent, load, tempDir, writeConfig } from './support.ts';

describe('loadConfig', () => {
  it('fills in every default', () => {
    const dir = tempDir();
    const config = load('agents:\n  writer:\n    runtime: claude-code\n', dir);
    expect(config).toEqual({
      file: join(dir, 'aether.yaml'),
      console: { enabled: true, port: 7300 },
      retention: { days: 14, bytes: 2_000_000_000, events_days: 90, events_bytes: 1_000_000_000 },
      terminal: { scrollback_lines: 2_000 },
      memory: {
        ...{ recall_tokens: 800, episodes: true },
        ...{ memories_per_scope_max: 100_000, bytes_per_scope_max: 268_435_456 },
      },
      warnings: [],
      positions: {
        'agents.writer': { line: 2, column: 3 },
        'agents.writer.runtime': { line: 3, column: 14 },
      },
      agents: [
        {
          name: 'writer',
          runtime: 'claude-code',
          goal: null,
          template: null,
          role: null,
          model: null,
          workspace: join(dir, 'workspaces', 'writer'),
          shared: false,
          env: {},
          auth: null,
          inherit: { instructions: false, settings: false, mcpServers: false, skills: false },
          tools: null,
          permissions: { mode: 'ask', allow: [], deny: [] },
          restart: { policy: 'on-failure', attempts_max: 5 },
          limits: { steps_max: null },
          options: {},
          autostart: true,
          wake: true,
          network: 'full',
          ports: [],
          watchdog: { after_ms: 600_000, action: 'report' },
          sandbox: {
            ...{ kind: 'auto', required: false, read: [], write: [], toolchains: true, debug: false },
          },
        },
      ],
    });
  });

  it('takes every key', () => {
    const dir = tempDir();
    const config = load(
      `
agents:
  scout:
    runtime: builtin
    goal: |
      Look around.
      Then report.
    role: You look.
    model: replay:./talks/scout.json
    workspace: ~/site
    shared: true
    env: { A: plain, B: "\${HOME}/x", C: "$\${not}" }
    inherit: [instructions, mcp_servers]
    tools: [aether_report, aether_mail_send]
    permissions: { mode: deny, allow: [Read], deny: ["Bash(rm *)"] }
    restart: { policy: always, attempts: 9 }
    limits: { steps_max: 12 }
    autostart: false
    wake: false
    watchdog: { after: 1.5m, action: interrupt }
  shell:
    watchdog: off
    runtime: command
    command: [./bin/tool, --flag, ./not-a-path-of-ours]
    tools: none
    inherit: all
console: { enabled: false, port: 0 }
`,
      dir,
    );
    const [scout, shell] = config.agents;
    expect(scout).toMatchObject({
      goal: 'Look around.\nThen report.\n',
      role: 'You look.',
      model: 'replay:./talks/scout.json',
      options: { replay: join(dir, 'talks/scout.json') },
      workspace: join(dir, 'home/site'),
      shared: true,
      env: { A: 'plain', B: '${HOME}/x', C: '$${not}' },
      inherit: { instructions: true, settings: false, mcpServers: true, skills: false },
      tools: ['aether_report', 'aether_mail_send'],
      permissions: { mode: 'deny', allow: ['Read'], deny: ['Bash(rm *)'] },
      restart: { policy: 'always', attempts_max: 9 },
      limits: { steps_max: 12 },
      autostart: false,
      wake: false,
      watchdog: { after_ms: 90_000, action: 'interrupt' },
    });
    expect(shell).toMatchObject({
      watchdog: null,
      options: { command: [join(dir, 'bin/tool'), '--flag', './not-a-path-of-ours'] },
      tools: [],
      inherit: { instructions: true, settings: true, mcpServers: true, skills: true },
    });
    expect(config.console).toEqual({ enabled: false, port: 0 });
  });

  it('leaves alone what the defaults inherit where an engine takes nothing, and that it takes nothing', () => {
    const config = load(
      `defaults: { inherit: all }
agents:
  claude: { runtime: claude-code }
  claw: { runtime: openclaw, model: anthropic/x }
  none: { runtime: openclaw, model: anthropic/x, inherit: none }
`,
    );
    expect(config.agents.map(({ name }) => name)).toEqual(['claude', 'claw', 'none']);
  });

  it.each([
    ['', 'bubblewrap', { kind: 'bubblewrap', required: true }],
    ['', 'none', { kind: 'none', required: false }],
    ['', '{ required: true }', { kind: 'auto', required: true, toolchains: true, debug: false }],
    ['', '{ inherit: none, debug: true }', { toolchains: false, debug: true }],
    ['{ kind: none, read: [data] }', '{ write: [~/out] }', { kind: 'none' }],
    ['{ kind: bubblewrap }', '{ kind: auto }', { kind: 'auto', required: false }],
    ['{ required: true }', 'none', { kind: 'none', required: false }],
  ])('reads sandbox: %s with %s', (shared, own, expected) => {
    const defaults = shared === '' ? '' : `defaults: { sandbox: ${shared} }\n`;
    const text = `${defaults}agents:\n  a: { runtime: builtin, model: "replay:x", sandbox: ${own} }\n`;
    expect(agent(text).sandbox).toMatchObject(expected);
  });

  it('resolves what a sandbox shows against the file and the home', () => {
    const dir = tempDir();
    const [a] = load(
      'defaults: { sandbox: { read: [data, /srv/x] } }\nagents:\n  a: { runtime: claude-code, sandbox: { write: [~/out] } }\n',
      dir,
    ).agents;
    expect(a!.sandbox).toMatchObject({ read: [join(dir, 'data'), '/srv/x'], write: [join(dir, 'home/out')] });
  });

  it.each([
    ['sandbox: bubblwrap', /cannot be "bubblwrap"; the nearest is "bubblewrap"/],
    ['sandbox: { reed: [x] }', /unknown key "reed"; the nearest known key is "read"/],
    ['sandbox: { read: / }', /must be a list/],
    ['sandbox: { read: [/] }', /sandbox\.read\.0 is not a path that a sandbox can show/],
    ['sandbox: { write: [/proc/self] }', /sandbox\.write\.0 is not a path/],
    ['sandbox: { kind: none, required: true }', /requires a sandbox, and says that there is none/],
    ['sandbox: true', /must be one of auto, bubblewrap, none, or a mapping/],
  ])('refuses %s', (line, expected) => {
    expect(() => load(`agents:\n  a:\n    runtime: claude-code\n    ${line}\n`)).toThrow(expected);
  });

  it.each([
    ['bytes: 1000000', { bytes: 1_000_000 }],
    ['bytes: 1.5GB', { bytes: 1_500_000_000 }],
    ['events_bytes: 20 MB', { events_bytes: 20_000_000 }],
    ['days: 1, events_days: 2', { days: 1, events_days: 2 }],
  ])('reads retention: { %s }', (line, expected) => {
    expect(load(`agents: {}\nretention: { ${line} }\n`).retention).toMatchObject(expected);
  });

  it.each([
    ['auth: ANTHROPIC_API_KEY', { env: 'ANTHROPIC_API_KEY' }],
    ['auth: { env: MY_KEY }', { env: 'MY_KEY' }],
    ['auth: { oauth_env: MY_TOKEN }', { oauthEnv: 'MY_TOKEN' }],
    ['auth: { provider: vertex }', { provider: 'vertex' }],
  ])('reads %s', (line, expected) => {
    expect(agent(`agents:\n  a:\n    runtime: claude-code\n    ${line}\n`).auth).toEqual(expected);
  });

  it('resolves key files against the file, and ~ against the home', () => {
    const dir = tempDir();
    const config = load(
      'agents:\n  a: { runtime: claude-code, auth: { file: keys/a } }\n  b: { runtime: claude-code, auth: { oauth_file: ~/b } }\n',
      dir,
    );
    expect(config.agents.map(({ auth }) => auth)).toEqual([
      { file: join(dir, 'keys/a') },
      { oauthFile: join(dir, 'home/b') },
    ]);
  });

  it('takes the real home when none is given', () => {
    const file = writeConfig('agents: { a: { runtime: claude-code, workspace: ~/aether-no-such-place } }');
    expect(loadConfig(file).agents[0]?.workspace).toBe(join(homedir(), 'aether-no-such-place'));
  });

  it('reads the short forms of permissions and restart', () => {
    const one = agent(
      'agents:\n  a:\n    runtime: claude-code\n    permissions: allow\n    restart: never\n',
    );
    expect(one.permissions).toEqual({ mode: 'allow', allow: [], deny: [] });
    expect(one.restart).toEqual({ policy: 'never', attempts_max: 5 });
  });

  it('accepts a fleet of none, anchors, merges, a byte order mark, CRLF and comments', () => {
    expect(load('agents: {}\n').agents).toEqual([]);
    const text =
      '\u{feff}# fleet\r\nagents:\r\n  a: &base\r\n    runtime: claude-code\r\n    model: opus\r\n  b:\r\n    <<: *base\r\n    model: haiku\r\n';
    expect(load(text).agents.map(({ name, model }) => [name, model])).toEqual([
      ['a', 'opus'],
      ['b', 'haiku'],
    ]);
  });

  it('keeps an absolute path of 200 characters', () => {
    const dir = join(tempDir(), 'x'.repeat(100), 'y'.repeat(100));
    mkdirSync(dir, { recursive: true });
    expect(load('agents: { a: { runtime: claude-code } }', dir).agents[0]?.workspace).toBe(
      join(dir, 'workspaces/a'),
    );
  });

  it('freezes everything', () => {
    const config = load(
      'agents:\n  a: { runtime: claude-code, template: coder, env: { A: b }, tools: [aether_report] }\nconsole: { port: 1 }\n',
    );
    const unfrozen: string[] = [];
    let seen = 0;
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      seen++;
      if (!Object.isFrozen(value)) unfrozen.push(path);
      for (const [key, child] of Object.entries(value)) walk(child, `${path}.${key}`);
    };
    walk(config, 'config');
    expect(unfrozen).toEqual([]);
    expect(seen).toBeGreaterThan(10);
    expect(() => {
      config.agents[0]!.permissions.allow.push('Bash');
    }).toThrow(TypeError);
  });
});

describe('templates and defaults', () => {
  it('fills what the agent leaves out, from its template before the defaults', () => {
    const config = load(`
defaults:
  runtime: claude-code
  model: haiku
  permissions: { mode: allow, deny: [WebFetch] }
  env: { A: default, B: default }
  limits: { steps_max: 7 }
agents:
  plain: { env: { B: own } }
  reviewing: { template: reviewer, permissions: deny, model: opus }
`);
    const [plain, reviewing] = config.agents;
    expect(plain).toMatchObject({
      runtime: 'claude-code',
      model: 'haiku',
      env: { A: 'default', B: 'own' },
      permissions: { mode: 'allow', allow: [], deny: ['WebFetch'] },
      limits: { steps_max: 7 },
      role: null,
    });
    expect(reviewing).toMatchObject({ model: 'opus', template: 'reviewer', limits: { steps_max: 80 } });
    expect(reviewing?.role).toMatch(/^You are a reviewer\./);
    expect(reviewing?.permissions.mode).toBe('deny');
    expect(reviewing?.permissions.allow).toContain('Read');
    expect(reviewing?.permissions.deny).toContain('Edit');
    expect(reviewing?.tools).not.toContain('aether_memory_forget');
  });

  it('lets the defaults win over a template that the defaults chose', () => {
    const config = load(`
defaults: { runtime: claude-code, template: reviewer, limits: { steps_max: 7 } }
agents: { a: {}, b: { template: coder, role: Mine. } }
`);
    expect(config.agents[0]).toMatchObject({ template: 'reviewer', limits: { steps_max: 7 } });
    expect(config.agents[1]).toMatchObject({
      template: 'coder',
      role: 'Mine.',
      limits: { steps_max: 200 },
      tools: null,
    });
  });

  it('leaves a default log-in or command out where the runtime cannot use it', () => {
    const config = load(`
defaults: { auth: { oauth_env: TOKEN }, runtime: command, command: [sh] }
agents:
  a: { runtime: claude-code }
  b: { runtime: builtin, model: 'ollama:x' }
  c: {}
`);
    expect(config.agents.map(({ auth }) => auth)).toEqual([{ oauthEnv: 'TOKEN' }, null, null]);
    expect(config.agents.map(({ options }) => options)).toEqual([{}, { replay: null }, { command: ['sh'] }]);
  });
});

describe('workspaces', () => {
  it('may be shared by those who all say so, through links too', () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'site'));
    symlinkSync(join(dir, 'site'), join(dir, 'link'));
    const config = load(
      'defaults: { runtime: claude-code }\nagents:\n  a: { workspace: site, shared: true }\n  b: { workspace: link/, shared: true }\n  c: {}\n  d: {}\n',
      dir,
    );
    expect(config.agents).toHaveLength(4);
  });
});

describe('warnings', () => {
  it('tell of a secret written into env, without quoting it', () => {
    const config = load(
      'agents:\n  a:\n    runtime: claude-code\n    env:\n      X: sk-ant-api03-abcdefghijklmnop\n      DB_PASSWORD: hunter22hunter\n      OK: "${DB_PASSWORD}"\n      TOKEN: "${TOKEN}"\n      PLAIN: some words\n',
    );
    expect(config.warnings).toHaveLength(2);
    expect(config.warnings[0]).toContain(`${config.file}:5:7: agents.a.env.X seems to hold a secret`);
    expect(config.warnings[1]).toContain(':6:7: agents.a.env.DB_PASSWORD');
    expect(config.warnings.join()).not.toMatch(/abcdefgh|hunter/);
  });
});

describe('configHash', () => {
  it('differs with any value and not with the order of keys', () => {
    const one = agent('agents: { a: { runtime: claude-code, env: { A: x, B: y } } }');
    const same = { ...structuredClone(one), env: { B: 'y', A: 'x' } };
    expect(configHash(same)).toBe(configHash(one));
    expect(configHash({ ...same, env: { A: 'x', B: 'z' } })).not.toBe(configHash(one));
    expect(configHash(one)).toMatch(/^[0-9a-f]{64}$/);
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file.
/** The plan says exactly what would happen, does nothing, and never shows a secret. Against the real runtimes. */
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PlanView } from '../../../../src/host/api.ts';
import { loadConfig } from '../../../../src/host/config/load.ts';
import { resolveAgent } from '../../../../src/host/config/resolve.ts';
import type { AgentConfig, Config } from '../../../../src/host/config/types.ts';
import { AetherError } from '../../../../src/host/errors.ts';
import { planFleet } from '../../../../src/host/operations/fleet/plan.ts';
import { builtinRuntime } from '../../../../src/runtimes/builtin/runtime.ts';
import { claudeCodeRuntime } from '../../../../src/runtimes/claude-code/runtime.ts';
import { commandRuntime } from '../../../../src/runtimes/command/runtime.ts';
import type { AgentSpec, LaunchSpec, RunPlace, Runtime } from '../../../../src/runtimes/runtime.ts';
import { tempDir, writeConfig, writeFile } from '../../config/support.ts';

const RUNTIMES: Runtime[] = [claudeCodeRuntime, builtinRuntime('0.0.0'), commandRuntime];

interface Fleet {
  dir: string;
  plan(options?: {
    applied?: AgentConfig[];
    running?: string[];
    environment?: Record<string, string>;
    runtime?: Runtime;
    /** Loaded earlier. */
    config?: Config;
  }): Promise<PlanView>;
}

function fleet(text: string): Fleet {
  const dir = tempDir();
  const file = writeConfig(text, dir);
  const bin = join(dir, 'bin');
  // Only its presence counts here: nothing is started.
  writeFile(join(bin, 'claude'), '#!/bin/sh\nexit 1\n', 0o755);
  const place = (agent: string): RunPlace => ({
    run: 'r_plan',
    agentDir: join(dir, 'state/agents', agent),
    runDir: join(dir, 'state/runs/r_plan'),
    mcp: { command: '/usr/bin/node', args: ['/opt/bridge.cjs', '/run/mcp.sock'] },
    mcpCommand: '/run/mcp',
    userHome: join(dir, 'home'),
    path: bin,
  });
  return {
    dir,
    plan({ applied = [], running = [], environment = {}, runtime, config = loadConfig(file) } = {}) {
      return planFleet({
        config,
        applied: new Map(applied.map((agent) => [agent.name, agent])),
        running: new Set(running),
        adopted: () => null,
        resolve: (agent) => resolveAgent(agent, { PATH: '/usr/bin:/bin', ...environment }, config),
        runtime: (name) => {
          const found = runtime ?? RUNTIMES.find((one) => one.name === name);
          if (!found) throw new Error(name);
          return found;
        },
        place,
        chooseSandbox: async (agent) =>
          agent.sandbox?.kind === 'bubblewrap'
            ? { kind: 'bubblewrap', why: 'a test says so', missing: [{ what: 'old', mend: 'renew' }] }
            : { kind: 'none', why: 'a test says so', missing: [] },
        host: {
          stateDir: join(dir, 'state'),
          socketDir: '/run/sockets',
          configFile: file,
          programs: '/programs',
        },
        environment,
      });
    },
  };
}

const agents = (text: string): AgentConfig[] => loadConfig(writeConfig(text)).agents;

describe('planFleet', () => {
  it('says which sandbox it would be in, and what that shows', async () => {
    const { dir, plan } = fleet(
      'agents:\n  a: { runtime: command, command: [sh], workspace: ., sandbox: { kind: bubblewrap, read: [bin], debug: true } }\n  b: { runtime: command, command: [sh], sandbox: none }\n  c: { runtime: command, command: [sh], sandbox: { kind: bubblewrap, write: [gone] } }\n',
    );
    const { changes } = await plan();
    const { sandbox } = changes[0]!.launch!;
    expect(sandbox).toMatchObject({ kind: 'bubblewrap', network: 'own', debug: true });
    expect(sandbox.gaps).toEqual(['`debug: true` lets its tools trace its engine']);
    expect(sandbox.write).toEqual([dir, join(dir, 'state/agents/a'), join(dir, 'state/runs/r_plan/tmp')]);
    // The configuration lies in the workspace, and what the user named is read-only there.
    expect(sandbox.read).toEqual(expect.arrayContaining([join(dir, 'aether.yaml'), join(dir, 'bin')]));
    expect(sandbox.read).not.toContain(join(dir, 'home'));
    expect(sandbox.hidden).toContain(join(dir, 'state'));
    expect(sandbox.missing).toEqual([{ what: 'old', mend: 'renew' }]);
    expect(changes[1]!.launch!.sandbox).toMatchObject({
      ...{ kind: 'none', why: 'a test says so', read: [] },
      gaps: ['without a sandbox its tools have the rights of your user'],
    });
    expect(changes[2]).toMatchObject({ launch: null, problem: { code: 'sandbox.path-missing' } });
  });

  it('shows exactly what a command would be given', async () => {
    const { dir, plan } = fleet(
      'agents:\n  a:\n    runtime: command\n    command: [sh, -c, "echo hello"]\n    goal: Say hello\n    env: { GREETING: hello }\n    tools: [aether_report]\n',
    );
    const { changes, configFile, warnings } = await plan();
    expect(configFile).toBe(join(dir, 'aether.yaml'));
    expect(warnings).toEqual([]);
    expect(changes).toEqual([
      {
        agent: 'a',
        action: 'add',
        changed: [],
        why: 'new: it is started',
        problem: null,
        launch: {
          runtime: 'command',
          argv: [expect.stringMatching(/^\/(usr\/)?bin\/sh$/), '-c', 'echo hello'],
          env: expect.objectContaining({
            GREETING: 'hello',
            AETHER_MCP_COMMAND: '/run/mcp',
            AETHER_GOAL: 'Say hello',
          }),
          cwd: join(dir, 'workspaces/a'),
          io: 'terminal 120×40, 2000 lines above it kept',
          files: [
            {
              path: join(dir, 'state/runs/r_plan/tmp/.aether'),
              mode: '0600',
              content: 'TMPDIR of the agent a.\n',
            },
          ],
          mcp: {
            command: '/usr/bin/node',
            args: ['/opt/bridge.cjs', '/run/mcp.sock'],
            tools: ['aether_report'],
          },
          auth: 'none: the program logs in by itself',
          messages: 'typed: as one paste where the program takes it so; otherwise several lines are refused',
          turns: null,
          memory_bytes: null,
          recall: 'given nothing unasked: this runtime has no way to',
          adopted: null,
          repository: null,
          sandbox: {
            kept: [],
            gaps: ['without a sandbox its tools have the rights of your user'],
            ...{ kind: 'none', why: 'a test says so', write: [], read: [], hidden: [] },
            reaches: expect.stringContaining('not enforced without a sandbox (full)'),
            ...{ network: 'shared', ports: [], debug: false, missing: [] },
          },
        },
      },
    ]);
  });

  it('shows argv, files, MCP configuration and log-in of claude-code', async () => {
    const { plan } = fleet(
      'agents: { a: { runtime: claude-code, model: opus, template: reviewer, permissions: { allow: [Read] } } }',
    );
    const key = 'sk-ant-api03-PlanSecretPlanSecretPlanSecret';
    const { changes } = await plan({ environment: { ANTHROPIC_API_KEY: key } });
    expect(changes[0]?.problem).toBeNull();
    const launch = changes[0]!.launch!;
    expect(launch.argv[0]).toMatch(/\/claude$/);
    expect(launch.argv).toEqual(expect.arrayContaining(['--strict-mcp-config', '--model', 'opus']));
    expect(launch.env.ANTHROPIC_API_KEY).toBe('•••• (from ANTHROPIC_API_KEY where aether runs)');
    expect(launch.auth).toContain('ANTHROPIC_API_KEY');
    expect(launch.io).toBe('pipes');
    const contents = launch.files.map(({ content }) => content).join('\n');
    expect(contents).toContain('/opt/bridge.cjs');
    // The rules stand where no agent can write: among the arguments.
    expect(launch.argv.join(' ')).toContain('"Read"');
    expect(contents).toContain('You are a reviewer.');
    expect(launch.files.every(({ mode }) => /^0[0-7]{3}$/.test(mode))).toBe(true);
    expect(launch.mcp.tools).not.toContain('aether_memory_forget');
    // Nor the end of the key, by which Claude Code's own settings know it.
    expect(JSON.stringify(launch)).not.toContain(key.slice(-20));
  });

  it('writes nothing', async () => {
    const { dir, plan } = fleet(
      'agents: { a: { runtime: claude-code }, b: { runtime: builtin, model: "ollama:x" }, c: { runtime: command, command: [sh] } }',
    );
    const before = readdirSync(dir, { recursive: true }).sort();
    const { changes } = await plan({ environment: { ANTHROPIC_API_KEY: 'sk-ant-api03-aaaaaaaaaaaaaaaa' } });
    expect(changes.map(({ problem }) => problem)).toEqual([null, null, null]);
    expect(readdirSync(dir, { recursive: true }).sort()).toEqual(before);
  });
});

describe('actions', () => {
  const text = 'agents: { a: { runtime: command, command: [sh] } }';
  it.each<[string, string | null, string[], object]>([
    ['nothing applied', null, [], { action: 'add', changed: [] }],
    ['the same', text, ['a'], { action: 'none', changed: [], why: 'nothing changed' }],
    [
      'a live change',
      text.replace('[sh]', '[sh], goal: x'),
      ['a'],
      { action: 'change', changed: ['workspace', 'goal'] },
    ],
    ['a restart', text.replace('[sh]', '[sh, -x]'), ['a'], { action: 'restart' }],
    [
      'a restart of what does not run',
      text.replace('[sh]', '[sh, -x]'),
      [],
      { action: 'change', why: expect.stringMatching(/next start/) },
    ],
  ])('%s', async (_name, appliedText, running, expected) => {
    const { dir, plan } = fleet(text);
    // The workspace is beside each file; what is compared here is the rest.
    const applied = appliedText
      ? agents(appliedText).map((agent) => ({ ...agent, workspace: join(dir, 'workspaces', agent.name) }))
      : [];
    const { changes } = await plan({ applied, running });
    const { changed, ...rest } = expected as { changed?: string[] };
    expect(changes[0]).toMatchObject(rest);
    if (changed) expect(changes[0]?.changed).toEqual(changed.filter((key) => key !== 'workspace'));
  });

  it('lists what was removed last, with nothing to launch', async () => {
    const { plan } = fleet(text);
    const { changes } = await plan({
      applied: agents('agents: { old: { runtime: claude-code } }'),
      running: ['old'],
    });
    expect(changes.map(({ agent, action }) => [agent, action])).toEqual([
      ['a', 'add'],
      ['old', 'remove'],
    ]);
    expect(changes[1]).toMatchObject({ launch: null, problem: null });
  });
});

describe('problems', () => {
  it('stay with their agent', async () => {
    const { dir, plan } = fleet(`
agents:
  undefined-var: { runtime: command, command: [sh], env: { A: "\${NOT_SET}" } }
  no-binary: { runtime: command, command: [aether-no-such-program] }
  no-login: { runtime: claude-code }
  no-replay: { runtime: builtin, model: replay:nowhere.json }
  fine: { runtime: command, command: [sh] }
`);
    const { changes } = await plan();
    expect(
      changes.map(({ agent, problem, launch }) => [agent, problem?.code ?? null, launch !== null]),
    ).toEqual([
      ['undefined-var', 'config.variable-undefined', false],
      ['no-binary', 'config.binary-missing', false],
      ['no-login', 'config.auth-missing', false],
      ['no-replay', 'config.replay-missing', false],
      ['fine', null, true],
    ]);
    expect(changes[0]?.problem?.message).toContain(`${join(dir, 'aether.yaml')}:3:`);
    expect(changes.every(({ problem }) => problem === null || problem.next.length > 10)).toBe(true);
  });

  it('of the workspace, when a file came in its way', async () => {
    const { dir, plan } = fleet('agents: { a: { runtime: command, command: [sh], workspace: ws } }');
    const config = loadConfig(join(dir, 'aether.yaml'));
    writeFile(join(dir, 'ws'), '');
    const { changes } = await plan({ config });
    expect(changes[0]?.problem).toMatchObject({ code: 'config.workspace', details: { line: 1 } });
    // A configuration that is read now is refused as a whole.
    await expect(async () => plan()).rejects.toThrow(/is a file/);
  });

  it('that are faults of ours say no more than that', async () => {
    const { plan } = fleet('agents: { a: { runtime: command, command: [sh] } }');
    const broken = { ...commandRuntime, prepare: () => Promise.reject(new Error('secret detail')) };
    const { changes } = await plan({ runtime: broken });
    expect(changes[0]?.problem?.code).toBe('host.internal');
    expect(JSON.stringify(changes)).not.toContain('secret detail');
  });
});

describe('secrets', () => {
  const SECRETS = {
    ANTHROPIC_API_KEY: 'sk-ant-api03-Secret-One-0123456789abcdefghij',
    OPENAI_API_KEY: 'plainlowercasesecret',
    GITHUB_TOKEN: 'quoted"and\\odd&secret',
    DATABASE_URL: 'postgres://user:hunter2hunter2@db/x',
  };
  const LITERAL = 'ghp_LiteralLiteral0123456789';
  const IN_FILE = 'FileSecretFileSecret42';

  /** A careless engine: its secrets are everywhere. */
  const careless: Runtime = {
    ...commandRuntime,
    async prepare(agent: AgentSpec, place: RunPlace): Promise<LaunchSpec> {
      const all = { ...agent.env, ...agent.auth };
      const spec = await commandRuntime.prepare(
        { ...agent, options: { command: ['sh'] } },
        place,
        null,
        null,
      );
      return {
        ...spec,
        process: {
          ...spec.process,
          argv: ['sh', ...Object.values(all).map((value) => `--key=${value}`)],
          env: { ...all, COPY: Object.values(all).join(',') },
        },
        secretEnv: [],
        files: [
          { path: '/x/settings.json', mode: 0o600, content: JSON.stringify(all) },
          {
            path: '/x/tail.json',
            mode: 0o600,
            content: Object.values(all)
              .map((value) => value.slice(-20))
              .join(),
          },
          { path: '/x/url', mode: 0o600, content: Object.values(all).map(encodeURIComponent).join() },
          { path: '/x/key', mode: 0o600, content: 'whatever this is', secret: true },
        ],
        authNote: `with ${Object.values(agent.auth).join()}`,
      };
    },
  };

  const text = `
agents:
  a:
    runtime: claude-code
    env:
      TOKEN: "\${GITHUB_TOKEN}"
      DB: "\${DATABASE_URL}?ssl=1"
      LITERAL: ${LITERAL}
      PAIR_TOKEN: "\${DATABASE_URL}hunter22"
      ADMIN_PASSWORD: correct-horse
      LEVEL: debug
  b: { runtime: builtin, model: openai:x }
  c: { runtime: claude-code, auth: { file: key } }
`;

  const leaks = (view: PlanView) => {
    const shown = JSON.stringify(view);
    const all = [...Object.values(SECRETS), LITERAL, 'correct-horse', 'hunter22', IN_FILE];
    const forms = all.flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1),
      encodeURIComponent(secret),
      secret.slice(-20),
    ]);
    return [...new Set(forms)].filter((form) => shown.includes(form));
  };

  it('are never in the plan, however careless the engine', async () => {
    const { dir, plan } = fleet(text);
    writeFile(join(dir, 'key'), IN_FILE, 0o600);
    const view = await plan({ environment: SECRETS, runtime: careless });
    expect(view.changes.map(({ problem }) => problem)).toEqual([null, null, null]);
    expect(leaks(view)).toEqual([]);
    const [a, b, c] = view.changes.map(({ launch }) => launch!);
    expect(a?.env).toMatchObject({
      TOKEN: '•••• (from ${GITHUB_TOKEN})',
      DB: '••••?ssl=1 (from ${DATABASE_URL})',
      LITERAL: '•••• (written in the file)',
      PAIR_TOKEN: '•••• (from ${DATABASE_URL})',
      ADMIN_PASSWORD: '•••• (written in the file)',
      LEVEL: 'debug',
    });
    expect(a?.files[3]).toEqual({ path: '/x/key', mode: '0600', content: '•••• (16 bytes)' });
    expect(b?.auth).toBe('with ••••');
    expect(c?.auth).toBe('with ••••');
  });

  it('are never in the plan of the real engines', async () => {
    const { dir, plan } = fleet(text);
    writeFile(join(dir, 'key'), `sk-ant-api03-${IN_FILE}`, 0o600);
    const view = await plan({ environment: SECRETS });
    expect(view.changes.map(({ problem }) => problem)).toEqual([null, null, null]);
    expect(leaks(view)).toEqual([]);
    expect(view.changes[2]?.launch?.env.ANTHROPIC_API_KEY).toBe(`•••• (from ${join(dir, 'key')})`);
  });

  it('the search would find them', async () => {
    const { plan } = fleet('agents: { a: { runtime: command, command: [sh, correct-horse] } }');
    expect(leaks(await plan())).toEqual(['correct-horse']);
  });

  it('are not in the plan’s problems either', async () => {
    const { plan } = fleet(text);
    const telltale: Runtime = {
      ...commandRuntime,
      prepare: (agent) =>
        Promise.reject(
          new AetherError({
            code: 'x.y',
            who: 'runtime',
            message: `bad key ${Object.values({ ...agent.env, ...agent.auth }).join()}`,
            next: 'none',
          }),
        ),
    };
    const view = await plan({ environment: SECRETS, runtime: telltale });
    expect(view.changes[0]?.problem?.message).toMatch(/^bad key ••••/);
    expect(leaks(view)).toEqual([]);
  });

  it('but addresses, regions and paths are shown', async () => {
    const { plan } = fleet(
      'agents:\n  a: { runtime: claude-code, env: { X: "${HOME}/x" } }\n  b: { runtime: claude-code, auth: { provider: bedrock } }\n',
    );
    const environment = {
      HOME: '/home/somebody',
      ANTHROPIC_API_KEY: SECRETS.ANTHROPIC_API_KEY,
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:8080',
      AWS_REGION: 'eu-west-1',
      AWS_BEARER_TOKEN_BEDROCK: 'BearerSecret',
    };
    const { changes } = await plan({ environment });
    expect(changes[0]?.launch?.env.ANTHROPIC_BASE_URL).toBe('http://127.0.0.1:8080');
    expect(changes[0]?.launch?.env.X).toBe('••••/x (from ${HOME})');
    expect(changes[1]?.launch?.env).toMatchObject({ AWS_REGION: 'eu-west-1', CLAUDE_CODE_USE_BEDROCK: '1' });
    expect(JSON.stringify(changes)).not.toContain('BearerSecret');
  });

  it('an address that holds a password is one', async () => {
    const { plan } = fleet('agents: { a: { runtime: claude-code } }');
    const environment = {
      ANTHROPIC_API_KEY: SECRETS.ANTHROPIC_API_KEY,
      ANTHROPIC_BASE_URL: 'http://user:pass-in-url@h/',
    };
    expect(JSON.stringify(await plan({ environment }))).not.toContain('pass-in-url');
  });
});

describe('warnings', () => {
  it('of the file are passed on', async () => {
    const { dir, plan } = fleet(
      'agents: { a: { runtime: command, command: [sh], env: { K: sk-ant-api03-xxxxxxxx } } }',
    );
    symlinkSync(dir, join(dir, 'loop'));
    const { warnings } = await plan();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('agents.a.env.K');
  });
});

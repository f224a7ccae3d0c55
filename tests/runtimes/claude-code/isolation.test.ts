/** What an agent is given and what it is not: the user's things, the workspace's tricks, other sessions. */
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { AgentSpec, InheritSpec, LaunchSpec } from '../../../src/runtimes/runtime.ts';
import { ALLOW } from '../../conformance/runtime-bench.ts';
import type { Engine } from '../../support/drive.ts';
import { useClaude } from './desk.ts';
import { KEY } from './subject.ts';

const bench = useClaude();
const NOTHING: InheritSpec = { instructions: false, settings: false, mcpServers: false, skills: false };

function put(path: string, content: string | Buffer): void {
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.writeFileSync(path, content);
}

/** A user with everything, and a workspace that wants to be more than a workspace. */
function furnish(): void {
  const { place, workspace } = bench.desk;
  const user = join(place.userHome, '.claude');
  put(join(user, 'CLAUDE.md'), 'USER-INSTRUCTION-MARK');
  put(join(user, 'settings.json'), JSON.stringify({ permissions: { allow: ['Bash(touch *)'] } }));
  const skill = '---\nname: greet\ndescription: SKILL-MARK\n---\nSay hello.\n';
  put(join(place.userHome, 'repository/greet/SKILL.md'), skill);
  fs.mkdirSync(join(user, 'skills'));
  fs.symlinkSync(join(place.userHome, 'repository/greet'), join(user, 'skills/greet'));
  fs.symlinkSync('..', join(place.userHome, 'repository/greet/endless'));
  fs.symlinkSync('/nowhere', join(user, 'skills/broken'));
  put(join(user, 'skills/greet/logo.png'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]));
  const { command, args } = place.mcp;
  const mine = { type: 'stdio', command, args, env: { MY_SECRET: 'user-mcp-secret' } };
  put(join(place.userHome, '.claude.json'), JSON.stringify({ mcpServers: { mine } }));
  put(join(workspace, 'CLAUDE.md'), 'PROJECT-INSTRUCTION-MARK');
  put(join(workspace, '.mcp.json'), JSON.stringify({ mcpServers: { smuggled: { command, args } } }));
  const hook = { hooks: [{ type: 'command', command: `touch ${join(workspace, 'HOOK-RAN')}` }] };
  const settings = {
    hooks: { SessionStart: [hook] },
    permissions: { allow: ['Bash'] },
    enableAllProjectMcpServers: true,
  };
  put(join(workspace, '.claude/settings.json'), JSON.stringify(settings));
  put(join(workspace, '.claude/settings.local.json'), JSON.stringify({ ...settings, disableAllHooks: true }));
}

/** Lets the agent try to make a file. @returns what its model was told, and whether it had to ask */
async function observe(inherit: Partial<InheritSpec>, overrides: Partial<AgentSpec> = {}) {
  const { desk, subject } = bench;
  desk.place.run = `r_${crypto.randomUUID().slice(0, 8)}`;
  const goal = subject.shell(`touch ${join(desk.workspace, 'made')}`);
  const engine = await bench.start({ goal, inherit: { ...NOTHING, ...inherit }, ...overrides });
  const { observed } = engine;
  await observed.waitFor('mcp-status');
  await Promise.race([observed.waitFor('permission-asked'), bench.ended(engine)]);
  const body = JSON.stringify(subject.model.requests.at(-1)?.body);
  const marks = ['USER-INSTRUCTION', 'PROJECT-INSTRUCTION', 'SKILL', 'ROLE'].filter((mark) =>
    body.includes(`${mark}-MARK`),
  );
  return {
    marks,
    asked: observed.find('permission-asked') !== undefined,
    servers: observed.find('mcp-status')!.servers.map((server) => server.name),
    spec: engine.spec,
    body,
  };
}

it('inherits what it is told to and no more, and keeps neither that nor what the agent allowed itself', async () => {
  furnish();
  const config = join(bench.desk.place.agentDir, 'claude');
  // What the user allows is not asked about; skills are copied whole, binary files too.
  const first = await observe({ settings: true, skills: true });
  expect(first).toMatchObject({ marks: ['SKILL'], asked: false, servers: ['aether'] });
  const copy = join(config, 'skills/greet/logo.png');
  expect([...fs.readFileSync(copy)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]);

  // Instructions are the user's and the project's; MCP servers stand beside ours, their secrets masked.
  put(join(config, 'settings.json'), JSON.stringify({ permissions: { allow: ['Bash'] } }));
  const second = await observe({ instructions: true, mcpServers: true });
  expect(second).toMatchObject({ marks: ['USER-INSTRUCTION', 'PROJECT-INSTRUCTION'], asked: true });
  expect(second.servers.sort()).toEqual(['aether', 'mine']);
  const shown = second.spec.files.filter((file) => !file.secret).map((file) => file.content);
  expect(shown.join()).not.toContain('user-mcp-secret');

  put(join(config, 'settings.json'), JSON.stringify({ permissions: { allow: ['Bash'] } }));
  const last = await observe({}, { role: 'ROLE-MARK' });
  expect(last).toMatchObject({ marks: ['ROLE'], asked: true, servers: ['aether'] });
  expect(fs.existsSync(join(bench.desk.workspace, 'HOOK-RAN'))).toBe(false);
  reachesNoOther(last);
});

/** It cannot reach other sessions, and offers aether tools without a search. */
function reachesNoOther({ body, spec }: { body: string; spec: LaunchSpec }): void {
  const { tools } = JSON.parse(body) as { tools: { name: string; defer_loading?: boolean }[] };
  const names = tools.map((tool) => tool.name);
  for (const name of ['SendMessage', 'ListAgents', 'AskUserQuestion']) expect(names).not.toContain(name);
  const ours = tools.filter((tool) => tool.name.startsWith('mcp__aether__'));
  expect(ours).toHaveLength(3);
  for (const tool of ours) expect(tool.defer_loading ?? false).toBe(false);
  expect(fs.readdirSync(spec.process.env.TMPDIR!)).not.toContain('cc-socks');
}

it('refuses broken or oversized things of the user, without showing them', async () => {
  const { place } = bench.desk;
  put(join(place.userHome, '.claude/settings.json'), '{"env":{"SECRET":"very-secret"},');
  const broken = bench.start({ inherit: { ...NOTHING, settings: true } });
  await expect(broken).rejects.toMatchObject({ code: 'claude.inherit', who: 'user' });
  await expect(broken).rejects.not.toThrow(/very-secret/);
  for (let index = 0; index <= 1_000; index++) put(join(place.userHome, `.claude/skills/s/${index}`), '');
  const crowded = bench.start({ inherit: { ...NOTHING, skills: true } });
  await expect(crowded).rejects.toThrow(/more than 1000 files/);
});

it('lives in a workspace with a path of 200 characters, and shows its key in no argument of any process, and in no file but the secret one', async () => {
  const workspace = join(bench.desk.workspace, 'long '.repeat(12).trim(), 'ü'.repeat(40), 'x'.repeat(80));
  fs.mkdirSync(workspace, { recursive: true });
  expect(workspace.length).toBeGreaterThan(200);
  const goal = `${bench.subject.shell('sleep 1; true')} [[say here]]`;
  const engine = await bench.start({ workspace, goal, permissions: ALLOW });
  expect((await bench.ended(engine)).outcome).toBe('done');
  const tail = bench.runtime.tail!(bench.agent({ workspace }), bench.desk.place, engine.observed.state)!;
  expect(fs.readFileSync(tail.path, 'utf8')).toContain('[[say here]]');
  const cmdline = fs.readFileSync(`/proc/${(engine as Engine).child.pid}/cmdline`, 'utf8');
  expect(cmdline).toContain('stream-json');
  for (const part of [KEY, KEY.slice(-20)]) {
    expect(cmdline).not.toContain(part);
    const files = [...filesBelow(bench.desk.root), ...filesBelow(bench.desk.workspace)];
    const holders = files.filter((file) => fs.readFileSync(file).includes(part));
    for (const file of holders) expect(fs.statSync(file).mode & 0o077, file).toBe(0);
    expect(holders.map((file) => file.slice(bench.desk.root.length))).toEqual(
      part === KEY ? [] : expect.arrayContaining(['/agent/claude/.claude.json']),
    );
  }
});

it('says what is missing before anything is started', async () => {
  const prepare = (overrides: Partial<AgentSpec>): Promise<LaunchSpec> =>
    bench.runtime.prepare(bench.agent(overrides), bench.desk.place, null, null);
  await expect(prepare({ auth: {} })).rejects.toMatchObject({ code: 'claude.login', who: 'config' });
  const binary = process.env.AETHER_CLAUDE_BINARY;
  process.env.AETHER_CLAUDE_BINARY = '/nowhere/claude';
  try {
    await expect(prepare({})).rejects.toMatchObject({ code: 'claude.missing', who: 'user' });
  } finally {
    process.env.AETHER_CLAUDE_BINARY = binary;
  }
});

it('gives a model, a limit of steps, and what the agent’s env may not undo', async () => {
  const spec = await bench.runtime.prepare(
    bench.agent({
      model: 'opus',
      limits: { steps_max: 7 },
      env: { HOME: '/root', FOO: 'bar', DISABLE_TELEMETRY: '' },
    }),
    bench.desk.place,
    null,
    null,
  );
  const { argv, env } = spec.process;
  expect(argv.slice(argv.indexOf('--model'), argv.indexOf('--model') + 2)).toEqual(['--model', 'opus']);
  expect(argv[argv.indexOf('--max-turns') + 1]).toBe('7');
  expect(env).toMatchObject({ FOO: 'bar', DISABLE_TELEMETRY: '1' });
  expect(env.HOME).toBe(join(bench.desk.place.agentDir, 'home'));
});

function filesBelow(dir: string): string[] {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

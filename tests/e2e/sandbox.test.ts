/**
 * Agents in bubblewrap, through the whole product: what they see and reach, what they can change, and that a fleet works
 * in it as it does without. What is tried from inside is done by a shell of the agent.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AgentView } from '../../src/host/api.ts';
import { eventually } from '../support/eventually.ts';
import { AETHER, call, LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;

const isRunning = ({ state }: { state: string | null }) => state === 'running';

/** A shell that does each line it is told, and says that it is done. */
const shell = (more: object = {}) => ({
  runtime: 'command',
  sandbox: 'bubblewrap',
  command: [
    'sh',
    '-c',
    'echo ready; while read -r line; do (eval "$line") > out.tmp 2>&1; mv out.tmp out; done',
  ],
  ...more,
});

/** What the agent's shell says to it. */
async function inside(
  agent: string,
  command: string,
  workspace = join('workspaces', agent),
): Promise<string> {
  const out = join(fleet.project, workspace, 'out');
  fs.rmSync(out, { force: true });
  // The host of another user is not ours to ask.
  if (fleet.program === AETHER) await fleet.inject(agent, command);
  else await fleet.ok('inject', agent, command);
  await eventually(`${agent} has done ${command}`, () => fs.existsSync(out));
  return fs.readFileSync(out, 'utf8');
}

describe('boxed agents of one fleet', () => {
  beforeAll(async () => {
    fleet = await LiveFleet.make({
      agents: {
        ...{ a: shell(), b: shell(), outer: shell({ shared: true }) },
        writer: shell({ sandbox: { kind: 'bubblewrap', write: ['out'], read: ['in'] } }),
        inner: shell({ workspace: 'workspaces/outer/inner', shared: true, autostart: false }),
      },
    });
    for (const name of ['in', 'out']) fs.mkdirSync(join(fleet.project, name));
    await fleet.up();
  }, 60_000);
  afterAll(() => fleet.close(), 60_000);

  test('see their workspace, home, the system and its tools; no sibling, no state, no home, no process, no socket', async () => {
    const secret = join(fleet.home, 'secret');
    fs.writeFileSync(secret, 'secret');
    const socket = join(fleet.root, 'tmp', 'outside.sock');
    fs.writeFileSync(socket, '');
    const { run, pid } = await fleet.until('a', 'running', isRunning);
    const state = fleet.stateDir;
    const hidden = [
      ...[secret, socket, join(state, 'aether.db'), join(state, 'host.log'), join(state, 'agents', 'b')],
      ...[
        join(state, 'runs', run!, 'journal', '0000000000000000.journal'),
        join(fleet.project, 'workspaces', 'b'),
        fleet.configFile,
      ],
      ...[
        '/etc/shadow',
        '/etc/machine-id',
        '/run/dbus',
        '/var/lib',
        `/proc/${fleet.hostPid}`,
        `/proc/${pid}`,
      ],
    ];
    const shown = ['/usr/bin/env', '/etc/passwd', '/etc/resolv.conf', join(state, 'agents', 'a')];
    const looked = [...hidden, ...shown].map((path) => `test -e '${path}' && echo '${path}'`);
    expect((await inside('a', looked.join('; '))).trim().split('\n')).toEqual(shown);
    const sockets = await inside(
      'a',
      'find / -path /usr -prune -o -path /proc -prune -o -type s -print 2>/dev/null',
    );
    expect(sockets.trim().split('\n')).toEqual([expect.stringMatching(/\/mcp\.sock$/)]);
    expect(
      await inside('a', 'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status | tr -d "\\t\\n"'),
    ).toBe('CapEff:0000000000000000CapBnd:0000000000000000NoNewPrivs:1Seccomp:2');
    expect(await inside('a', 'unshare --user true || echo refused')).toContain('refused');
    expect(await inside('a', 'ls /proc/self/fd | wc -l')).toMatch(/^[45]\n$/);
    expect(await fleet.agent('a')).toMatchObject({
      sandbox: 'bubblewrap',
      sandboxWhy: 'the configuration says so',
    });
    expect(await fleet.ok('ps')).toMatch(/a .*bubblewrap/);
    expect((await fleet.events({ agent: 'a', topics: ['run.starting'] }))[0]!.data).toMatchObject({
      sandbox: 'bubblewrap',
    });
  }, 60_000);

  test('write nothing but their workspace, home and temporary places', async () => {
    const { run } = await fleet.until('writer', 'running', isRunning);
    const writable = ['./x', '$HOME/x', '$TMPDIR/x', '/tmp/x', '/dev/shm/x', '../../out/x'];
    const closed = ['/x', '/etc/x', '/usr/x', '../../in/x', '$TMPDIR/../x', '$TMPDIR/../box/etc/x'];
    const tried = [...writable, ...closed].map((path) => `(: > "${path}") 2>/dev/null && echo '${path}'`);
    expect((await inside('writer', tried.join('; '))).trim().split('\n')).toEqual(writable);
    expect(fs.existsSync(join(fleet.project, 'out', 'x'))).toBe(true);
    // Where a path leads through a temporary place, nothing of it is the host's.
    await inside('writer', ': > ../x; : > "$HOME/../x"');
    for (const dir of [join(fleet.project, 'workspaces'), join(fleet.stateDir, 'agents')])
      expect(fs.existsSync(join(dir, 'x'))).toBe(false);
    // Its sockets stay where they are.
    expect(await inside('writer', 'rm -f "$(dirname "$AETHER_MCP_COMMAND")"/* || echo refused')).toContain(
      'refused',
    );
    expect(fs.existsSync(join(fleet.stateDir, 'runs', run!, 'tmp', 'x'))).toBe(true);
    expect(fs.statSync(join(fleet.project, 'workspaces', 'writer', 'x')).uid).toBe(process.getuid!());
  }, 60_000);

  test('a link planted in place of a directory shows nothing at the next start, and is said', async () => {
    const keys = join(fleet.home, 'keys');
    fs.mkdirSync(keys);
    await fleet.until('outer', 'running', isRunning);
    await inside('outer', `ln -s ${keys} inner`);
    expect((await fleet.cli(['start', 'inner'])).stderr).toContain(
      'is a link in a directory that agents can write to',
    );
    // A pipe, a link to nothing and a closed directory in its own place stop nobody.
    await inside('outer', 'rm inner; mkfifo aether.yaml .aether; ln -s /nowhere gone; mkdir -m 0 closed');
    await fleet.act('restart', 'outer');
    await fleet.until('outer', 'running', isRunning);
    expect(await inside('outer', 'echo alive')).toBe('alive\n');
  }, 60_000);

  test('a workspace that is gone is said, and made anew', async () => {
    await fleet.until('a', 'running', isRunning);
    fs.rmSync(join(fleet.project, 'workspaces', 'a'), { recursive: true });
    await fleet.act('restart', 'a');
    await fleet.until('a', 'running', isRunning);
    expect(await inside('a', 'pwd')).toBe(`${join(fleet.project, 'workspaces', 'a')}\n`);
  }, 60_000);
});

describe('a fleet of its own', () => {
  afterEach(() => fleet.close());

  test('a workspace that holds aether.yaml and the state: the one is read-only, the other out of sight', async () => {
    fleet = await LiveFleet.make({ agents: { a: shell({ workspace: '.' }) } });
    await fleet.up();
    await fleet.until('a', 'running', isRunning);
    const before = fs.readFileSync(fleet.configFile, 'utf8');
    const said = await inside(
      'a',
      'cat aether.yaml | head -1; echo evil >> aether.yaml; mv aether.yaml old.yaml; rm -f aether.yaml; mv .aether old; ls -A .aether; cat .aether/aether.db; echo over',
      '.',
    );
    expect(said).toContain('over');
    expect(said.match(/Read-only|busy/g)!.length).toBeGreaterThanOrEqual(4);
    expect(fs.readFileSync(fleet.configFile, 'utf8')).toBe(before);
    expect(fs.existsSync(join(fleet.stateDir, 'aether.db'))).toBe(true);
    expect(said).toMatch(/^agents$/m);
    expect(said).not.toMatch(/^host\.log$/m);
    // An editor puts another file there, which takes away what was mounted on the old one.
    fleet.write(`${before}# edited\n`);
    await eventually('the new one is read-only, too', async () =>
      (await inside('a', 'echo evil >> aether.yaml', '.')).includes('Read-only'),
    );
    expect(await inside('a', 'mv aether.yaml old.yaml; tail -1 aether.yaml', '.')).toContain('busy');

    /* What it says now may be the agent's: nothing of it counts before an operator has seen it, not even what narrows. */
    fleet.write(before.replace('agents:', 'agents:\n  b: { runtime: command, command: [sleep, "100"] }'));
    await fleet.event(
      'config.changed',
      ({ data }) => data.unproven === 'was replaced while a could write beside it',
    );
    expect((await fleet.cli(['ps'])).stderr).toContain(
      'aether.yaml was replaced while a could write beside it',
    );
    const refused = await fleet.cli(['apply']);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/it may say more[\s\S]*aether plan/),
    ]);
    expect((await fleet.cli(['up', '--detach'])).code).not.toBe(0);
    expect(await fleet.ok('plan')).toContain('b would be started');
    fleet.write(before.replace('agents:', 'agents:\n  c: { runtime: command, command: [sleep, "100"] }'));
    expect((await fleet.cli(['apply'])).stderr).toContain('it may say more');
    expect(await fleet.ok('plan')).toContain('c would be started');
    expect(await fleet.ok('apply')).toContain('c was added');
    /* In a box that began with the file as it is nobody could have written it. */
    await fleet.act('restart', 'a');
    await fleet.until('a', 'running', isRunning);
    fs.writeFileSync(fleet.configFile, fs.readFileSync(fleet.configFile, 'utf8').replace('"100"', '"200"'));
    await fleet.event(
      'config.changed',
      ({ data }) => data.unproven === undefined && data.pending.includes('c'),
    );
    expect(await fleet.ok('apply')).toContain('c was restarted');
  }, 60_000);

  /** The kernel judges the two differently: here the whole host is an ordinary user's. */
  test.runIf(process.getuid!() === 0)(
    'a host of an ordinary user has boxes that hold as well',
    async () => {
      const user = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
      fleet = await LiveFleet.make({ agents: { a: shell() } }, { program: [...user, ...AETHER] });
      const cache = join(fleet.root, 'cache');
      fs.mkdirSync(cache);
      fleet.env.XDG_CACHE_HOME = cache;
      execFileSync('chown', ['-R', '65534:65534', fleet.root]);
      await fleet.up();
      const [a] = await fleet.json<AgentView[]>('ps');
      expect(a).toMatchObject({ state: 'running', sandbox: 'bubblewrap' });
      const database = join(fleet.stateDir, 'aether.db');
      const tried = `id -u; cat ${database}; ls /proc | grep -c '^[0-9]'; echo x > file; unshare -U true; grep CapEff: /proc/self/status`;
      expect(await inside('a', tried)).toMatch(
        /^65534\ncat: .*No such file or directory\n\d\n.*not permitted[\s\S]*0000000000000000/,
      );
      expect(fs.statSync(join(fleet.project, 'workspaces', 'a', 'file')).uid).toBe(65_534);
      for (const verb of ['pause', 'resume', 'stop']) await fleet.ok(verb, 'a');
      expect(fs.existsSync(`/proc/${a!.pid}`)).toBe(false);
    },
    60_000,
  );

  describe('engines', () => {
    const look = [
      'E=$PPID; while [ "$(readlink /proc/$E/exe 2>/dev/null)" ]; do E=$(cut -d" " -f4 /proc/$E/stat); done',
      'head -c1 /proc/$E/environ > /dev/null || echo no environ; head -c1 /proc/$E/mem >/dev/null || echo no memory; ls -l /proc/$E/fd/0 2>&1 | grep -c denied',
    ].join('; ');

    const ENGINES = {
      'claude-code': () => ({ runtime: 'claude-code' }),
      builtin: () => ({
        runtime: 'builtin',
        model: 'anthropic:x',
        auth: 'ANTHROPIC_API_KEY',
        env: { ANTHROPIC_BASE_URL: `${fleet.model.url}/v1` },
      }),
    };
    const NAMES = Object.keys(ENGINES) as (keyof typeof ENGINES)[];
    const TOOLS = {
      'claude-code': call('Bash', { command: look, description: 'look' }),
      builtin: call('run_command', { command: look }),
    };

    test('claude-code and builtin work in it, are taken over, and are closed to what they start', async () => {
      const agent = (name: keyof typeof ENGINES) => ({
        ...ENGINES[name](),
        sandbox: 'bubblewrap',
        permissions: { mode: 'allow' },
        goal: `Look. ${TOOLS[name]} [[say looked]]`,
      });
      fleet = await LiveFleet.make({ agents: {} });
      fleet.configure({ agents: Object.fromEntries(NAMES.map((name) => [name, agent(name)])) });
      await fleet.up();
      const began = new Map<string, AgentView>();
      for (const name of NAMES) {
        await fleet.turns(name, 1);
        const results = (await fleet.events({ agent: name, topics: ['tool.'] })).map(({ data }) =>
          JSON.stringify(data),
        );
        expect(results.join('\n')).toMatch(/no environ[\s\S]*no memory/);
        began.set(name, await fleet.agent(name));
        await fleet.withHost((host) =>
          host.call('takeover', { agent: name, when: 'boundary', cols: 80, rows: 24 }),
        );
      }
      await fleet.killHost();
      await fleet.up();
      for (const name of NAMES) {
        const { lease } = await fleet.agent(name);
        await fleet.withHost((host) => host.call('handback', { agent: name, generation: lease!.generation }));
        await fleet.inject(name, 'Again. [[say again]]');
        await fleet.event('inject.acted', ({ agent: who }) => who === name);
        const { pid, run } = began.get(name)!;
        expect(await fleet.agent(name)).toMatchObject({ run, restarts: 0 });
        await fleet.act('stop', name);
        expect(fs.existsSync(`/proc/${pid}`)).toBe(false);
        expect((await fleet.events({ agent: name, topics: ['run.exited'] })).at(-1)!.data).toMatchObject({
          cause: 'stopped',
          survivors: 0,
        });
      }
    }, 120_000);
  });
});

/** The command with a real host and real agents: up in both ways, down, a host that was killed, the door of runs. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CLI } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { type FleetDir, fleetDir, isAlive } from '../../support/fleet-dir.ts';

/** Says what it reads; ends itself when told. */
const TALKER = `#!/bin/sh
echo "ready in $(pwd)"
while read -r line; do
  case "$line" in quit*) exit 3;; esac
  echo "heard: $line"
done
`;
const FLEET = `
agents:
  talker: { runtime: command, command: [./talker.sh] }
  other: { runtime: command, command: [./talker.sh], autostart: false }
console: { enabled: true, port: 0 }
`;

let fleet: FleetDir;
afterEach(() => fleet.close());

function talkers(config = FLEET, parent?: string): FleetDir {
  fleet = fleetDir(config, parent);
  fleet.write('talker.sh', TALKER);
  return fleet;
}

interface Row {
  name: string;
  state: string;
  pid: number | null;
  run: string | null;
}
async function ps(): Promise<Record<string, Row>> {
  const client = await fleet.connect();
  try {
    return Object.fromEntries((await client.call('agents')).map((row) => [row.name, row]));
  } finally {
    client.close();
  }
}

describe('up --detach', () => {
  it('below a path of 200 characters returns with every agent up, says how to stop them, and down leaves nothing behind', async () => {
    const deep = join(tmpdir(), `aether-${'deep-'.repeat(4)}`, 'd'.repeat(100), 'e'.repeat(60));
    mkdirSync(deep, { recursive: true });
    talkers(FLEET, deep);
    expect(fleet.stateDir.length).toBeGreaterThan(200);
    const up = await fleet.aether('up', '--detach');
    expect(up.stderr).toBe('');
    expect(up.code).toBe(0);
    expect(up.stdout).toMatch(
      /^talker is running \(pid \d+\)\nother is stopped \(aether start other\)\nAether 0\.1\.0 runs in the background/,
    );
    expect(up.stdout).toMatch(/Console: http:\/\/[a-z2-7]{20}\.localhost:\d+\/#link=/);
    expect(up.stdout).toContain('Stop agents and host with: aether down');
    const hostPid = fleet.hostPid()!;
    const { talker } = await ps();
    expect(talker).toMatchObject({ state: 'running', pid: expect.any(Number) });
    expect(statSync(fleet.stateDir).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(fleet.stateDir, '.gitignore'), 'utf8')).toBe('*\n');

    const again = await fleet.aether('up', '--detach');
    expect(again.stdout).toContain(`was running already (pid ${hostPid}`);
    expect((await ps()).talker!.pid).toBe(talker!.pid);

    const down = await fleet.aether('down');
    expect(down.stdout).toBe('Stopping talker …\nThe host has ended.\n');
    expect([hostPid, talker!.pid!].filter(isAlive)).toEqual([]);
    expect((await fleet.aether('ps')).code).toBe(3);
  });

  it('2 for a broken configuration, with where it is broken, and no host stays', async () => {
    talkers('agents:\n  talker: { runtime: command, comand: [./talker.sh] }\n');
    const up = await fleet.aether('up', '--detach');
    expect(up.stderr).toContain('comand');
    expect(up.stderr).toMatch(/aether\.yaml.*2/);
    expect(up.code).toBe(2);
    expect((await fleet.aether('ps')).code).toBe(3);
  });

  it('2 for a directory in place of the file, and nothing is made beside it', async () => {
    talkers();
    const up = await fleet.aether('up', '-f', join(fleet.dir, '.'), '--detach');
    expect(up.stderr).toContain(
      `is a directory, not a configuration file. Name the file in it: -f ${fleet.configFile}.`,
    );
    expect([up.code, existsSync(join(fleet.dir, '..', '.aether'))]).toEqual([2, false]);
  });
});

describe('verbs on real agents', () => {
  it('inject, logs, stop, start, kill and run; a command that prints nothing is up; a run may not operate the host', async () => {
    talkers(
      FLEET.replace(
        'console:',
        `  silent: { runtime: command, command: [sleep, "1000"] }
  once: { runtime: command, command: [./once.sh], restart: never, autostart: false }
  rebel: { runtime: command, command: [./rebel.sh], restart: never }
console:`,
      ),
    );
    fleet.write('once.sh', '#!/bin/sh\nexit 3\n');
    fleet.write(
      'rebel.sh',
      `#!/bin/sh\nunset AETHER_RUN AETHER_AGENT\n'${process.execPath}' '${CLI}' --state '${fleet.stateDir}' stop rebel >'${fleet.dir}/said' 2>&1\necho "code $?" >>'${fleet.dir}/said'\nexec sleep 1000\n`,
    );
    await fleet.aether('up', '--detach');
    expect((await ps()).silent).toMatchObject({ state: 'running', activity: 'unknown' });
    const inject = await fleet.aether('inject', 'talker', 'hello there', '--wait', 'delivered');
    expect(inject.code).toBe(0);
    const logs = await eventually(
      'the answer',
      async () => {
        const said = await fleet.aether('logs', 'talker');
        return said.stdout.includes('heard: hello there') ? said : null;
      },
      10_000,
      200,
    );
    expect(logs.stdout).toContain(`ready in ${join(fleet.dir, 'workspaces', 'talker')}`);
    expect(logs.stdout).not.toMatch(/[\x1b\r]/);

    const { talker } = await ps();
    expect((await fleet.aether('stop', 'talker')).stdout).toBe('talker is stopped\n');
    expect(isAlive(talker!.pid!)).toBe(false);
    const last = await fleet.aether('logs', 'talker');
    expect(last.stdout).toContain('heard: hello there');
    expect(last.stderr).toContain('talker does not run; this is what it printed last.');
    expect((await fleet.aether('start', 'talker', 'other')).code).toBe(0);
    const killed = (await ps()).other!.pid!;
    expect((await fleet.aether('kill', 'other')).code).toBe(0);
    expect(isAlive(killed)).toBe(false);

    // A plain command is shown until it exits, with its verdict.
    const run = await fleet.aether('run', 'once');
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('run ended: exited (code 3)');

    // Whatever the caller says it is.
    const said = await eventually('the rebel has tried', () => {
      const text = readFileSync(join(fleet.dir, 'said'), { encoding: 'utf8', flag: 'a+' });
      return text.includes('code ') && text;
    });
    expect(said).toContain('This process may not operate the host');
    expect(said).toContain('code 1');
    expect((await ps()).rebel!.state).toBe('running');
  });
});

describe('up in the foreground', () => {
  it('shows the feed; Ctrl-C stops the agents and then the host', async () => {
    talkers();
    const up = fleet.start(['up']);
    await eventually('the agent is up', () => /talker \| ● engine of run r_\w+ started/.test(up.stdout()));
    expect(up.stdout()).toMatch(/^Aether 0\.1\.0 runs here/);
    expect(up.stdout()).toContain('Ctrl-C stops the agents');
    const { talker } = await ps();
    up.child.kill('SIGINT');
    const ended = await up.ended;
    expect(ended.stderr).toContain('Stopping the agents');
    expect(ended.stdout).toContain('talker | ● run ended: stopped');
    expect({ code: ended.code, signal: ended.signal }).toEqual({ code: 0, signal: null });
    expect(isAlive(talker!.pid!)).toBe(false);
  });

  it('ends as by Ctrl-C when nobody reads it any more', async () => {
    talkers();
    const up = fleet.start(['up']);
    await eventually('the agent is up', () => /talker \| ● engine of run r_\w+ started/.test(up.stdout()));
    const { talker } = await ps();
    up.child.stdout!.destroy();
    up.child.stderr!.destroy();
    // Whatever it would print next tells it.
    await fleet.aether('start', 'other');
    expect((await up.ended).signal).toBeNull();
    expect(isAlive(talker!.pid!)).toBe(false);
    expect(fleet.hostPid()).toBeNull();
  });

  it('a second Ctrl-C kills agents that do not go', async () => {
    talkers('agents:\n  deaf: { runtime: command, command: [./deaf.sh] }\n');
    fleet.write('deaf.sh', "#!/bin/sh\ntrap '' TERM HUP INT\necho up\nwhile :; do sleep 1; done\n");
    const up = fleet.start(['up']);
    await eventually('the agent is up', () => up.stdout().includes('started'));
    const { deaf } = await ps();
    up.child.kill('SIGINT');
    await eventually('it is being stopped', () => up.stderr().includes('Stopping'));
    up.child.kill('SIGINT');
    expect((await up.ended).signal).toBeNull();
    expect(isAlive(deaf!.pid!)).toBe(false);
  });

  it('where a host runs already: refuses another file, applies this one as it is now, follows, and Ctrl-C brings it down', async () => {
    talkers(FLEET.replace('console:', '  bad: { runtime: command, command: [./missing.sh] }\nconsole:'));
    // 1 when an agent failed, with why; the others run.
    const failing = await fleet.aether('up', '-d');
    expect(failing.code).toBe(1);
    expect(failing.stdout).toMatch(/^talker is running/m);
    expect(failing.stdout).toMatch(/^bad failed: .*missing\.sh/m);
    const hostPid = fleet.hostPid()!;
    const other = fleet.write('other.yaml', 'agents: {}\n');
    const mixed = await fleet.aether('up', '-d', '-f', other);
    expect(mixed.code).toBe(2);
    expect(mixed.stderr).toContain(`runs ${fleet.configFile}, not ${other}`);
    // Without --detach it does not stay either, to follow what it refused.
    const following = await fleet.aether('up', '-f', other);
    expect([following.code, following.signal]).toEqual([2, null]);

    // apply does what an edit alone does not: a removal.
    const { talker } = await ps();
    writeFileSync(
      fleet.configFile,
      'agents:\n  other: { runtime: command, command: [./talker.sh], autostart: false }\n',
    );
    const applied = await fleet.aether('apply');
    expect(applied.code).toBe(0);
    expect(applied.stdout).toContain('- talker was stopped and removed');
    expect(Object.keys(await ps())).toEqual(['other']);
    expect(isAlive(talker!.pid!)).toBe(false);

    writeFileSync(
      fleet.configFile,
      `${FLEET.replace('console:', '  third: { runtime: command, command: [./talker.sh] }\nconsole:')}`,
    );
    const up = fleet.start(['up']);
    await eventually('the new agent is up', async () => (await ps()).third?.state === 'running');
    await eventually('it follows', () => up.stdout().includes(`was running already (pid ${hostPid}`));
    up.child.kill('SIGINT');
    expect((await up.ended).code).toBe(0);
    expect(isAlive(hostPid)).toBe(false);
  });
});

describe('a host that was killed, or told to end by itself', () => {
  it('leaves its agents running; the next one adopts them, in the order of the file', async () => {
    const entry = '{ runtime: command, command: [./talker.sh], autostart: false }';
    const rest = (names: string[]) => names.map((name) => `  ${name}: ${entry}\n`).join('');
    const config = (...names: string[]) =>
      `agents:\n  talker: { runtime: command, command: [./talker.sh] }\n${rest(names)}`;
    talkers(config('zoe', 'max', 'ann'));
    await fleet.aether('up', '--detach');
    const before = (await ps()).talker!;
    const order = ['talker', 'zoe', 'max', 'ann'];
    expect(Object.keys(await ps())).toEqual(order);
    const hostPid = fleet.hostPid()!;
    process.kill(hostPid, 'SIGKILL');
    await eventually('the host is gone', () => !isAlive(hostPid));
    const doctor = await fleet.aether('doctor');
    expect(doctor.stdout).toContain(`the last host (pid ${hostPid}) ended without shutting down`);
    expect((await fleet.aether('up', '--detach')).code).toBe(0);
    expect((await ps()).talker).toMatchObject({ pid: before.pid, run: before.run, state: 'running' });

    const nextPid = fleet.hostPid()!;
    process.kill(nextPid, 'SIGTERM');
    await eventually('the next one has ended', () => !isAlive(nextPid));
    expect(isAlive(before.pid!)).toBe(true);
    await fleet.aether('up', '--detach');
    expect((await ps()).talker!.run).toBe(before.run);
    expect(Object.keys(await ps())).toEqual(order);
    writeFileSync(fleet.configFile, config('max', 'new', 'zoe', 'ann'));
    await fleet.aether('apply');
    expect(Object.keys(await ps())).toEqual(['talker', 'max', 'new', 'zoe', 'ann']);
  });
});

describe('without a host', () => {
  it('refuses a state directory that is a file, whatever the verb', async () => {
    talkers();
    fleet.write('taken', 'a file');
    for (const verb of [['ps'], ['plan'], ['up', '--detach'], ['mcp', '--as', 'editor']]) {
      const { code, stderr } = await fleet.aether(...verb, '--state', join(fleet.dir, 'taken'));
      expect(stderr).toMatch(/taken cannot be the state directory: it is a file\. Name a directory/);
      expect(stderr).not.toContain('    at ');
      expect(code).toBe(2);
    }
    const far = join(fleet.dir, 'taken', 'very', 'far', 'below');
    const below = await fleet.aether('up', '--detach', '--state', far);
    expect(below.stderr).toMatch(/below cannot be the state directory: .*taken is a file\. Name a directory/);
    expect(below.stderr).not.toContain('    at ');
    expect(below.code).toBe(2);
  });

  it('plan shows what each runtime would be given, and masks what is secret', async () => {
    talkers(
      `agents:\n  talker: { runtime: command, command: [./talker.sh, --name, it's], env: { TOKEN: '\${MY_TOKEN}' } }\n`,
    );
    const plan = fleet.start(['plan'], { env: { MY_TOKEN: 'very-secret-value-1234' } });
    const { code, stdout } = await plan.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('+ talker would be started');
    expect(stdout.replaceAll(/ +/g, ' ')).toContain(`argv ${fleet.dir}/talker.sh --name 'it'\\''s'`);
    expect(stdout).toMatch(/TOKEN=/);
    expect(stdout).not.toContain('very-secret-value-1234');
    expect(stdout).toContain('1 to add.');
    const failing = await fleet.aether('plan', '--json');
    expect(failing.code).not.toBe(0);
    expect(failing.stdout + failing.stderr).toContain('MY_TOKEN');
  });

  it('init writes a file that plan can read, and does not write over one', async () => {
    talkers();
    const fresh = join(fleet.dir, 'fresh');
    mkdirSync(fresh);
    const file = join(fresh, 'aether.yaml');
    const init = await fleet.aether('init', '-f', file);
    expect(init.code).toBe(0);
    expect(init.stdout).toContain('with researcher, coder, reviewer');
    const again = await fleet.aether('init', '-f', file);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('--force');
    const plan = await fleet.aether('plan', '-f', file, '--json');
    const names = (JSON.parse(plan.stdout) as { changes: { agent: string }[] }).changes.map(
      (one) => one.agent,
    );
    expect(names).toEqual(['researcher', 'coder', 'reviewer']);
    expect((await fleet.aether('init', 'resercher', '-f', `${file}2`)).stderr).toContain('"researcher"');
  });

  it('doctor outlives a state directory that is none', async () => {
    talkers();
    const { code, stdout, stderr } = await fleet.aether('doctor', '--state', fleet.write('a-file', ''));
    expect(stdout).toMatch(/✗ state directory .*a-file is a file\n {4}mend: Choose another with --state DIR/);
    expect([code, stderr]).toEqual([1, '']);
  });

  it('pipes in place of its own files neither stop the host nor the commands; one for its lock is named', async () => {
    talkers('agents: {}\nconsole: { port: 0 }\n');
    mkdirSync(fleet.stateDir, { mode: 0o700 });
    const plant = (name: string) => execFileSync('mkfifo', [join(fleet.stateDir, name)]);
    for (const name of ['host.pid', 'host.out', 'host.log', 'sockets']) plant(name);
    const doctor = JSON.parse((await fleet.aether('doctor', '--json')).stdout) as { what: string }[];
    expect(doctor.map(({ what }) => what).join('\n')).toContain('state directory');
    expect(doctor).toContainEqual({ level: 'ok', what: `Node ${process.versions.node}`, mend: null });
    expect(await fleet.aether('up', '--detach')).toMatchObject({ code: 0, stderr: '' });
    expect(await fleet.aether('ps')).toMatchObject({ code: 0 });
    expect(await fleet.aether('down')).toMatchObject({ code: 0 });
    rmSync(join(fleet.stateDir, 'host.lock'));
    plant('host.lock');
    const { code, stderr } = await fleet.aether('up', '--detach');
    expect(code).toBe(1);
    expect(stderr).toMatch(/host\.lock is not a file: .* remove it: `rm -r /);
    expect(stderr).not.toMatch(/^ +at /m);
  }, 60_000);

  it('doctor names what is missing with the command that mends it', async () => {
    talkers();
    mkdirSync(fleet.stateDir, { mode: 0o755 });
    const { code, stdout } = await fleet.aether('doctor');
    expect(code).toBe(1);
    expect(stdout).toContain(
      `✗ state directory ${fleet.stateDir} can be read by others\n    mend: chmod 700 '${fleet.stateDir}'`,
    );
  });
});

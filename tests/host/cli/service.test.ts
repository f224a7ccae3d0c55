/**
 * `aether service`. No systemd runs where the tests run, so its part is played twice: what it would make of the unit
 * is asked of `systemd-analyze verify`, and what a stop with KillMode=process means is done by hand.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AgentView } from '../../../src/host/api.ts';
import { unitText } from '../../../src/host/cli/service-unit.ts';
import { eventually } from '../../support/eventually.ts';
import { type FleetDir, fleetDir, isAlive } from '../../support/fleet-dir.ts';

const CONFIG = `console: { port: 0 }
agents:
  sleeper: { runtime: command, command: [sleep, '600'] }
`;

let fleet: FleetDir | null = null;
afterEach(async () => {
  await fleet?.close();
  fleet = null;
});

const facts = {
  user: false,
  runAs: 'ann',
  node: '/opt/no de/bin/node',
  program: '/opt/aether/main.js',
  configFile: '/home/ann/a "b"/50% $HOME/aether.yaml',
  stateDir: '/home/ann/a "b"/50% $HOME/.aether',
  workingDir: '/',
  envFile: '/home/ann/.aether/service.env',
  path: '/usr/bin:/opt/100%/bin',
};

/** ExecStart as systemd reads it: quoted words, with %% and $$ for % and $. */
function commandIn(unit: string): string[] {
  const line = /^ExecStart=(.*)$/m.exec(unit)![1]!;
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) =>
    word!.replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$'),
  );
}

test('the unit names everything in full, and stops nobody but the host', () => {
  const unit = unitText(facts);
  expect(commandIn(unit)).toEqual([
    facts.node,
    facts.program,
    'host',
    '--file',
    facts.configFile,
    '--state',
    facts.stateDir,
  ]);
  for (const line of [
    'KillMode=process',
    'Restart=on-failure',
    'OOMPolicy=continue',
    'User=ann',
    'EnvironmentFile=-/home/ann/.aether/service.env',
    'Environment="PATH=/usr/bin:/opt/100%%/bin"',
    'WantedBy=multi-user.target',
  ])
    expect(unit.split('\n')).toContain(line);
  const own = unitText({ ...facts, user: true });
  expect(own).not.toMatch(/^User=|network-online/m);
  expect(own).toContain('WantedBy=default.target');
  expect(() => unitText({ ...facts, stateDir: '/home/ann\n[Service]' })).toThrow(/control character/);
});

const analyze = programOnPath('systemd-analyze');
if (analyze === null)
  console.warn('LEFT OUT: systemd-analyze is not here (Debian: apt-get install systemd).');

test.runIf(analyze !== null)('systemd reads the unit without a complaint', () => {
  fleet = fleetDir(CONFIG);
  const verify = (text: string): string => {
    const file = join(fleet!.dir, 'aether-test.service');
    writeFileSync(file, text);
    const script = `"$0" verify --man=no "$1" 2>&1 || true`;
    return execFileSync('sh', ['-c', script, analyze!, file], { encoding: 'utf8' });
  };
  const real = { ...facts, runAs: 'root', node: process.execPath };
  expect(verify(unitText(real))).toBe('');
  expect(verify(unitText({ ...real, user: true }))).toBe('');
  // That it would have complained.
  expect(verify(unitText(real).replace('KillMode=process', 'KillMode=nobody'))).toMatch(/kill mode/i);
});

test('install, where systemd runs; and what is refused', async () => {
  fleet = fleetDir(CONFIG);
  const home = join(fleet.dir, 'home');
  const calls = join(fleet.dir, 'calls');
  mkdirSync(join(home, 'bin'), { recursive: true });
  const systemctl = join(home, 'bin', 'systemctl');
  writeFileSync(
    systemctl,
    `#!/bin/sh\necho "$*" >>'${calls}'\ncase "$*" in *is-system-running*) echo degraded; exit 1;; esac\n`,
  );
  chmodSync(systemctl, 0o755);
  const env = { HOME: home, PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}` };
  const aether = (...args: string[]) => fleet!.start(args, { env }).ended;

  const printed = await aether('service', 'install', '--user', '--print');
  expect(printed.code).toBe(0);
  expect(existsSync(calls)).toBe(false);
  const installed = await aether('service', 'install', '--user');
  expect(installed).toMatchObject({ code: 0 });
  const unit = join(home, '.config', 'systemd', 'user', 'aether.service');
  expect(readFileSync(unit, 'utf8')).toBe(printed.stdout);
  expect(readFileSync(calls, 'utf8').trim().split('\n').slice(1)).toEqual([
    '--user daemon-reload',
    '--user enable aether.service',
  ]);
  const keys = join(fleet.stateDir, 'service.env');
  expect(statSync(keys).mode & 0o777).toBe(0o600);
  expect(statSync(fleet.stateDir).mode & 0o777).toBe(0o700);

  // Keys that were written there stay; another fleet does not take the unit.
  writeFileSync(keys, 'ANTHROPIC_API_KEY=x\n');
  expect(await aether('service', 'install', '--user', '--now')).toMatchObject({ code: 0 });
  expect(readFileSync(keys, 'utf8')).toBe('ANTHROPIC_API_KEY=x\n');
  expect(readFileSync(calls, 'utf8')).toContain('--user start aether.service');
  const other = fleet.write('other.yaml', 'agents: {}\n');
  const taken = await aether('service', 'install', '--user', '-f', other);
  expect(taken).toMatchObject({ code: 1 });
  expect(taken.stderr).toMatch(/starts something else.*--name/s);
  expect(await aether('service', 'install', '--user', '-f', other, '--name', 'other')).toMatchObject({
    code: 0,
  });
  expect((await aether('service', 'install', '--user', '--name', '../x')).stderr).toContain('name of a unit');

  expect(await aether('service', 'uninstall', '--user')).toMatchObject({ code: 0 });
  expect(existsSync(unit)).toBe(false);
  expect(readFileSync(calls, 'utf8')).toContain('--user disable --now aether.service');
  expect((await aether('service', 'uninstall', '--user')).stderr).toContain('There is no');

  writeFileSync(systemctl, '#!/bin/sh\necho offline; exit 1\n');
  const absent = await aether('service', 'install', '--user');
  expect(absent).toMatchObject({ code: 1 });
  expect(absent.stderr).toMatch(/No systemd.*aether host --file/s);
  expect(existsSync(unit)).toBe(false);
});

test('stopped and started as the unit says, the agents never notice', async () => {
  fleet = fleetDir(CONFIG);
  const { stdout } = await fleet.aether('service', 'install', '--print');
  const [program, ...args] = commandIn(stdout);
  const serve = () =>
    spawn(program!, args, { stdio: 'ignore', env: { PATH: process.env.PATH, HOME: fleet!.dir } });
  const agent = async (): Promise<AgentView | undefined> => {
    const ps = await fleet!.aether('ps', '--json');
    return ps.code === 0 ? (JSON.parse(ps.stdout) as AgentView[])[0] : undefined;
  };
  const first = serve();
  const before = await eventually(
    'the agent runs',
    async () => ((await agent())?.state === 'running' ? agent() : null),
    20_000,
  );
  first.kill('SIGTERM');
  expect(await once(first, 'exit')).toEqual([0, null]);
  expect(isAlive(before.pid!)).toBe(true);
  const second = serve();
  const after = await eventually('it is taken back', async () => (await agent()) ?? null, 20_000);
  expect(after).toMatchObject({ run: before.run, pid: before.pid, restarts: 0 });
  await fleet.aether('down');
  await eventually('the host is gone', () => second.exitCode !== null);
});

function programOnPath(name: string): string | null {
  const found = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, name));
  return found.find((file) => existsSync(file)) ?? null;
}

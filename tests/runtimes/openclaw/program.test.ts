/** What needs no gateway: the package and its Node, what a tool does, what is written for the gateway. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { detectOpenClaw } from '../../../src/runtimes/openclaw/detect.ts';
import { accepts, findNode, findOpenClaw } from '../../../src/runtimes/openclaw/program.ts';
import { openclawRuntime } from '../../../src/runtimes/openclaw/runtime.ts';
import { factsOf } from '../../../src/runtimes/openclaw/tools.ts';
import { Desk } from '../../support/drive.ts';
import { KEY } from './subject.ts';

const runtime = openclawRuntime('0.0.0-test');

function directory(): string {
  const made = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-openclaw-')));
  onTestFinished(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A package as npm leaves it: its program, and a link to it on PATH. */
function installed(manifest: object): { bin: string; link: string } {
  const root = directory();
  const dir = join(root, 'node_modules', 'openclaw');
  const bin = join(root, 'node_modules', '.bin');
  fs.mkdirSync(dir, { recursive: true });
  fs.mkdirSync(bin);
  fs.writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(join(dir, 'openclaw.mjs'), '');
  fs.symlinkSync('../openclaw/openclaw.mjs', join(bin, 'openclaw'));
  return { bin, link: join(bin, 'openclaw') };
}

const MANIFEST = { name: 'openclaw', version: '2026.9.6', engines: { node: '>=24.16.0 <25 || >=26.1.0' } };

test.each([
  ['24.16.0', true],
  ['24.21.0', true],
  ['24.15.9', false],
  ['25.0.0', false],
  ['26.0.9', false],
  ['26.1.0', true],
  ['27.0.0', true],
])('Node %s is accepted: %s', (version, accepted) => {
  expect(accepts(MANIFEST.engines.node, version)).toBe(accepted);
});

test('a range that is written in another way accepts nothing', () => {
  for (const range of ['', '*', '^24', 'latest']) expect(accepts(range, '24.21.0')).toBe(false);
});

test('it is found on PATH or named, and a name that leads elsewhere is not passed over', () => {
  const { bin, link } = installed(MANIFEST);
  const found = findOpenClaw(null, `/nowhere:${bin}`);
  expect(found).toMatchObject({
    version: '2026.9.6',
    entry: expect.stringMatching(/openclaw\/openclaw\.mjs$/),
  });
  expect(findOpenClaw(link, '')).toEqual(found);
  const aether = join(bin, '..', 'aether-host', 'dist', 'program.js');
  expect(findOpenClaw(null, '/nowhere', aether)).toEqual(found);
  expect(findOpenClaw('/bin/sh', bin)).toMatchObject({ what: expect.stringContaining('/bin/sh') });
  expect(findOpenClaw(null, '/nowhere')).toMatchObject({ what: expect.stringContaining('PATH') });
  const other = installed({ ...MANIFEST, name: 'openclaw-look-alike' });
  expect(findOpenClaw(null, other.bin)).toHaveProperty('what');
});

test('doctor says what is missing: the package, its version, its Node, a log-in', async () => {
  const said = async (manifest: object, env: Record<string, string> = {}) => {
    const { missing, usable } = await detectOpenClaw({ PATH: installed(manifest).bin, ...env });
    return { usable, what: missing.map((one) => one.what).join('; '), mends: missing.map((one) => one.mend) };
  };
  expect(await said(MANIFEST, { ANTHROPIC_API_KEY: KEY })).toMatchObject({ usable: true, what: '' });
  expect((await said(MANIFEST)).what).toContain('no log-in');
  const old = await said({ ...MANIFEST, version: '2026.8.2' }, { ANTHROPIC_API_KEY: KEY });
  expect(old).toMatchObject({ usable: false, what: expect.stringContaining('older than 2026.9.6') });
  const future = await said({ ...MANIFEST, engines: { node: '>=99.1.0' } }, { ANTHROPIC_API_KEY: KEY });
  expect(future).toMatchObject({ usable: false, what: expect.stringContaining('needs Node >=99.1.0') });
  expect(future.mends.join()).toContain('nvm install 99');
  expect((await detectOpenClaw({ PATH: '/nowhere' })).missing[0]!.mend).toContain('npm install -g openclaw');
});

test('a Node that it accepts is looked for on PATH, whatever runs the host', async () => {
  const dir = directory();
  const node = join(dir, 'node');
  fs.writeFileSync(node, '#!/bin/sh\necho v99.2.0\n', { mode: 0o755 });
  expect(await findNode('>=99.1.0', `/nowhere:${dir}`)).toBe(node);
  expect(await findNode('>=99.3.0', dir)).toBeNull();
  expect(await findNode(MANIFEST.engines.node, '')).toBe(process.execPath);
});

test('what is written for the gateway leaves nothing on that acts by itself, and holds no secret', async () => {
  const desk = new Desk('r_AB-12');
  onTestFinished(() => desk.remove());
  const agent = desk.agent(runtime, {
    model: 'anthropic/some-model',
    role: 'You are ROLE-MARK.',
    env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
    auth: { ANTHROPIC_API_KEY: KEY },
    options: { bin: installed(MANIFEST).link },
  });
  const spec = await runtime.prepare(agent, desk.place, null, null);
  const config = JSON.parse(spec.files.find(({ path }) => path.endsWith('/openclaw.json'))!.content);
  expect(config).toMatchObject({
    gateway: { bind: 'loopback', auth: { mode: 'token' }, reload: { mode: 'off' } },
    agents: { defaults: { heartbeat: { every: '0m' }, model: { primary: 'anthropic/some-model' } } },
    mcp: { servers: { aether: desk.place.mcp } },
    plugins: { allow: ['aether-gate', 'anthropic'], slots: { memory: 'none' } },
    cron: { enabled: false },
    telemetry: { enabled: false },
    update: { checkOnStart: false },
  });
  expect(JSON.stringify(spec.files)).toContain('ROLE-MARK');
  expect(JSON.stringify([spec.files, spec.process.argv])).not.toContain(KEY);
  expect(spec.process.env).toMatchObject({
    OPENCLAW_EXEC_SHELL_SNAPSHOT: '0',
    OPENCLAW_CONFIG_READONLY: '1',
  });
  expect(spec.endpoints).toEqual(['http://127.0.0.1:9']);
  // Plugins, hooks and settings that an agent left where its gateway would load them.
  for (const name of ['extensions', 'hooks', '.env'])
    expect(spec.cleared).toContain(join(desk.place.agentDir, 'openclaw', name));
});

test('what it loads and never writes is kept, its own installation too, wherever that lies', () => {
  const desk = new Desk();
  onTestFinished(() => desk.remove());
  const { bin, link } = installed(MANIFEST);
  const kept = runtime.loadsFrom!({ workspace: '/srv/project', options: { bin: link } }, desk.place);
  const paths = kept.filter(({ kind }) => kind === 'code').map(({ path }) => path);
  expect(paths).toContain('/srv/project/.openclaw');
  expect(paths).toContain(join(bin, '..'));
});

test('a wrong model, log-in, program, version or Node is a clear error', async () => {
  const desk = new Desk();
  onTestFinished(() => desk.remove());
  const prepare = (over: object) =>
    runtime.prepare(
      desk.agent(runtime, { model: 'anthropic/m', options: { bin: installed(MANIFEST).link }, ...over }),
      desk.place,
      null,
      null,
    );
  await expect(prepare({})).rejects.toMatchObject({ code: 'openclaw.login' });
  await expect(prepare({ model: 'sonnet' })).rejects.toMatchObject({ code: 'openclaw.model' });
  await expect(prepare({ options: { bin: '/bin/sh' } })).rejects.toMatchObject({ code: 'openclaw.missing' });
  const old = installed({ ...MANIFEST, version: '2026.8.30' });
  await expect(prepare({ options: { bin: old.link } })).rejects.toMatchObject({
    code: 'openclaw.version',
    message: expect.stringContaining('2026.8.30'),
  });
  const future = installed({ ...MANIFEST, engines: { node: '>=99.1.0' } });
  await expect(prepare({ options: { bin: future.link } })).rejects.toMatchObject({ code: 'openclaw.node' });
});

test('a tool is judged by what it does', () => {
  expect(factsOf('aether__aether_echo', {})).toMatchObject({
    aether: 'aether_echo',
    looks: null,
    shell: false,
  });
  expect(factsOf('exec', { command: 'git log' })).toEqual({
    ...{ aether: null, looks: null, shell: true },
    subject: 'git log',
  });
  expect(factsOf('read', { path: 'src/a.ts' })).toMatchObject({ looks: ['src/a.ts'], subject: 'src/a.ts' });
  for (const path of ['~/.ssh/id', '../up', 'file:///etc/passwd', '@x', ' a'])
    expect(factsOf('read', { path }).looks).toBeNull();
  expect(factsOf('ls', {}).looks).toEqual(['.']);
  expect(factsOf('process', { action: 'write' }).looks).toBeNull();
  expect(factsOf('session_status', {}).looks).toEqual([]);
});

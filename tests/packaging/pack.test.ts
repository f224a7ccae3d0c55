/** What is published: packed, installed into an empty project, and run there on a new and on an old Node. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, root } from '../../src/build/build.mjs';
import { recordedRuntimeDirectory } from '../../src/host/paths.ts';
import { type CliResult, cli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { isAlive } from '../support/fleet-dir.ts';
import { oldNode } from '../support/programs.ts';

const run = promisify(execFile);
/** An npm that hangs is ended, not left behind. */
const NPM_MS = 200_000;
let project: string;
let bin: string;
let packed: { files: { path: string }[]; unpackedSize: number; filename: string };

beforeAll(async () => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'aether-packed-')));
  await ensureBuilt();
  const env = npmEnvironment();
  const pack = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: root,
    env,
    timeout: NPM_MS,
  });
  const answer = JSON.parse(pack.stdout) as object;
  packed = Object.values(answer)[0] as typeof packed;
  writeFileSync(join(project, 'package.json'), '{"private":true}');
  const tarball = join(project, packed.filename);
  await run('npm', ['install', tarball, '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
    cwd: project,
    env,
    timeout: NPM_MS,
  });
  bin = join(project, 'node_modules', '.bin', 'aether');
}, 300_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

/**
 * npm as this machine's user has it: their Node, their registry and certificates, their cache of packages.
 * npm finds its global configuration beside the Node it runs on, so the checkout's own Node would hide it.
 */
function npmEnvironment(): Record<string, string> {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => !directory.endsWith(join('node_modules', '.bin')))
    .join(delimiter);
  const env: Record<string, string> = { PATH: path, HOME: homedir(), npm_config_update_notifier: 'false' };
  for (const name of ['globalconfig', 'userconfig', 'registry', 'cafile', 'cache']) {
    const value = process.env[`npm_config_${name}`];
    if (value) env[`npm_config_${name}`] = value;
  }
  if (process.env.NODE_EXTRA_CA_CERTS) env.NODE_EXTRA_CA_CERTS = process.env.NODE_EXTRA_CA_CERTS;
  return env;
}

const paths = new Map<string, string>();

/** A directory that holds this Node and nothing else. */
function pathWith(node: string): string {
  const known = paths.get(node);
  if (known !== undefined) return known;
  const made = mkdtempSync(join(project, 'path-'));
  try {
    linkSync(node, join(made, 'node'));
  } catch {
    cpSync(node, join(made, 'node')); // another disk, or another user's
  }
  paths.set(node, made);
  return made;
}

/** As a shell runs it: by the shebang, with that Node first on PATH. */
function aether(node: string, args: string[], cwd = project): Promise<CliResult> {
  return cli(args, {
    program: [bin],
    cwd,
    env: { PATH: `${pathWith(node)}:/usr/bin:/bin` },
    deadline_ms: 60_000,
  });
}

describe('the package', () => {
  it('holds what runs and what people read, and nothing of the workshop', () => {
    const paths = packed.files.map((file) => file.path);
    for (const needed of [
      'LICENSE',
      'CHANGELOG.md',
      'README.md',
      'package.json',
      'src/host/cli/aether.cjs',
      'dist/host/cli/main.js',
      'dist/host/main.js',
      'dist/host/shim/process/main.cjs',
      'dist/mcp-tools/bridge/main.cjs',
      'dist/runtimes/builtin/loop/main.js',
      'dist/console/web/index.html',
      'templates/researcher/template.yaml',
      'templates/example/aether.yaml',
      'templates/aether.schema.json',
    ]) {
      expect(paths).toContain(needed);
    }
    const odd = paths.filter((path) =>
      /^(tests|docker|node_modules|\.ci|src\/(?!host\/cli\/aether\.cjs))|\.(map|db|log)$|\.d\.ts$/.test(path),
    );
    expect(odd).toEqual([]);
    expect(packed.unpackedSize).toBeLessThan(8 * 1024 * 1024);
  });

  it('needs no compiler and no second copy of Node', () => {
    const modules = readdirSync(join(project, 'node_modules'));
    expect(modules).not.toContain('node');
    // What is JavaScript is in dist/: packages with native parts alone are installed beside it.
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).toEqual(['better-sqlite3', 'koffi', 'node-pty']);
    expect(modules).not.toContain('zod');
    expect(existsSync(join(project, 'node_modules', 'better-sqlite3', 'build'))).toBe(false);
  });
});

describe('on this Node', () => {
  it('says its version and makes a first configuration with a plan', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await aether(process.execPath, ['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
    const init = await aether(process.execPath, ['init']);
    expect(init).toMatchObject({ code: 0, stdout: expect.stringContaining('Wrote') });
    const plan = await aether(process.execPath, ['plan']);
    expect(plan.stderr).toBe('');
    expect(plan.stdout).toContain('researcher would be started');
  });

  it('runs the bundled example: real agents that start, call tools, and are gone after down', async () => {
    const fleet = join(project, 'fleet');
    cpSync(join(project, 'node_modules', 'aether-host', 'templates', 'example'), fleet, { recursive: true });
    const up = await aether(process.execPath, ['up', '--detach'], fleet);
    let ended = false;
    try {
      expect(up).toMatchObject({ code: 0, stderr: '' });
      const rows = JSON.parse((await aether(process.execPath, ['ps', '--json'], fleet)).stdout) as {
        name: string;
        state: string;
        pid: number;
      }[];
      expect(rows.map((row) => row.state)).toEqual(rows.map(() => 'running'));
      expect(rows.length).toBeGreaterThanOrEqual(2);
      await eventually(
        'a tool of the host answers',
        async () => /→ aether_/.test((await aether(process.execPath, ['logs'], fleet)).stdout),
        30_000,
        500,
      );
      const [, name, port] = /http:\/\/(\w+\.localhost):(\d+)/.exec(up.stdout)!;
      // Browsers find such a name by themselves; the resolver of this machine need not.
      const request = get({ host: '127.0.0.1', port, headers: { host: `${name}:${port}` } });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      expect(response.headers['content-security-policy']).toContain("default-src 'none'");
      const down = await aether(process.execPath, ['down'], fleet);
      expect(down).toMatchObject({ code: 0 });
      ended = true;
      expect(rows.filter((row) => isAlive(row.pid))).toEqual([]);
    } finally {
      if (!ended) await aether(process.execPath, ['down'], fleet);
      const sockets = recordedRuntimeDirectory(join(fleet, '.aether'));
      if (sockets !== null) rmSync(sockets, { recursive: true, force: true });
    }
  });
});

describe('on an old Node', () => {
  it('says what it needs instead of crashing', async (context) => {
    const old = oldNode();
    if (old === null) {
      context.skip('NOT TESTABLE HERE: there is no Node older than 24 on PATH.');
      return;
    }
    const empty = join(project, 'empty');
    mkdirSync(empty);
    for (const args of [['--version'], ['up'], ['mcp', '--as', 'x']]) {
      const { code, signal, stdout, stderr } = await aether(old, args, empty);
      expect({ code, signal, stdout }).toEqual({ code: 1, signal: null, stdout: '' });
      expect(stderr).toMatch(
        /^aether needs Node 24 or newer, and this is Node \d+\.\d+\.\d+\. Install it .*\.\n$/,
      );
    }
    expect(readdirSync(empty)).toEqual([]);
  });
});

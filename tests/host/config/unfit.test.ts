/** Directories that no agent may be given to write: each is refused with its place, the reason, and what to do. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/host/config/load.ts';
import { resolveAgent } from '../../../src/host/config/resolve.ts';
import { fleetBelow, unfitToWrite, withoutWorkspaces } from '../../../src/host/config/unfit.ts';
import { refusal, refusalOf, tempDir, writeConfig } from './support.ts';

const PACKAGE = resolve(import.meta.dirname, '../../..');
const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
});

/** In a directory that is no home. */
const load = (text: string, dir = tempDir()) => loadConfig(writeConfig(text, dir));

/** Refused, with the place of the key. */
function refused(workspace: string, dir = tempDir()) {
  return refusal(
    `agents:\n  a:\n    runtime: claude-code\n    workspace: ${JSON.stringify(workspace)}\n`,
    dir,
  );
}

describe('a workspace', () => {
  it.each([
    ['/', 'is the whole file system'],
    ['~', 'is your whole home'],
    [PACKAGE, "holds Aether's own program"],
    [dirname(PACKAGE), "holds Aether's own program"],
    [join(PACKAGE, 'src', 'host'), "lies in Aether's own program"],
    [join(PACKAGE, 'node_modules', 'new'), "lies in Aether's own program"],
    [join(PACKAGE, 'templates'), "holds Aether's own program"],
    [dirname(process.execPath), "holds Aether's own program"],
    ['/usr', 'a directory of PATH'],
  ])('%s is refused', (workspace, why) => {
    const { code, line, column, message, next } = refused(workspace);
    // Where this checkout lies in the home of who tests it, that is said first.
    if (!homedir().startsWith(workspace)) expect(message).toContain(why);
    expect({ code, line, column }).toEqual({ code: 'config.workspace-unfit', line: 4, column: 16 });
    expect(next).toMatch(/directory of its own|installed elsewhere/);
  });

  it('that holds the home is refused, also by way of a link', () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'home'));
    expect(refused('..', dir).message).toContain('holds your whole home');
    symlinkSync(join(dir, 'home'), join(dir, 'link'));
    expect(refused('./link', dir).message).toContain('is your whole home');
  });

  it('that holds a directory of PATH is refused with that directory; what npm adds to PATH is not held against it', () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'tools', 'bin'), { recursive: true });
    mkdirSync(join(dir, 'node_modules', '.bin'), { recursive: true });
    const text = 'agents: { a: { runtime: claude-code, workspace: . } }';
    process.env.PATH = `${join(dir, 'node_modules', '.bin')}:${join(dir, 'gone')}:/usr/bin`;
    expect(load(text, dir).agents[0]!.workspace).toBe(dir);
    process.env.PATH = `/usr/bin:${join(dir, 'tools', 'bin')}`;
    const file = writeConfig(text, dir);
    expect(refusalOf(file, () => loadConfig(file)).message).toContain(
      `holds ${join(dir, 'tools', 'bin')}, a directory of PATH`,
    );
  });

  it('is not looked in for programs', () => {
    const dir = tempDir();
    const bin = join(dir, 'app', 'node_modules', '.bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(bin, join(dir, 'link'));
    expect(withoutWorkspaces(`/usr/bin:${bin}:${join(dir, 'link')}:/bin`, [join(dir, 'app')])).toBe(
      '/usr/bin:/bin',
    );
  });

  it.each([
    '.',
    './app',
    'workspaces/b',
    join(PACKAGE, 'templates', 'example', 'workspaces', 'a'),
    '~/project',
  ])('%s is taken', (workspace) => {
    const text = `agents: { a: { runtime: claude-code, workspace: ${JSON.stringify(workspace)} } }`;
    expect(load(text).agents).toHaveLength(1);
  });
});

it('what a sandbox lets it write is held to the same', () => {
  const { message, line } = refusal(
    'agents:\n  a:\n    runtime: claude-code\n    sandbox:\n      write: [~/x, "~"]\n',
  );
  expect(message).toContain('sandbox.write is your whole home');
  expect(line).toBe(5);
});

it('the state of another fleet below it is refused at the start of that agent, its own is not', () => {
  const dir = tempDir();
  const fleet = (at: string) => {
    mkdirSync(join(dir, at, '.aether'), { recursive: true });
    writeFileSync(join(dir, at, '.aether', 'aether.db'), '');
  };
  fleet('.');
  const config = load('agents: { a: { runtime: claude-code, workspace: . } }', dir);
  const start = () =>
    resolveAgent(config.agents[0]!, { ANTHROPIC_API_KEY: 'k' }, config, join(dir, '.aether'));
  expect(fleetBelow(dir, [join(dir, '.aether')])).toBeNull();
  expect(start).not.toThrow(/state of another fleet/);
  fleet('work/other');
  expect(start).toThrow(/holds .*work\/other\/\.aether, the state of another fleet/);
  expect(loadConfig(config.file).agents).toHaveLength(1);
});

it('looks at a bounded part of what an agent made', () => {
  const dir = tempDir();
  for (let n = 0; n < 3_000; n += 1) mkdirSync(join(dir, `d${n}`));
  symlinkSync('/', join(dir, 'loop'));
  const began = performance.now();
  expect(fleetBelow(dir, [])).toBeNull();
  expect(performance.now() - began).toBeLessThan(500);
  expect(unfitToWrite(join(dir, 'd1'), '/nonexistent', '/usr/bin')).toBeNull();
});

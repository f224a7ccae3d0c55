// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what is tested.
/** Paths of command lines and variables: expanded, or refused with a sentence. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AetherError } from '../../src/host/errors.ts';
import { configFileOf, stateDirectoryOf, userStateDirectoryOf } from '../../src/host/paths.ts';
import { homeOf, pathFault, requireHome } from '../../src/host/written-path.ts';

let dir: string;
beforeEach(() => {
  dir = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-written-')));
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

function refused(body: () => unknown): AetherError {
  try {
    body();
  } catch (error) {
    if (error instanceof AetherError) return error;
  }
  throw new Error('it was not refused');
}

const HOME = '/home/me';

test.each(['~', '~/st', 'st', './a b', '/abs/x', 'x$', 'a$1', '100%', 'a%b', 'über'])(
  '%j is a path',
  (path) => expect(pathFault(path)).toBeNull(),
);

describe.each([
  ['--state', (path: string) => stateDirectoryOf(path, '/p/aether.yaml', '/p', { HOME })],
  [
    'AETHER_HOME',
    (path: string) => stateDirectoryOf(undefined, '/p/a.yaml', '/p', { HOME, AETHER_HOME: path }),
  ],
  ['--state', (path: string) => userStateDirectoryOf(path, '/p', { HOME })],
  ['AETHER_HOME', (path: string) => userStateDirectoryOf(undefined, '/p', { HOME, AETHER_HOME: path })],
  ['-f', (path: string) => configFileOf(path, '/p', { HOME })],
])('%s', (what, of) => {
  test('~ is the home, the rest is relative to the working directory', () => {
    expect([of('~'), of('~/st'), of('st'), of('/st')]).toEqual([HOME, '/home/me/st', '/p/st', '/st']);
  });

  test.each([
    '$HOME/st',
    '${HOME}/st',
    '${workspaceFolder}/.aether',
    '${env:HOME}/st',
    '${input:dir}',
    '$(pwd)/st',
    '/srv/$USER/st',
    '%USERPROFILE%\\st',
    '%APPDATA%/st',
    'C:\\st',
    'c:/st',
    'C:',
    '\\\\host\\share',
    '~root/st',
    '~+/st',
    'file:///st',
    'st\r',
    'st\n',
    '   ',
  ])('%j is refused', (path) => {
    const error = refused(() => of(path));
    expect(error).toMatchObject({ code: 'usage.path', who: 'user' });
    expect(error.message).toMatch(new RegExp(`^${what} ".*" is not a usable path: .*\\.$`));
    expect(error.next).toMatch(/\.$/);
  });
});

test('an empty AETHER_HOME is none; an empty --state or -f is refused', () => {
  expect(stateDirectoryOf(undefined, '/p/a.yaml', '/p', { HOME, AETHER_HOME: '' })).toBe('/p/.aether');
  expect(refused(() => stateDirectoryOf('', '/p/a.yaml', '/p', { HOME })).message).toMatch(/it is empty/);
  expect(refused(() => configFileOf('', '/p', { HOME })).message).toMatch(/it is empty/);
});

test('what exists literally by its absolute path is that', () => {
  for (const name of ['$HOME', '${x}', 'a\\b', '%A%']) {
    const literal = join(dir, name);
    expect(pathFault(literal)).not.toBeNull();
    fs.mkdirSync(literal);
    expect(pathFault(literal)).toBeNull();
  }
});

test.each<[string, string | undefined, RegExp]>([
  ['not expanded', '${HOME}', /holds \$\{HOME\}/],
  ['empty', '', /it is empty/],
  ['relative', 'home/me', /not absolute/],
  ['of Windows', 'C:\\Users\\me', /path of Windows/],
])('a home that is %s is refused wherever it is asked for', (_what, home, why) => {
  for (const ask of [
    homeOf,
    requireHome,
    (env: { HOME?: string }) => userStateDirectoryOf(undefined, '/p', env),
  ]) {
    const error = refused(() => ask({ HOME: home }));
    expect(error).toMatchObject({ code: 'usage.home', next: expect.stringContaining('Set HOME') });
    expect(error.message).toMatch(why);
  }
});

test('a host needs a home that is there; without HOME it is the one that the system knows', () => {
  expect(requireHome({ HOME: dir })).toBe(dir);
  expect(homeOf({})).toMatch(/^\//);
  expect(refused(() => requireHome({ HOME: join(dir, 'none') })).message).toMatch(/no such directory/);
  fs.writeFileSync(join(dir, 'file'), '');
  expect(refused(() => requireHome({ HOME: join(dir, 'file') })).message).toMatch(/is not a directory/);
  // Root may write everywhere but in a file system that is read-only for all: /sys where it is mounted so.
  const closed = process.getuid!() === 0 ? '/sys' : join(dir, 'closed');
  if (closed !== '/sys') fs.mkdirSync(closed, { mode: 0o500 });
  const writable = closed === '/sys' && canWrite(closed);
  if (!writable) expect(refused(() => requireHome({ HOME: closed })).message).toMatch(/not write there/);
});

function canWrite(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Which repository and branch a directory is of, with a `.git` that says what an agent wants. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { placeOf, WorkPlaces } from '../../../src/host/workspaces/place.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'aether-place-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd, stdio: 'pipe' });
const made = (...parts: string[]) => {
  const path = join(dir, ...parts);
  mkdirSync(path, { recursive: true });
  return path;
};

test('a repository, a directory inside of it and a worktree of it are one workspace, each with its branch', () => {
  const main = made('main');
  git(main, 'init', '-q', '-b', 'trunk');
  git(main, 'commit', '-q', '--allow-empty', '-m', 'x');
  const inside = made('main', 'packages', 'a');
  git(main, 'worktree', 'add', '-q', '-b', 'feature/x', join(dir, 'other'));
  const place = placeOf(main);
  expect(place.branch).toBe('trunk');
  expect(placeOf(inside)).toEqual(place);
  expect(placeOf(join(dir, 'other'))).toEqual({ workspace: place.workspace, branch: 'feature/x' });
  git(main, 'checkout', '-q', '--detach');
  expect(placeOf(main)).toEqual({ workspace: place.workspace, branch: null });
});

test('a directory without a repository is a workspace of its own', () => {
  const [one, two] = [made('one'), made('two')];
  expect(placeOf(one)).toEqual({ workspace: expect.stringMatching(/^[\w-]{43}$/), branch: null });
  expect(placeOf(one).workspace).not.toBe(placeOf(two).workspace);
});

test('a directory cannot say that it is of a repository which does not know it', () => {
  const [main, thief] = [made('main'), made('thief')];
  git(main, 'init', '-q', '-b', 'trunk');
  git(main, 'commit', '-q', '--allow-empty', '-m', 'x');
  git(main, 'worktree', 'add', '-q', join(dir, 'other'));
  const stolen = placeOf(main).workspace;
  const own = placeOf(thief);
  const says = [
    `gitdir: ${join(main, '.git')}`,
    `gitdir: ${join(main, '.git', 'worktrees', 'other')}`,
    `gitdir: ${join(main, '.git', 'worktrees', '..', 'worktrees', 'none')}`,
    'gitdir: /etc/passwd',
    `gitdir: ${'x'.repeat(10_000)}`,
    '\u0000',
  ];
  for (const text of says) {
    writeFileSync(join(thief, '.git'), text);
    expect(placeOf(thief), text.slice(0, 80)).toEqual(own);
  }
  rmSync(join(thief, '.git'));
  symlinkSync(join(main, '.git'), join(thief, '.git'));
  expect(placeOf(thief).workspace).not.toBe(stolen);
});

test.each([
  'ref: refs/heads/a b',
  'ref: refs/heads/',
  `ref: refs/heads/${'x'.repeat(300)}`,
  'garbage',
  '\u0000',
])('a HEAD of %j names no branch', (head) => {
  const main = made('main', '.git');
  writeFileSync(join(main, 'HEAD'), head);
  expect(placeOf(join(dir, 'main')).branch).toBeNull();
});

test('what is read is known for a moment', () => {
  let now = 0;
  const places = new WorkPlaces({ elapsed: () => now });
  const head = join(made('main', '.git'), 'HEAD');
  writeFileSync(head, 'ref: refs/heads/one\n');
  const branch = () => places.of(join(dir, 'main')).branch;
  expect(branch()).toBe('one');
  writeFileSync(head, 'ref: refs/heads/two\n');
  expect(branch()).toBe('one');
  now = 1_000;
  expect(branch()).toBe('two');
});

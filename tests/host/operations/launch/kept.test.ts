/** What a box shows read-only inside of what it may write: by the engines of all agents, and of repositories. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  keptOf,
  loadedByAll,
  makeAgain,
  makeKept,
  removeKept,
} from '../../../../src/host/operations/launch/kept.ts';
import type { RunSandbox } from '../../../../src/host/store/run-sandbox.ts';
import { loadsFrom } from '../../../../src/runtimes/claude-code/loads-from.ts';

let root: string;
let work: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-kept-')));
  work = join(root, 'work');
  fs.mkdirSync(work);
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const state = () => join(root, 'state');
const made = (...paths: string[]) => {
  for (const path of paths) fs.mkdirSync(join(work, path), { recursive: true });
};
/** A claude agent in each of these. */
const loaded = (...workspaces: string[]) =>
  loadedByAll(
    workspaces.map((workspace) => ({ name: 'a', runtime: 'claude-code', workspace })) as never,
    () => ({ loadsFrom }),
    () => ({ runDir: join(state(), 'runs/r'), agentDir: join(state(), 'agents/a') }) as never,
  );
const kept = (write = [work], workspaces = [work]) => {
  const { paths, missing } = keptOf(write, loaded(...workspaces), state());
  const short = (path: string) => path.slice(work.length + 1);
  return [paths.map(short), missing.map(short)];
};

test('what an engine loads is kept, there or not, and of a repository what git runs', () => {
  expect(kept()).toEqual([
    ['.claude', '.mcp.json'],
    ['.claude', '.mcp.json'],
  ]);
  made('.claude', '.git/hooks');
  fs.writeFileSync(join(work, '.mcp.json'), '{}');
  fs.writeFileSync(join(work, '.git/config'), '');
  expect(kept()).toEqual([
    [...['.claude', '.mcp.json'], ...['.git/hooks', '.git/config', '.git/config.worktree', '.git/commondir']],
    ['.git/config.worktree', '.git/commondir'],
  ]);
});

test('another agent’s workspace in this one, and one above it, are kept as well', () => {
  made('inner/deep');
  expect(kept([work], [join(work, 'inner/deep')])[0]).toEqual([
    ...['inner/deep/.claude', 'inner/deep/.mcp.json', 'inner/.claude', '.claude'],
  ]);
  // One that no other agent is in has nothing that an engine of the fleet would load.
  expect(kept([work], [])).toEqual([[], []]);
});

test('what lies in the state directory is made for each start, also where the workspace holds it', () => {
  const { paths } = keptOf([root], loaded(root), state());
  expect(paths.filter((path) => path.startsWith(state()))).toEqual([]);
  expect(paths).toContain(join(root, '.mcp.json'));
});

test('a linked worktree, a repository without files, one without hooks', () => {
  fs.writeFileSync(join(work, '.git'), 'gitdir: /elsewhere\n');
  const bare = join(work, 'bare');
  made('bare/objects', 'bare/refs');
  for (const name of ['HEAD', 'config', 'config.worktree']) fs.writeFileSync(join(bare, name), '');
  expect(kept([work, bare], [])).toEqual([
    ['.git', 'bare/hooks', 'bare/config', 'bare/config.worktree', 'bare/commondir'],
    ['bare/hooks', 'bare/commondir'],
  ]);
});

test('what is written by name is given, and what cannot be mounted over is left out', () => {
  made('.git', 'real');
  fs.symlinkSync('real', join(work, '.claude'));
  fs.symlinkSync('real', join(work, '.git/hooks'));
  fs.writeFileSync(join(work, '.git/config'), '');
  const rest = ['.mcp.json', '.git/config.worktree', '.git/commondir'];
  expect(kept([work, join(work, '.git/config')])).toEqual([rest, rest]);
});

test('what was made for the mounts goes with the last run that needs it, unless something is in it', () => {
  const one = keptOf([work], loaded(work), state());
  const sandbox = (over: Partial<RunSandbox>): RunSandbox => ({
    ...{ name: 'bubblewrap', boxes: [{ run: 'r', name: 'engine', read: [], write: [work], network: 'own' }] },
    ...{ kept: one.paths, ...over },
  });
  const first = sandbox({ made: makeKept(one, [work], []) });
  expect(fs.readdirSync(work)).toEqual(['.claude', '.mcp.json']);
  // A second run finds it there.
  const two = keptOf([work], loaded(work), state());
  expect(two.missing).toEqual([]);
  const second = sandbox({ made: makeKept(two, [work], [first]) });
  removeKept(first, [second]);
  expect(fs.readdirSync(work)).toEqual(['.claude', '.mcp.json']);
  fs.writeFileSync(join(work, '.claude', 'mine'), '');
  removeKept(second, []);
  expect(fs.readdirSync(work)).toEqual(['.claude']);
});

test('what stands in a file of a repository changes nothing for git, and goes unless something else is in it', () => {
  const git = (...words: string[]) => execFileSync('git', ['-C', work, ...words], { encoding: 'utf8' });
  execFileSync('git', ['init', '-q', '-b', 'main', work]);
  git('config', 'extensions.worktreeConfig', 'true');
  const before = fs.readdirSync(join(work, '.git'));
  const all = keptOf([work], [], state());
  const sandbox: RunSandbox = {
    ...{ name: 'bubblewrap', boxes: [{ run: 'r', name: 'engine', read: [], write: [work], network: 'own' }] },
    ...{ kept: all.paths, made: makeKept(all, [work], []) },
  };
  expect(fs.readFileSync(join(work, '.git/commondir'), 'utf8')).toBe('.\n');
  // The git of another user reads it.
  expect(fs.statSync(join(work, '.git/commondir')).mode & 0o777).toBe(0o644);
  git('-c', 'user.name=a', '-c', 'user.email=a', 'commit', '-q', '--allow-empty', '-m', 'one');
  git('worktree', 'add', '-q', join(root, 'tree'));
  expect(git('worktree', 'list', '--porcelain')).toMatch(`worktree ${work}\n`);
  expect(git('rev-parse', '--git-common-dir', '--is-bare-repository')).toBe(`${work}/.git\nfalse\n`);
  // Removed by a process outside, it stands there again; a repository that is gone is not made.
  fs.rmSync(join(work, '.git/commondir'));
  expect(makeAgain(join(work, '.git/commondir'), sandbox)).toBe(true);
  git('config', '--worktree', 'core.sparseCheckout', 'false');
  removeKept(sandbox, []);
  expect(fs.readdirSync(join(work, '.git'))).not.toContain('commondir');
  expect(fs.readdirSync(join(work, '.git'))).toEqual(expect.arrayContaining([...before, 'config.worktree']));
  fs.rmSync(join(work, '.git'), { recursive: true });
  expect(makeAgain(join(work, '.git/commondir'), sandbox)).toBe(false);
});

test('a linked worktree is kept where others run git, once it names the repository, and before those an agent made up', () => {
  const git = (at: string, ...words: string[]) => execFileSync('git', ['-C', at, ...words]);
  const [tree, inner, second] = [join(root, 'tree'), join(work, 'inner'), join(root, 'second')];
  for (const at of [work, second]) {
    execFileSync('git', ['init', '-q', '-b', 'main', at]);
    git(at, '-c', 'user.name=a', '-c', 'user.email=a', 'commit', '-q', '--allow-empty', '-m', 'one');
  }
  for (const at of [tree, inner]) git(work, 'worktree', 'add', '-q', at);
  const trees = join(work, '.git/worktrees');
  const made = (name: string) => {
    fs.mkdirSync(join(trees, name));
    fs.writeFileSync(join(trees, name, 'commondir'), '../..\n');
    fs.writeFileSync(join(trees, name, 'gitdir'), `${tree}/.git\n`);
  };
  for (let count = 0; count < 40; count += 1) made(`a${count}`);
  const paths = (write: string[]) => keptOf(write, [], state()).paths;
  const of = (name: string) =>
    ['commondir', 'gitdir', 'config.worktree'].map((one) => join(trees, name, one));
  expect(paths([work, second]).slice(8)).toEqual(of('tree'));
  expect(paths([work, second]).slice(4, 8)).toContain(join(second, '.git/hooks'));
  // A workspace, with its own `.git` kept, and one that lies where nothing is written.
  expect(paths([tree, join(work, '.git')])).toEqual([
    ...[join(tree, '.git'), ...['hooks', 'config', 'config.worktree', 'commondir'].map(ofGit)],
    ...[...of('inner'), ...of('tree')],
  ]);
  for (let count = 0; count < 1_000; count += 1) fs.mkdirSync(join(trees, `b${count}`));
  expect(paths([work]).slice(4)).toEqual([trees]);

  function ofGit(name: string): string {
    return join(work, '.git', name);
  }
});

/**
 * What a start loads and what git runs outside is not written from inside a box: by a shell in the workspace of a Claude
 * Code that trusts its repository. Git works there all the same.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet?.close());

const SHELL = 'echo ready; while read -r line; do (eval "$line") > .out.tmp 2>&1; mv .out.tmp .out; done';

test('nothing that a start loads, and no hook and no setting of git, is written or made inside; git works', async () => {
  fleet = await LiveFleet.make({
    agents: {
      shell: {
        runtime: 'command',
        sandbox: 'bubblewrap',
        command: ['sh', '-c', SHELL],
        workspace: 'app',
        shared: true,
      },
      coder: { runtime: 'claude-code', workspace: 'app', trust: true, shared: true, autostart: false },
    },
  });
  const app = join(fleet.project, 'app');
  const git = (...words: string[]) => execFileSync('git', ['-C', app, ...words], { encoding: 'utf8' });
  fs.mkdirSync(join(app, '.claude'), { recursive: true });
  execFileSync('git', ['init', '-q', '-b', 'main', app]);
  git('config', 'user.email', 'a@example.com');
  git('config', 'user.name', 'a');
  fs.rmSync(join(app, '.git', 'hooks'), { recursive: true });
  fs.writeFileSync(join(app, '.claude', 'settings.json'), '{}');
  const plan = await fleet.ok('plan');
  expect(plan).toContain(`and not ${app}/.claude ${app}/.mcp.json ${app}/.git/hooks ${app}/.git/config`);
  await fleet.up();
  await fleet.until('shell', 'running', ({ state }) => state === 'running');
  const inside = async (command: string): Promise<string> => {
    fs.rmSync(join(app, '.out'), { force: true });
    await fleet.ok('inject', 'shell', command);
    await eventually(`done: ${command}`, () => fs.existsSync(join(app, '.out')));
    return fs.readFileSync(join(app, '.out'), 'utf8');
  };
  const before = fs.readFileSync(join(app, '.git', 'config'), 'utf8');
  const tries = [
    ...['echo {} > .claude/settings.json', 'mkdir -p .claude/skills/x', 'rm -r .claude', 'mv .claude gone'],
    ...['echo {} > .mcp.json', 'rmdir .mcp.json', 'ln -s x .mcp.json && cat .mcp.json'],
    ...['echo x > .git/hooks/post-commit', 'git config core.fsmonitor x', 'git config core.hooksPath .'],
    ...['mv .git gone', 'echo > .git/config', 'ln -f README .git/config', 'chmod 777 .git/config .claude'],
  ];
  for (const one of tries)
    expect([one, await inside(`(${one}) 2>&1 && echo done`)]).toEqual([
      one,
      expect.not.stringMatching(/done/),
    ]);
  expect(fs.readFileSync(join(app, '.git', 'config'), 'utf8')).toBe(before);
  expect(fs.readdirSync(join(app, '.claude'))).toEqual(['settings.json']);

  const works = [
    ...[
      'git init -q --bare far.git',
      'echo a > a',
      'git add a',
      'git commit -qm a',
      'git checkout -q -b topic',
    ],
    ...['echo b > a', 'git commit -qam b', 'git stash', 'git checkout -q main', 'git merge -q topic'],
    ...[
      'git push -q ./far.git main',
      'git worktree add -q wt topic2 -b topic2 2>&1 || git worktree add -q wt -b topic2',
    ],
    ...[
      'git clone -q far.git copy',
      'git rebase -q topic',
      'git gc -q',
      'git status --short --branch',
      'echo done',
    ],
  ];
  expect(await inside(works.map((one) => `{ ${one}; }`).join(' && '))).toMatch(/## main\n[\s\S]*done\n$/);
  expect(git('log', '--format=%s')).toBe('b\na\n');

  /* The operator's own git replaces the file, and removes a directory; a moment later both are kept again. */
  git('config', 'user.name', 'b');
  fs.rmdirSync(join(app, '.mcp.json'));
  const kept = async () =>
    (await inside('echo x >> .git/config || echo {} > .mcp.json || echo kept')).includes('kept');
  await eventually('both are kept again', kept, 20_000, 1_000);
  await fleet.ok('stop', 'shell');
  await eventually('nothing of the mounts is left', () => !fs.existsSync(join(app, '.mcp.json')));
  expect(fs.existsSync(join(app, '.git', 'hooks'))).toBe(false);
  expect(git('status', '--short', '--', '.mcp.json', '.claude')).toBe('?? .claude/\n');
}, 60_000);

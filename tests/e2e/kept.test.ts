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
/** In the index of the repository that holds it, as `git add` puts it there, with a program of its own at every turn. */
const OWN_REPOSITORY = `
top=$(pwd); git init -q -b main own && cd own
git -c user.name=x -c user.email=x commit -q --allow-empty -m own
echo x > x; echo '* filter=mine diff=mine' > .gitattributes
for name in core.fsmonitor filter.mine.clean filter.mine.smudge diff.mine.textconv diff.external uploadpack.packObjectsHook
do git config "$name" "touch $top/ran; cat"; done
for name in pre-commit post-checkout post-index-change reference-transaction
do printf '#!/bin/sh\\ntouch %s/ran\\n' "$top" > ".git/hooks/$name"; chmod +x ".git/hooks/$name"; done
cd .. && rm -f ran && git add own; rm -f ran
`;

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
  git('commit', '-q', '--allow-empty', '-m', 'begun');
  git('worktree', 'add', '-q', join(fleet.project, 'tree'));
  fs.rmSync(join(app, '.git', 'hooks'), { recursive: true });
  fs.writeFileSync(join(app, '.claude', 'settings.json'), '{}');
  const plan = await fleet.ok('plan');
  expect(plan).toContain(`and not ${app}/.claude ${app}/.mcp.json ${app}/.git/hooks ${app}/.git/config`);
  await fleet.up();
  await fleet.until('shell', 'running', ({ state }) => state === 'running');
  /** @returns what it printed there */
  const inside = async (script: string): Promise<string> => {
    fs.rmSync(join(app, '.out'), { force: true });
    fs.writeFileSync(join(app, '.script'), script);
    await fleet.withHost((host) => host.call('inject', { agent: 'shell', text: 'sh .script' }));
    await eventually('done', () => fs.existsSync(join(app, '.out')), 20_000);
    return fs.readFileSync(join(app, '.out'), 'utf8');
  };
  /** Which of these succeeded. */
  const succeeding = (all: string[]) =>
    inside(all.map((one) => `(${one}) >/dev/null 2>&1 && echo '${one}'`).join('\n'));
  const before = fs.readFileSync(join(app, '.git', 'config'), 'utf8');
  const tries = [
    ...['echo {} > .claude/settings.json', 'mkdir -p .claude/skills/x', 'rm -r .claude', 'mv .claude gone'],
    ...['echo {} > .mcp.json', 'rmdir .mcp.json', 'ln -s x .mcp.json && cat .mcp.json'],
    ...['echo x > .git/hooks/post-commit', 'git config core.fsmonitor x', 'git config core.hooksPath .'],
    ...['echo ../far > .git/commondir', 'rm .git/commondir', 'echo > .git/config.worktree'],
    ...['echo ../far > .git/worktrees/tree/commondir', 'echo > .git/worktrees/tree/config.worktree'],
    ...['mv .git/worktrees gone', 'mv .git/worktrees/tree gone'],
    ...['mv .git gone', 'echo > .git/config', 'ln -f README .git/config', 'chmod 777 .git/config .claude'],
  ];
  expect(await succeeding(tries)).toBe('');
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
  expect(git('log', '--format=%s')).toBe('b\na\nbegun\n');

  /* The operator's own git replaces the file: at once, and removes a directory: a moment later both are kept again. */
  git('config', 'user.name', 'b');
  fs.rmdirSync(join(app, '.mcp.json'));
  const refused = (one: string) => async () => (await succeeding([one])) === '';
  await eventually('the file is kept', refused('echo x >> .git/config'), 2_000, 50);
  await eventually('the directory is there again', () => fs.existsSync(join(app, '.mcp.json')), 20_000);
  await eventually('it is kept', refused('rmdir .mcp.json'), 2_000, 50);

  /* A repository of its own is its own to the last file; what the operator is told to look with runs nothing of it. */
  await inside(OWN_REPOSITORY);
  fs.writeFileSync(join(app, 'a'), 'c\n');
  expect(git('status', '--short', '--ignore-submodules=all', '--', 'a', 'own')).toBe(' M a\n');
  expect(git('ls-files', '--stage', 'own')).toMatch(/^160000 /);
  expect(git('diff', '--ignore-submodules=all')).toContain('+c\n');
  git('fetch', '-q', './own', 'main');
  expect(git('log', '-1', '--format=%s', 'FETCH_HEAD')).toBe('own\n');
  expect(fs.existsSync(join(app, 'ran'))).toBe(false);

  await fleet.act('stop', 'shell');
  await eventually('nothing of the mounts is left', () => !fs.existsSync(join(app, '.mcp.json')));
  for (const name of ['hooks', 'commondir', 'config.worktree'])
    expect(fs.existsSync(join(app, '.git', name))).toBe(false);
  expect(git('status', '--short', '--', '.mcp.json', '.claude')).toBe('?? .claude/\n');
}, 60_000);

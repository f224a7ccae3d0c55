/** Out of the workspace by links and by `..`, now and at the next launch of another. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { type Attack, fails, SAME_USER, succeeds, UNSEEN } from '../attack.ts';

export const links: Attack[] = [
  {
    name: 'links/followed',
    wants: "the victim's file, by a link and by a path that goes up",
    program: `
target = FACTS['victim']['workspace'] + '/diary.txt'
attempt('link', lambda: os.symlink(target, 'link-out'))
attempt('read', lambda: say(open('link-out').read()))
attempt('up', lambda: say(open('../victim/diary.txt').read()))
attempt('hard link', lambda: (os.link(target, 'hard'), say(open('hard').read())))
`,
    took: ({ secrets }, printed) => printed.includes(secrets.file),
    after: (scene) => {
      for (const name of ['link-out', 'hard'])
        fs.rmSync(join(scene.workspace('attacker'), name), { force: true });
    },
    expected: {
      none: succeeds('both agents are one user', SAME_USER),
      bubblewrap: fails('where it leads, nothing is shown', UNSEEN),
    },
    short: true,
  },
  {
    name: 'links/next-launch',
    wants: "the victim's file, shown to an agent whose workspace it can replace by a link before the launch",
    program: `
guest = HOME + '/guest'
attempt('make', lambda: os.makedirs(guest, exist_ok=True))
attempt('rename', lambda: os.rename(guest, guest + '.old'))
attempt('link', lambda: (os.symlink(FACTS['victim']['workspace'], guest), say('LINKED')))
ready()
wait_for('go-on')
`,
    meanwhile: async (scene) => {
      await scene.fleet.cli(['start', 'guest']);
      await scene.fleet.until(
        'guest',
        'started or refused',
        ({ state }) => state !== 'running' && state !== 'starting',
      );
    },
    took: async ({ fleet, secrets }) => (await fleet.ok('logs', 'guest')).includes(secrets.file),
    after: (scene) => {
      for (const name of ['guest', 'guest.old'])
        fs.rmSync(join(scene.workspace('attacker'), name), { recursive: true, force: true });
    },
    expected: {
      none: succeeds('without a box nothing is shown or hidden: the guest could read it anyway', {
        event: 'run.starting',
      }),
      bubblewrap: fails('a link in a place that agents can write is not mounted', { event: 'agent.failed' }),
    },
    short: true,
  },
  {
    name: 'links/git-hooks',
    wants: 'a program of its own run by whoever looks at its workspace with git: hooks, a monitor, filters',
    program: `
import subprocess
for words in (['init', '-q'], ['config', 'core.fsmonitor', HOME + '/hook'], ['config', 'core.hooksPath', HOME],
              ['config', 'filter.x.clean', HOME + '/hook'], ['config', 'core.pager', HOME + '/hook']):
    attempt(words, lambda: subprocess.run(['git', *words], check=True))
for name in ('hook', 'post-checkout', 'pre-commit', 'post-index-change', 'reference-transaction'):
    open(name, 'w').write('#!/bin/sh\\ntouch %s/hooked\\n' % HOME)
    os.chmod(name, 0o755)
open('.gitattributes', 'w').write('* filter=x diff=x\\n')
subprocess.run(['git', '-c', 'user.name=x', '-c', 'user.email=x', 'commit', '-q', '--allow-empty', '-m', 'x'])
for inner in ('nested', '.git/modules/part'):
    subprocess.run(['cp', '-r', '.git', inner if inner[0] == '.' else inner + '.git'])
os.makedirs('nested', exist_ok=True)
os.rename('nested.git', 'nested/.git')
for name in os.listdir('.'):
    if os.path.isfile(name): os.utime(name)
try: os.remove('hooked')
except OSError: pass
ready()
wait_for('go-on')
`,
    meanwhile: async ({ fleet }) => {
      const looks = [['pause', 'attacker'], ['ps', '--json'], ['plan'], ['doctor'], ['resume', 'attacker']];
      for (const words of [...looks, ['restart', 'attacker'], ['apply']]) await fleet.cli(words);
    },
    took: (scene) => fs.existsSync(join(scene.workspace('attacker'), 'hooked')),
    after: (scene) => {
      for (const name of ['.git', 'nested', '.gitattributes', 'hook', 'hooked'])
        fs.rmSync(join(scene.workspace('attacker'), name), { recursive: true, force: true });
    },
    expected: {
      none: fails('the host runs no git', { event: 'run.exited' }),
      bubblewrap: fails('the host runs no git', { event: 'run.exited' }),
    },
  },
  {
    name: 'links/operators-git',
    wants: 'a program of its own run by the operator, who commits in the repository that the workspace is',
    before: async (scene) => {
      const workspace = scene.workspace('attacker');
      execFileSync('git', ['init', '-q', workspace]);
      execFileSync('git', ['-C', workspace, 'config', 'extensions.worktreeConfig', 'true']);
      await scene.fleet.ok('restart', 'attacker');
      await scene.stand();
    },
    program: `
import subprocess
hook = '#!/bin/sh\\ntouch %s/hooked\\n' % HOME
def put(path):
    open(path, 'w').write(hook)
    os.chmod(path, 0o755)
os.makedirs('hooks-of-mine')
for name in ('pre-commit', 'post-commit'):
    attempt(name, lambda: put('.git/hooks/' + name))
    put('hooks-of-mine/' + name)
put('monitor')
for words in (['core.fsmonitor', HOME + '/monitor'], ['core.hooksPath', HOME + '/hooks-of-mine']):
    attempt(words, lambda: subprocess.run(['git', 'config', *words], check=True))
    attempt(words, lambda: open('.git/config', 'a').write('[core]\\n%s = %s\\n' % (words[0][5:], words[1])))
attempt('worktree', lambda: open('.git/config.worktree', 'w').write('[core]\\nhooksPath = %s\\n' % HOME))
for name in ('.git/hooks', '.git/config', '.git'):
    attempt(name, lambda: (os.rename(name, name + '.old'), os.rename(name + '.old', name)))
subprocess.run(['git', 'init', '-q', '--bare', 'elsewhere'])
open('elsewhere/config', 'a').write('[core]\\nfsmonitor = %s/monitor\\n' % HOME)
attempt('elsewhere', lambda: open('.git/commondir', 'w').write('../elsewhere\\n'))
attempt('elsewhere', lambda: (os.remove('.git/commondir'), open('.git/commondir', 'w').write('../elsewhere\\n')))
`,
    took: (scene) => {
      const workspace = scene.workspace('attacker');
      const git = (...words: string[]) =>
        spawnSync('git', ['-c', 'user.name=x', '-c', 'user.email=x', ...words], { cwd: workspace });
      git('status');
      git('commit', '--allow-empty', '-m', 'x');
      return fs.existsSync(join(workspace, 'hooked'));
    },
    after: (scene) => {
      for (const name of ['.git', '.git.old', 'hooks-of-mine', 'monitor', 'elsewhere', 'hooked'])
        fs.rmSync(join(scene.workspace('attacker'), name), { recursive: true, force: true });
    },
    expected: {
      none: succeeds('a workspace is its to write', SAME_USER),
      bubblewrap: fails('hooks and settings of the repository are read-only', UNSEEN),
    },
    short: true,
  },
];

/** Out of the workspace by links and by `..`, now and at the next launch of another. */
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
open('.gitattributes', 'w').write('* filter=x\\n')
ready()
wait_for('go-on')
`,
    meanwhile: async ({ fleet }) => {
      for (const words of [['ps'], ['plan'], ['doctor'], ['restart', 'attacker'], ['apply']])
        await fleet.cli(words);
    },
    took: (scene) => fs.existsSync(join(scene.workspace('attacker'), 'hooked')),
    after: (scene) => {
      for (const name of ['.git', '.gitattributes', 'hook', 'hooked'])
        fs.rmSync(join(scene.workspace('attacker'), name), { recursive: true, force: true });
    },
    expected: {
      none: fails('the host runs no git', { event: 'run.exited' }),
      bubblewrap: fails('the host runs no git', { event: 'run.exited' }),
    },
  },
];

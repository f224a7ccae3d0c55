/** Whether a sender's own rules would run a call unasked. When in doubt they would not. */
import { describe, expect, it } from 'vitest';
import { permits } from '../../../../src/host/operations/gate/permits.ts';
import type { PermissionSpec } from '../../../../src/runtimes/runtime.ts';

const spec = (allow: string[], deny: string[] = [], mode: PermissionSpec['mode'] = 'ask') => ({
  mode,
  allow,
  deny,
});
const shell = (subject: string) => ({ subject, shell: true });
const file = (subject: string) => ({ subject, shell: false });
const bare = { subject: null, shell: false };

describe('a rule that allows', () => {
  it.each([
    ['names the tool', spec(['WebFetch']), 'WebFetch', bare],
    ['names all uses of it', spec(['Bash(*)']), 'Bash', shell('rm -rf /')],
    ['is a pattern that fits', spec(['Bash(git *)']), 'Bash', shell('git log --oneline')],
    ['fits without arguments', spec(['Bash(git *)']), 'Bash', shell('git')],
    ['is written with a colon', spec(['Bash(npm test:*)']), 'Bash', shell('npm test -- --run')],
    ['says exactly this', spec(['Bash(make && make test)']), 'Bash', shell('make && make test')],
    ['names this very file', spec(['Write(notes.md)']), 'Write', file('notes.md')],
    ['is one of another engine', spec(['Bash(git *)']), 'run_command', shell('git status')],
    ['is one of a third', spec(['Bash(git *)']), 'exec', shell('git status')],
    ['names a file tool of another engine', spec(['Read']), 'read', file('x')],
    ['is not needed', spec([], [], 'allow'), 'Bash', shell('anything')],
  ])('%s', (_what, rules, tool, facts) => expect(permits(rules, tool, facts)).toBe(true));
});

describe('no rule that allows', () => {
  it.each([
    ['there is none', spec([]), 'Bash', shell('ls')],
    ['nobody may be asked', spec([], [], 'deny'), 'Bash', shell('ls')],
    ['it names another tool', spec(['Read']), 'Write', file('x')],
    ['it fits another command', spec(['Bash(git *)']), 'Bash', shell('gitk')],
    ['more than the one command', spec(['Bash(git *)']), 'Bash', shell('git log; rm -rf .')],
    ['a command in a command', spec(['Bash(echo *)']), 'Bash', shell('echo $(cat /etc/passwd)')],
    ['a redirection', spec(['Bash(echo *)']), 'Bash', shell('echo x > ~/.bashrc')],
    ['a line break', spec(['Bash(echo *)']), 'Bash', shell('echo x\nrm y')],
    [
      'a pattern of paths, which engines read differently',
      spec(['Write(src/**)']),
      'Write',
      file('src/a.ts'),
    ],
    ['a pattern where nothing is told of the call', spec(['WebFetch(domain:x)']), 'WebFetch', bare],
  ])('%s', (_what, rules, tool, facts) => expect(permits(rules, tool, facts)).toBe(false));
});

describe('a rule that denies', () => {
  it.each([
    ['names the tool', spec([], ['Bash'], 'allow'), 'Bash', shell('ls')],
    ['fits', spec([], ['Bash(rm *)'], 'allow'), 'Bash', shell('rm x')],
    ['fits anywhere in the line', spec([], ['Bash(rm *)'], 'allow'), 'Bash', shell('true && rm x')],
    ['might fit, as nothing is told', spec([], ['WebFetch(domain:x)'], 'allow'), 'WebFetch', bare],
    ['wins over one that allows', spec(['Bash(git *)'], ['Bash(git push *)']), 'Bash', shell('git push -f')],
    ['is one of another engine', spec([], ['run_command(rm *)'], 'allow'), 'Bash', shell('rm x')],
    ['is one of a third', spec([], ['Bash(rm *)'], 'allow'), 'exec', shell('rm x')],
    ['names an editing tool of another engine', spec([], ['Edit'], 'allow'), 'apply_patch', bare],
  ])('%s', (_what, rules, tool, facts) => expect(permits(rules, tool, facts)).toBe(false));

  it('leaves the rest alone', () => {
    expect(permits(spec([], ['Bash(rm *)'], 'allow'), 'Bash', shell('ls'))).toBe(true);
    expect(permits(spec([], ['Bash(rm *)'], 'allow'), 'Write', file('rm'))).toBe(true);
  });
});

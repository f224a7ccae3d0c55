/** Which calls only look at the workspace: those that cannot be made to lead out of it, by whatever they are given. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { liesBeneath } from '../../../src/host/beneath.ts';
import { callFacts } from '../../../src/runtimes/claude-code/gate.ts';

let root: string;
let workspace: string;
beforeAll(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-looks-')));
  workspace = join(root, 'work');
  fs.mkdirSync(join(workspace, 'src'), { recursive: true });
  fs.mkdirSync(join(root, 'work-beside'));
  fs.writeFileSync(join(workspace, 'src', 'a.ts'), '');
  fs.symlinkSync('src', join(workspace, 'within'));
  fs.symlinkSync('/etc', join(workspace, 'out'));
  fs.symlinkSync('../work-beside', join(workspace, 'beside'));
  fs.symlinkSync('/nowhere', join(workspace, 'nothing'));
  fs.symlinkSync('/proc/self/root/etc', join(workspace, 'magic'));
});
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

/** As the host decides: `cwd` is what the program says of its shell. */
function looks(tool: string, input: object, cwd = '.'): boolean {
  const { looks: paths } = callFacts(tool, input);
  return paths?.every((path) => liesBeneath(workspace, resolve(workspace, cwd, path))) ?? false;
}
const at = (path: string) => join(workspace, path);

it.each<[string, () => object]>([
  ['Read', () => ({ file_path: at('src/a.ts') })],
  ['Read', () => ({ file_path: at('within/a.ts') })],
  ['Read', () => ({ file_path: at('src/not/yet.ts') })],
  ['Glob', () => ({ pattern: '**/*.ts' })],
  ['Glob', () => ({ pattern: 'src/*.ts', path: workspace })],
  ['Glob', () => ({ pattern: at('src/*.ts') })],
  ['Grep', () => ({ pattern: '../../x', path: 'src' })],
  ['Grep', () => ({ pattern: 'x' })],
  ['TaskCreate', () => ({})],
])('%s looks at the workspace', (tool, input) => expect(looks(tool, input())).toBe(true));

it.each<[string, () => object]>([
  ['Read', () => ({ file_path: '/etc/passwd' })],
  ['Read', () => ({ file_path: '~/.ssh/id_rsa' })],
  ['Read', () => ({ file_path: ' /etc/passwd' })],
  ['Read', () => ({ file_path: at('../secret') })],
  ['Read', () => ({ file_path: `${workspace}-beside/x` })],
  ['Read', () => ({ file_path: at('out/passwd') })],
  ['Read', () => ({ file_path: at('beside/x') })],
  ['Read', () => ({ file_path: at('nothing') })],
  ['Read', () => ({ file_path: at('nothing/x') })],
  ['Read', () => ({ file_path: at('magic/passwd') })],
  ['Read', () => ({ file_path: 7 })],
  ['Glob', () => ({ pattern: '/etc/**' })],
  ['Glob', () => ({ pattern: '../**' })],
  ['Glob', () => ({ pattern: 'src/{..,x}/*' })],
  ['Glob', () => ({ pattern: 'out/*' })],
  ['Glob', () => ({ pattern: '*', path: '/' })],
  ['Glob', () => ({})],
  ['Grep', () => ({ pattern: 'key', path: at('out') })],
  ['Grep', () => ({ pattern: 'key', path: '~' })],
  ['LS', () => ({ path: '/root' })],
  ['Bash', () => ({ command: 'ls' })],
  ['Write', () => ({ file_path: at('src/a.ts') })],
  ['WebFetch', () => ({ url: 'http://x' })],
  ['constructor', () => ({})],
])('%s does not look at the workspace alone', (tool, input) => expect(looks(tool, input())).toBe(false));

it('starts where the shell of the program is', () => {
  expect(looks('Grep', { pattern: 'x', path: 'a.ts' }, at('src'))).toBe(true);
  expect(looks('Grep', { pattern: 'x' }, '/etc')).toBe(false);
  expect(looks('Glob', { pattern: '*' }, at('out'))).toBe(false);
});

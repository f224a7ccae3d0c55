/** Which files a sandbox shows so that programs of a home run, and that it is never the home, or what programs share. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { programFiles, toolchainsOf } from '../../../src/host/sandboxes/toolchains.ts';

let home: string;
beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-home-')));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

/** A program as `npm install --global` leaves it below a prefix. */
function installed(prefix: string): string {
  const file = join(home, prefix, 'lib', 'node_modules', 'tool', 'cli.js');
  fs.mkdirSync(join(file, '..'), { recursive: true });
  fs.mkdirSync(join(home, prefix, 'bin'), { recursive: true });
  fs.writeFileSync(file, '#!/usr/bin/env node\n', { mode: 0o755 });
  fs.symlinkSync('../lib/node_modules/tool/cli.js', join(home, prefix, 'bin', 'tool'));
  return join(home, prefix, 'bin');
}

test('an installation in a directory of its own is shown whole', () => {
  const bin = installed('tools');
  expect(toolchainsOf(bin, home, ['/usr'])).toEqual([join(home, 'tools')]);
});

test.each(['', '.local'])(
  'of one that is right in ~/%s, the programs and their packages are shown',
  (prefix) => {
    const bin = installed(prefix);
    const packages = join(home, prefix, 'lib', 'node_modules');
    expect(toolchainsOf(bin, home, ['/usr'])).toEqual([bin, packages]);
    expect(programFiles(join(bin, 'tool'), home)).toContain(packages);
    expect(programFiles(join(bin, 'tool'), home)).not.toContain(join(home, prefix));
  },
);

test.each(['libexec', 'release', 'pyvenv.cfg'])('a home with %s is no installation', (mark) => {
  const bin = join(home, 'bin');
  fs.mkdirSync(bin);
  fs.mkdirSync(join(home, mark));
  expect(toolchainsOf(bin, home, ['/usr'])).toEqual([bin]);
  // Nor is that of another user, or a directory that the home is in.
  fs.mkdirSync(join(home, '.ssh'));
  expect(toolchainsOf(bin, '/nonexistent', ['/usr'])).toEqual([bin]);
  expect(toolchainsOf(bin, join(home, 'below'), ['/usr'])).toEqual([bin]);
});

/** Which program has to be copied so that an engine is protected, and which engines cannot be. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { engineProgram } from '../../../src/host/sandboxes/engine-program.ts';

let root: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-program-')));
  fs.mkdirSync(join(root, 'bin'));
  fs.symlinkSync(process.execPath, join(root, 'bin/node'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const node = fs.realpathSync(process.execPath);

/** A file in bin. */
function installed(name: string, content: string): string {
  const file = join(root, 'bin', name);
  fs.writeFileSync(file, content, { mode: 0o755 });
  return file;
}

const look = (...argv: string[]) => engineProgram({ argv, env: { PATH: join(root, 'bin') }, cwd: root });

test('a native program is copied itself, by its real path', async () => {
  fs.symlinkSync('/usr/bin/env', join(root, 'bin/engine'));
  for (const name of ['engine', 'bin/engine', join(root, 'bin/engine')]) {
    const found = await look(name, '-p', 'x');
    expect(found).toMatchObject({ file: fs.realpathSync('/usr/bin/env') });
    expect(found.file !== null && found.argv('/copy')).toEqual(['/copy', '-p', 'x']);
  }
  expect(await look(process.execPath, 'loop.js')).toMatchObject({ file: node });
});

test.each([
  ['#!/usr/bin/env node\n', []],
  ['#!/usr/bin/env -S node --max-old-space-size=99\r\n', ['--max-old-space-size=99']],
  [`#! ${process.execPath}  --no-warnings\n`, ['--no-warnings']],
])('for a script that begins with %j Node is copied, and opens no debugger', async (head, flags) => {
  const script = installed('engine', `${head}console.log(1);\n`);
  const found = await look('engine', '--serve');
  expect(found).toMatchObject({ file: node });
  expect(found.file !== null && found.argv('/copy')).toEqual([
    ...['/copy', '--disable-sigusr1', ...flags, script, '--serve'],
  ]);
});

test('what may start another program, or lets one in, is said not to be protected', async () => {
  installed('wrapper', '#!/bin/sh\nexec node engine.js\n');
  installed('text', 'echo hello\n');
  installed('script', '#!/usr/bin/env node\n');
  fs.mkdirSync(join(root, 'bin/directory'));
  for (const [name, why] of [
    ['wrapper', /wrapper is a script for \/bin\/sh, which may start anything/],
    ['text', /neither a native program nor a script/],
    ['directory', /directory was not found/],
    ['none', /none was not found/],
  ] as const) {
    expect(await look(name)).toEqual({ file: null, why: expect.stringMatching(why) });
  }
  // A version manager's stand-in, and a Node that does not know the flag.
  fs.rmSync(join(root, 'bin/node'));
  installed('node', '#!/bin/sh\n');
  expect(await look('script')).toMatchObject({ file: null, why: expect.stringContaining('script for node') });
  fs.rmSync(join(root, 'bin/node'));
  fs.copyFileSync('/usr/bin/false', join(root, 'bin/node'));
  expect(await look('script')).toMatchObject({ file: null, why: expect.stringContaining('SIGUSR1') });
});

/** A file that a box shows read-only: covered anew where it is not, and not before the box is complete. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coverAgain } from '../../../src/host/sandboxes/cover-again.ts';

/** As bubblewrap does it: what the box shows is mounted by its first process, which starts the program then. */
const BOX = `
import ctypes, os, subprocess, sys
print('begun', flush=True)
os.read(0, 1)
if sys.argv[1] == 'covered':
    MS_BIND = 4096
    assert ctypes.CDLL(None).mount(sys.argv[2].encode(), sys.argv[2].encode(), None, MS_BIND, None) == 0
subprocess.Popen(['sleep', '100']).wait()
`;

let root: string;
let file: string;
let launcher: ChildProcess;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'aether-cover-')));
  file = join(root, 'file');
  fs.writeFileSync(file, '');
});
afterEach(() => {
  launcher.kill('SIGKILL');
  fs.rmSync(root, { recursive: true });
});

/** @returns what completes it */
async function begin(how: 'covered' | 'open'): Promise<() => void> {
  const own = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child'];
  launcher = spawn('unshare', [...own, 'python3', '-c', BOX, how, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: `/usr/bin:/bin:${process.env.PATH}` },
  });
  await once(launcher.stdout!, 'data');
  return () => void launcher.stdin!.end('x');
}

test('one that is not complete is waited for, and what it covers itself is not said to be open', async () => {
  const complete = await begin('covered');
  const covered = coverAgain(launcher.pid!, file);
  complete();
  expect(await covered).toBe(false);
});

test('what is open is covered, once', async () => {
  (await begin('open'))();
  expect(await coverAgain(launcher.pid!, file)).toBe(true);
  expect(await coverAgain(launcher.pid!, file)).toBe(false);
});

test('one that ends before it is complete', async () => {
  await begin('covered');
  const covered = coverAgain(launcher.pid!, file);
  launcher.kill('SIGKILL');
  expect(await covered).toBe(false);
});

/**
 * An editor replaces a file by another one. The kernel then takes away what was mounted on the old one, in every mount
 * namespace: a box that shows the file read-only would let its processes write the new one. So the new one is covered,
 * too, by a program of the host's that enters the mount namespace of the box.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerOfNamespace } from '../process/libc.ts';
import { childrenOf } from '../process/proc.ts';

const ENTER_MS = 5_000;
/** A box on a busy machine is complete within this. */
const COMPLETE_MS = 5_000;
const LOOK_MS = 10;
/** What the script is given as `$1` is a path outside and inside. */
const SCRIPT = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"';

/**
 * @param launcher pid of the program that made the box
 * @returns whether it was not covered
 * @throws Error with what was said, where the file is not covered
 */
export async function coverAgain(launcher: number, file: string): Promise<boolean> {
  const inside = await firstOf(launcher);
  if (inside === null || isMounted(inside, file)) return false;
  const mounts = openSync(`/proc/${inside}/ns/mnt`, 'r');
  try {
    const owner = ownerOfNamespace(mounts);
    try {
      await enter(mounts, owner, file);
      return true;
    } finally {
      closeSync(owner);
    }
  } finally {
    closeSync(mounts);
  }
}

/**
 * The first process of a box that is complete: before it starts its program, nothing that the box shows is mounted, and a
 * file would be said not to be covered that soon is.
 * @returns null where the box has ended, or does not become complete
 */
async function firstOf(launcher: number): Promise<number | null> {
  const deadline = performance.now() + COMPLETE_MS;
  do {
    const [inside] = childrenOf(launcher);
    if (inside !== undefined && childrenOf(inside).length > 0) return inside;
    if (!existsSync(`/proc/${launcher}`)) return null;
    await sleep(LOOK_MS);
  } while (performance.now() < deadline);
  return null;
}

/** The fifth word of a line is the place; what could end a word is written as a number. */
function isMounted(pid: number, file: string): boolean {
  return readFileSync(`/proc/${pid}/mountinfo`, 'latin1')
    .split('\n')
    .some((line) => unescaped(line.split(' ', 5)[4] ?? '') === file);
}

const unescaped = (word: string): string =>
  Buffer.from(
    word.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    'latin1',
  ).toString();

function enter(mounts: number, owner: number, file: string): Promise<void> {
  const namespaces = ['--mount=/proc/self/fd/3', '--user=/proc/self/fd/4', '--preserve-credentials'];
  const child = spawn('/usr/bin/nsenter', [...namespaces, '--', '/bin/sh', '-c', SCRIPT, 'sh', file], {
    stdio: ['ignore', 'ignore', 'pipe', mounts, owner],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    timeout: ENTER_MS,
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, 1_000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(said.trim() || `exit ${code}`))));
  });
}

/** A program of the tests as an ordinary user where this is root: the kernel judges the two differently. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A user that nothing else on this machine is: what a test does to its user reaches its own processes alone. */
const USER = 61_000 + (process.pid % 4_000);

export const isRoot = process.getuid!() === 0;

/** Of the copies of engines, which are large, and the same for every fleet of a user. */
export const programCacheOf = (uid: number): string => join(tmpdir(), `aether-test-cache-${uid}`);

/** Why root cannot become an ordinary user here; null: it can, or this is one. */
export function noOrdinaryUser(): string | null {
  if (!isRoot || fs.existsSync('/usr/bin/setpriv')) return null;
  return 'root becomes an ordinary user by setpriv, which is not there';
}

export const chownToUser = (path: string): void => fs.chownSync(path, USER, USER);

export interface UserProgram {
  /** The file that Node runs. */
  main: string;
  args: string[];
  /** More of its environment, which is PATH and a home of its own. */
  env?: Record<string, string | undefined>;
  /** Its stdout is returned; otherwise it is that of this process. */
  keep?: true;
}

/** @returns once it has ended and nothing that it kept for its user is left */
export async function runAsUser({ main, args, env = {}, keep }: UserProgram): Promise<{
  code: number | null;
  printed: string;
}> {
  const home = fs.mkdtempSync(join(tmpdir(), 'ae-home-'));
  chownToUser(home);
  const as = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  try {
    const child = spawn('setpriv', [...as, process.execPath, main, ...args], {
      cwd: '/',
      env: { PATH: process.env.PATH, HOME: home, AETHER_TEST_DIST: process.env.AETHER_TEST_DIST, ...env },
      stdio: ['ignore', keep ? 'pipe' : 'inherit', 'inherit'],
    });
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    );
    return { code, printed };
  } finally {
    for (const dir of [home, programCacheOf(USER)]) fs.rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * One setting, tried as whom it is about: where this is root, the operator, its host and its agents of the setting
 * `bubblewrap-user` are an ordinary user, with a home of its own.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Attack, Setting } from './attack.ts';
import { type Finding, tryAll } from './runner.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** A user that nothing else on this machine is: what an attack does to its user reaches this fleet alone. */
const USER = 61_000 + (process.pid % 4_000);

export function trySetting(
  setting: Setting,
  attacks: readonly Attack[],
  say: (finding: Finding) => void = () => undefined,
): Promise<Finding[]> {
  const asRoot = process.getuid!() === 0;
  return setting === 'bubblewrap-user' && asRoot
    ? tryAsUser(setting, attacks)
    : tryAll(setting, attacks, say);
}

async function tryAsUser(setting: Setting, attacks: readonly Attack[]): Promise<Finding[]> {
  const home = fs.mkdtempSync(join(tmpdir(), 'ae-home-'));
  fs.chownSync(home, USER, USER);
  const as = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  const names = attacks.map(({ name }) => name).join(',');
  const command = [...as, process.execPath, MAIN, '--setting', setting, '--names', names, '--json'];
  const child = spawn(command[0]!, command.slice(1), {
    cwd: '/',
    env: { PATH: process.env.PATH, HOME: home, AETHER_TEST_DIST: process.env.AETHER_TEST_DIST },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  fs.rmSync(home, { recursive: true, force: true });
  const { findings, left } = JSON.parse(printed) as { findings: Finding[]; left: string[] };
  if (left.length > 0) throw new Error(left.join('\n'));
  return findings;
}

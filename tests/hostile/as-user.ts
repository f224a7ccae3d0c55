/**
 * One setting, tried as whom it is about: where this is root, the operator, its host and its agents of the setting
 * `bubblewrap-user` are an ordinary user, with a home of its own.
 */
import { fileURLToPath } from 'node:url';
import { isRoot, runAsUser } from '../support/ordinary-user.ts';
import type { Attack, Setting } from './attack.ts';
import { type Finding, tryAll } from './runner.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

export function trySetting(
  setting: Setting,
  attacks: readonly Attack[],
  say: (finding: Finding) => void = () => undefined,
): Promise<Finding[]> {
  return setting === 'bubblewrap-user' && isRoot
    ? tryAsUser(setting, attacks)
    : tryAll(setting, attacks, say);
}

async function tryAsUser(setting: Setting, attacks: readonly Attack[]): Promise<Finding[]> {
  const names = attacks.map(({ name }) => name).join(',');
  const args = ['--setting', setting, '--names', names, '--json'];
  const { printed } = await runAsUser({ main: MAIN, args, keep: true });
  const { findings, left } = JSON.parse(printed) as { findings: Finding[]; left: string[] };
  if (left.length > 0) throw new Error(left.join('\n'));
  return findings;
}

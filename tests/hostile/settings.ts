/** Which settings this machine and this user can have. */
import { existsSync } from 'node:fs';
import { probeBubblewrap } from '../../src/host/sandboxes/bubblewrap-probe.ts';
import type { Setting } from './attack.ts';

const isRoot = process.getuid!() === 0;

/** Why a setting cannot be had here; null: it can. */
export async function impossible(setting: Setting): Promise<string | null> {
  if (!existsSync('/usr/bin/python3')) return 'the attacks are Python, and /usr/bin/python3 is not there';
  if (setting === 'none') return null;
  if (setting === 'bubblewrap' && !isRoot) return 'it is of root, and this is an ordinary user';
  if (setting === 'bubblewrap-user' && isRoot && !existsSync('/usr/bin/setpriv'))
    return 'root becomes an ordinary user by setpriv, which is not there';
  const probe = await probeBubblewrap();
  return probe.usable ? null : (probe.missing[0]?.what ?? 'bubblewrap does not work');
}

/** Which settings this machine and this user can have. */
import { existsSync } from 'node:fs';
import { probeBubblewrap } from '../../src/host/sandboxes/bubblewrap-probe.ts';
import { isRoot, noOrdinaryUser } from '../support/ordinary-user.ts';
import type { Setting } from './attack.ts';

/** Why a setting cannot be had here; null: it can. */
export async function impossible(setting: Setting): Promise<string | null> {
  if (!existsSync('/usr/bin/python3')) return 'the attacks are Python, and /usr/bin/python3 is not there';
  if (setting === 'none') return null;
  if (setting === 'bubblewrap' && !isRoot) return 'it is of root, and this is an ordinary user';
  const noUser = setting === 'bubblewrap-user' ? noOrdinaryUser() : null;
  if (noUser !== null) return noUser;
  const probe = await probeBubblewrap();
  return probe.usable ? null : (probe.missing[0]?.what ?? 'bubblewrap does not work');
}

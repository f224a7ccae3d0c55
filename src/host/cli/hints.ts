/** Commands that are printed for people to type next: as they work from where this one was typed. */
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { Invocation } from './invocation.ts';

/** Completes `words` ('approvals answer ID') to a whole command line. */
export type Hint = (words: string) => string;

/** For a reader who has named no host. */
export const plainHint: Hint = (words) => `aether ${words}`;

export function hintFor(
  invoked: Invocation,
  environment: Record<string, string | undefined> = process.env,
): Hint {
  // Started by npm or npx: then nothing says that `aether` is on the PATH.
  const program = environment.npm_execpath ? 'npx aether' : 'aether';
  const options = optionsOf(invoked, environment.INIT_CWD ?? process.cwd());
  return (words) => `${program} ${words}${options}`;
}

/** The options with which another command finds this host from `cwd`. */
function optionsOf(invoked: Invocation, cwd: string): string {
  const beside = join(dirname(invoked.configFile), '.aether');
  if (invoked.stateDir !== beside) return ` --state ${near(invoked.stateDir, cwd)}`;
  return invoked.configNamed ? ` -f ${near(invoked.configFile, cwd)}` : '';
}

/** Relative where that is below the reader's own directory. */
function near(path: string, cwd: string): string {
  const from = relative(cwd, path);
  const shown = from === '' || from.startsWith('..') || isAbsolute(from) ? path : from;
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}

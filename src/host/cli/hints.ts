/** Commands that are printed for people to type next, in a form that works from the current directory. */
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { Invocation } from './invocation.ts';

/** Completes `words` ('approvals answer ID') to a whole command line. */
export type Hint = (words: string) => string;

let current: Hint = (words) => `aether ${words}`;

/** Once it is known which host this command is about: from then on `hint` names that one. */
export function useHint(known: Hint): void {
  current = known;
}

export const hint: Hint = (words) => current(words);

/**
 * Every `aether …` in backticks of `text` as it works where it is read. Its author — often the host —
 * cannot know how the reader named it. What names a host already, or asks for help only, stays as it is.
 */
export function completed(text: string, by: Hint = hint): string {
  return text.replace(/`aether ([a-z][^`\n]*)`/g, (whole, words: string) =>
    /(?:^| )(?:--help|--state|--file|-f)(?: |$)/.test(words) ? whole : `\`${by(words)}\``,
  );
}

/** How this command is started. Started by npm or npx: then nothing says that `aether` is on the PATH. */
export function programName(environment: Record<string, string | undefined> = process.env): string {
  return environment.npm_execpath ? 'npx aether' : 'aether';
}

export function hintFor(
  invoked: Invocation,
  environment: Record<string, string | undefined> = process.env,
): Hint {
  const program = programName(environment);
  const cwd = environment.INIT_CWD ?? process.cwd();
  return (words) => {
    const options = optionsOf(invoked, words, cwd);
    // Behind a `--` they would be text.
    const end = words.indexOf(' -- ');
    return end < 0
      ? `${program} ${words}${options}`
      : `${program} ${words.slice(0, end)}${options}${words.slice(end)}`;
  };
}

/** These read the file themselves; the others ask the host, which knows its own. */
const OF_THE_FILE = /^(?:init|plan|up|doctor)\b/;

/** The options with which another command, `words`, finds this host from `cwd`. */
function optionsOf(invoked: Invocation, words: string, cwd: string): string {
  // There -f follows, as everywhere else where logs are read.
  const option = /^logs\b/.test(words) ? '--file' : '-f';
  const file = invoked.configNamed ? ` ${option} ${near(invoked.configFile, cwd)}` : '';
  const beside = join(dirname(invoked.configFile), '.aether');
  if (invoked.stateDir === beside) return file;
  return `${OF_THE_FILE.test(words) ? file : ''} --state ${near(invoked.stateDir, cwd)}`;
}

/** Relative where that is below the reader's own directory. */
function near(path: string, cwd: string): string {
  const from = relative(cwd, path);
  const shown = from === '' || from.startsWith('..') || isAbsolute(from) ? path : from;
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}

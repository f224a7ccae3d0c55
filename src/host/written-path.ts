// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what is looked for.
/**
 * Paths that a person or a client wrote: `~` is expanded, and what only another program would have expanded is refused.
 * Taken literally, `$HOME/x`, `${workspaceFolder}/x` and `C:\x` become directories of that name below the working one.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { AetherError } from './errors.ts';
import { shortText } from './text.ts';

type Environment = Record<string, string | undefined>;

export interface PathFault {
  /** After the name of what is meant: "… holds ${HOME}". */
  why: string;
  next: string;
}

const WRITE_OUT = 'Write the path out, or begin it with ~/ for your home.';
/** Of VS Code and those that follow it. */
const OF_EDITORS =
  /^\$\{(workspace\w*|user\w*|cwd|file\w*|pathSeparator|execPath|(env|input|config|command):.*)\}$/;

/** Why it can be no path, or null. What exists literally by its absolute path is what was meant. */
export function pathFault(written: string): PathFault | null {
  if (written.trim() === '') return { why: 'it is empty', next: WRITE_OUT };
  if (/^~[^/]/.test(written))
    return {
      why: 'only your own home can be written with ~ (~ and ~/…), not another user’s',
      next: 'Write the path out.',
    };
  const fault = windowsFault(written) ?? variableFault(written) ?? controlFault(written);
  return fault !== null && isAbsolute(written) && existsSync(written) ? null : fault;
}

function windowsFault(written: string): PathFault | null {
  const next = 'Aether runs on Linux and macOS; write the path as it is there.';
  const drive = /^([A-Za-z]):(?=$|[\\/])/.exec(written);
  if (drive !== null) {
    const rest = written.slice(2).replaceAll('\\', '/');
    const inWsl = shortText(`/mnt/${drive[1]!.toLowerCase()}${rest}`, 200);
    return { why: 'it is a path of Windows', next: `In WSL it is ${inWsl}.` };
  }
  if (written.includes('\\')) return { why: 'it holds \\, which is no separator here', next };
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(written);
  return (
    scheme && { why: `it is an address (${scheme[0]}…)`, next: 'Write the path of a file or directory.' }
  );
}

function variableFault(written: string): PathFault | null {
  const [unexpanded] = /\$\{[^}]*\}?|\$\(.*|\$[A-Za-z_]\w*|%[A-Za-z_][\w()]*%/.exec(written) ?? [];
  if (unexpanded === undefined) return null;
  const editor = OF_EDITORS.test(unexpanded);
  const who = editor ? ', which this client does not expand' : ', which nothing expands here';
  return {
    why: `it holds ${shortText(unexpanded, 60)}${who}`,
    next: editor ? `${WRITE_OUT} Clients differ in the variables that they know.` : WRITE_OUT,
  };
}

function controlFault(written: string): PathFault | null {
  const [found] = /\p{Cc}/u.exec(written) ?? [];
  if (found === undefined) return null;
  const what = found === '\r' || found === '\n' ? 'a line break' : 'a control character';
  return { why: `it holds ${what}`, next: 'Remove it; a file with Windows line ends may have brought it.' };
}

/**
 * Absolute form of a path on a command line or in a variable.
 * @param what names it: '--state', 'AETHER_HOME'
 * @throws AetherError `usage.path`
 */
export function expandPath(what: string, written: string, base: string, environment: Environment): string {
  const fault = pathFault(written);
  if (fault !== null)
    throw new AetherError({
      code: 'usage.path',
      who: 'user',
      message: `${what} ${JSON.stringify(shortText(written, 120))} is not a usable path: ${fault.why}.`,
      next: fault.next,
    });
  return beneathHome(written, () => homeOf(environment)) ?? resolve(base, written);
}

/** `~` and `~/…` expanded; null where it begins otherwise. */
export function beneathHome(written: string, home: () => string): string | null {
  if (written === '~') return home();
  return written.startsWith('~/') ? join(home(), written.slice(2)) : null;
}

/** The user's home. @throws AetherError `usage.home` where HOME can be none, which is not looked at any further */
export function homeOf(environment: Environment): string {
  const home = environment.HOME ?? homedir();
  const fault = pathFault(home);
  if (fault !== null) throw unfit(home, fault.why);
  if (!isAbsolute(home)) throw unfit(home, 'it is not absolute');
  return home;
}

/**
 * What a host needs of it: engines keep their state there, and `~` stands for it.
 * @throws AetherError `usage.home`
 */
export function requireHome(environment: Environment): string {
  const home = homeOf(environment);
  let why = 'it is not a directory';
  try {
    if (statSync(home).isDirectory()) {
      why = 'you may not write there';
      accessSync(home, constants.W_OK | constants.X_OK);
      return home;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') why = 'there is no such directory';
  }
  throw unfit(home, why);
}

function unfit(home: string, why: string): AetherError {
  return new AetherError({
    code: 'usage.home',
    who: 'user',
    message: `HOME is ${JSON.stringify(shortText(home, 120))}, which cannot be your home: ${why}.`,
    next: 'Set HOME to your home directory, or to another directory that you can write to.',
  });
}

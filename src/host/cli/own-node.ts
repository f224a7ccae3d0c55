/**
 * The Node a host runs on: without an inspector, and without what NODE_OPTIONS would load into it or open in it.
 * An editor that debugs its terminals sets NODE_OPTIONS for everything started there, the host included, and an
 * inspector on loopback lets every process of the machine run code in the host.
 */
import { NO_INSPECTOR } from '../node-flags.ts';

/** Of Node itself; a port may be an argument of its own. */
const INSPECTOR = /^--(inspect|debug)([-_=]|$)/;
const PORT = /^--(inspect|debug)[-_]port$/;

/** What this process's Node was given on its command line, for a Node that runs a host. */
export function hostFlags(): string[] {
  const { execArgv } = process;
  const kept = execArgv.filter(
    (flag, index) => flag !== NO_INSPECTOR && !INSPECTOR.test(flag) && !PORT.test(execArgv[index - 1] ?? ''),
  );
  return [...kept, NO_INSPECTOR];
}

/** This process's environment, for a Node that runs a host. */
export function hostEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return env;
}

/** Starts this command again in this process (execve: same pid, same terminal) unless its Node is fit for a host. */
export function runOnHostNode(): void {
  const flags = hostFlags();
  if (flags.length !== process.execArgv.length || process.env.NODE_OPTIONS !== undefined) runAgain(flags);
}

/**
 * The same for a command that hosts nothing and runs for long, which saves a start of Node where nothing is wrong: that
 * this command listens to SIGUSR1 (main.ts) keeps the inspector closed from then on, as the flag would.
 */
export function runWithoutInspector(): void {
  const flags = hostFlags();
  const given = new Set([...process.execArgv, NO_INSPECTOR]);
  const open = process.getBuiltinModule('node:inspector').url() !== undefined;
  if (open || flags.length !== given.size || process.env.NODE_OPTIONS !== undefined) runAgain(flags);
}

function runAgain(flags: readonly string[]): void {
  process.execve!(
    process.execPath,
    [process.execPath, ...flags, ...process.argv.slice(1)],
    hostEnvironment(),
  );
}

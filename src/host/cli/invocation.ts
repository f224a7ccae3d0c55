/** One run of the command: which configuration and state directory it uses, and how to reach its host. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlClient, noHost } from '../control/client.ts';
import { AetherError, messageOf } from '../errors.ts';
import {
  configFileOf,
  recordedRuntimeDirectory,
  socketPaths,
  stateDirectoryOf,
  userStateDirectoryOf,
} from '../paths.ts';

export interface Invocation {
  /** Absolute; may not exist. */
  configFile: string;
  /** True when -f was given. */
  configNamed: boolean;
  /** Absolute; may not exist. */
  stateDir: string;
}

export interface GlobalOptions {
  file?: string;
  state?: string;
}

/** @throws AetherError `usage.directory` where it was removed: every relative path would be a path of nothing. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new AetherError(
      {
        code: 'usage.directory',
        who: 'user',
        message: 'The current directory no longer exists, or you may not enter it.',
        next: 'Change to another directory (`cd`, also if one of the same name was created again), then try again.',
      },
      { cause: error },
    );
  }
}

export function invocation(options: GlobalOptions): Invocation {
  const cwd = workingDirectory();
  const configFile = configFileOf(options.file, cwd, process.env);
  return {
    configFile,
    configNamed: options.file !== undefined,
    stateDir: stateDirectoryOf(options.state, configFile, cwd, process.env),
  };
}

/** For `aether mcp`, whose client starts it anywhere: -f or --state name a host, otherwise it is the user's own. */
export function userInvocation(options: GlobalOptions): Invocation {
  if (options.file !== undefined) return invocation(options);
  const cwd = workingDirectory();
  return {
    configFile: configFileOf(undefined, cwd, process.env),
    configNamed: false,
    stateDir: userStateDirectoryOf(options.state, cwd, process.env),
  };
}

/** @throws AetherError `usage.config` when there is no file where it was looked for. */
export function requireConfig(invoked: Invocation): void {
  const stat = statSync(invoked.configFile, { throwIfNoEntry: false });
  // A host would make its state directory beside it before it found out.
  if (stat?.isDirectory()) {
    throw new AetherError({
      code: 'usage.config',
      who: 'user',
      message: `${invoked.configFile} is a directory, not a configuration file.`,
      next: `Name the file in it: -f ${join(invoked.configFile, 'aether.yaml')}.`,
    });
  }
  if (stat) return;
  throw new AetherError({
    code: 'usage.config',
    who: 'user',
    message: `There is no configuration at ${invoked.configFile}.`,
    next: 'Make one with `aether init`, or name yours with -f FILE.',
  });
}

/**
 * The sockets of the host of this state directory, wherever that host put them.
 * @throws AetherError `host.absent`, or `usage.state` when it can be no directory
 */
export async function hostSockets(stateDir: string): Promise<{ control: string; client: string }> {
  if (!isDirectory(stateDir)) throw noHost(stateDir);
  const recorded = recordedRuntimeDirectory(stateDir);
  if (recorded !== null) return socketPaths(recorded);
  // Loaded only here: it takes Node's cryptography, a tenth of a short command.
  const { runtimeDirectory } = await import('../process/sockets.ts');
  return socketPaths(runtimeDirectory(stateDir));
}

/** False where nothing is yet. @throws AetherError `usage.state`, also where none could be made */
function isDirectory(path: string): boolean {
  let why = 'it is a file';
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return true;
    if (stat === undefined) {
      let above = dirname(path);
      while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
      if (statSync(above).isDirectory()) return false;
      why = `${above} is a file`;
    }
  } catch (error) {
    why = messageOf(error);
  }
  throw new AetherError({
    code: 'usage.state',
    who: 'user',
    message: `${path} cannot be the state directory: ${why}.`,
    next: 'Name a directory with --state DIR (or AETHER_HOME); a missing one is created.',
  });
}

/** @throws AetherError `host.absent`, `control.refused`, … */
export async function connectHost(invoked: Invocation): Promise<ControlClient> {
  return ControlClient.connect((await hostSockets(invoked.stateDir)).control, invoked.stateDir);
}

/** Null when no host runs. */
export async function findHost(invoked: Invocation): Promise<ControlClient | null> {
  try {
    return await connectHost(invoked);
  } catch (error) {
    if (error instanceof AetherError && error.code === 'host.absent') return null;
    throw error;
  }
}

/** Connects, does it, and lets go of the connection however it ends. */
export async function withHost<T>(
  invoked: Invocation,
  body: (client: ControlClient) => Promise<T>,
): Promise<T> {
  const client = await connectHost(invoked);
  try {
    return await body(client);
  } finally {
    client.close();
  }
}

/** This command's own program: TypeScript in a checkout under development, JavaScript where it was built. */
export const commandFile = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url));

/** The package's directory: the same three steps up from src/host/cli and from dist/host/cli. */
export const packageDirectory = fileURLToPath(new URL('../../../', import.meta.url));

export function version(): string {
  const text = readFileSync(`${packageDirectory}package.json`, 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * The files of a host: where its configuration and its state directory are, and what the state directory holds. One
 * place for the rule, because the command line, the host and the outside clients must all come to the same answer.
 */
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { readIfThere } from './files.ts';
import { expandPath, homeOf } from './written-path.ts';

/** A path and a line break. */
const NOTE_BYTES_MAX = 8 * 1024;

type Environment = Record<string, string | undefined>;

/**
 * @returns absolute path of the configuration: `-f FILE`, otherwise ./aether.yaml.
 * @throws AetherError `usage.path`, `usage.home`
 */
export function configFileOf(option: string | undefined, cwd: string, environment: Environment): string {
  return option === undefined ? join(cwd, 'aether.yaml') : expandPath('-f', option, cwd, environment);
}

/** The state directory that is named: `--state DIR`, then AETHER_HOME. Null: none is. */
function namedState(option: string | undefined, cwd: string, environment: Environment): string | null {
  if (option !== undefined) return expandPath('--state', option, cwd, environment);
  const { AETHER_HOME: named } = environment;
  return named ? expandPath('AETHER_HOME', named, cwd, environment) : null;
}

/** `--state DIR`, then AETHER_HOME, then `.aether/` beside the configuration. */
export function stateDirectoryOf(
  option: string | undefined,
  configFile: string,
  cwd: string,
  environment: Environment,
): string {
  return namedState(option, cwd, environment) ?? join(dirname(configFile), '.aether');
}

/**
 * The state directory of outside clients (`aether mcp`), who start from anywhere: `--state DIR`, then
 * AETHER_HOME, then the user's own ($XDG_STATE_HOME/aether, ~/.local/state/aether).
 */
export function userStateDirectoryOf(
  option: string | undefined,
  cwd: string,
  environment: Environment,
): string {
  const named = namedState(option, cwd, environment);
  if (named !== null) return named;
  // The XDG rule: a relative value is invalid and ignored.
  const base = environment.XDG_STATE_HOME;
  return base !== undefined && isAbsolute(base)
    ? join(base, 'aether')
    : join(homeOf(environment), '.local', 'state', 'aether');
}

/**
 * Where copies of engines' programs are kept (sandboxes/program-copies.ts): one place for all hosts of a user, because
 * they are large. $XDG_CACHE_HOME/aether/programs, ~/.cache/aether/programs.
 */
export function programCopiesDirectoryOf(environment: Environment): string {
  const base = environment.XDG_CACHE_HOME;
  const cache = base !== undefined && isAbsolute(base) ? base : join(homeOf(environment), '.cache');
  return join(cache, 'aether', 'programs');
}

/** What a state directory holds. */
export interface StatePaths {
  /** The SQLite database. */
  database: string;
  /** The host's log, JSON lines. */
  log: string;
  /** What a detached host printed before it had a log, or when it crashed. */
  out: string;
  /** Pid of the host, for people and scripts; the lock decides. */
  pid: string;
}

export function statePaths(stateDir: string): StatePaths {
  return {
    database: join(stateDir, 'aether.db'),
    log: join(stateDir, 'host.log'),
    out: join(stateDir, 'host.out'),
    pid: join(stateDir, 'host.pid'),
  };
}

/** The sockets in the runtime directory of a state directory (process/sockets.ts says where that is). */
export function socketPaths(runtimeDir: string): { control: string; client: string } {
  return { control: join(runtimeDir, 'control.sock'), client: join(runtimeDir, 'client.sock') };
}

/**
 * Where the host put its sockets, as it noted it down (process/sockets.ts): a client started by an editor or by
 * cron may not have its XDG_RUNTIME_DIR. Null when no host has run there, or when what it left no longer exists
 * (a reboot).
 */
export function recordedRuntimeDirectory(stateDir: string): string | null {
  const file = join(stateDir, 'sockets');
  const directory = readNote(file)?.trim() ?? '';
  // Not ours: its owner could pretend to be the host.
  const stat = isAbsolute(directory) ? lstatSync(directory, { throwIfNoEntry: false }) : undefined;
  const ours = stat?.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0;
  return ours ? directory : null;
}

/** A small file that the host wrote; null where none is, and where something else took its place. */
export function readNote(file: string): string | null {
  try {
    return readIfThere(file, NOTE_BYTES_MAX);
  } catch {
    return null;
  }
}

/**
 * The directory and those above it, for their owner only. Not mkdir's own `recursive`: where the system answers
 * "no such file" to a mkdir, as /proc does, that one tries for ever.
 * @throws the system's error
 */
export function makeDirectories(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
  makeDirectories(dirname(dir));
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

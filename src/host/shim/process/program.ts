/**
 * Finds the program before it is forked for: a missing file, a missing directory or a lost x-bit is then one
 * clear sentence, the same on pipes and on a terminal, and not an exit code.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { ProcessSpec } from '../shim-protocol.ts';
import { SpawnFailed } from './child.ts';

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** @returns the absolute path of argv[0], searched in the PATH of the spec's own environment */
export function findProgram(spec: ProcessSpec): string {
  const name = spec.argv[0];
  if (!name) throw new SpawnFailed('The command is empty.');
  const texts = [...spec.argv, ...Object.entries(spec.env).flat()];
  if (texts.some((text) => text.includes('\0'))) {
    throw new SpawnFailed('An argument or a variable of the environment contains a zero byte.');
  }
  if (!isAbsolute(spec.cwd) || !statSync(spec.cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new SpawnFailed(`The working directory ${spec.cwd} does not exist.`);
  }
  if (name.includes('/')) {
    const path = resolve(spec.cwd, name);
    const problem = problemOf(path);
    if (problem) throw new SpawnFailed(`The program ${path} ${problem}.`);
    return path;
  }
  const search = spec.env.PATH ?? DEFAULT_PATH;
  for (const directory of search.split(':')) {
    const path = join(resolve(spec.cwd, directory), name);
    if (problemOf(path) === null) return path;
  }
  throw new SpawnFailed(`The program ${name} is not in PATH (${search}).`);
}

function problemOf(path: string): string | null {
  try {
    if (!statSync(path).isFile()) return 'is not a file';
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
    if (code === 'EACCES') return 'may not be executed';
    return `cannot be examined (${code})`;
  }
}

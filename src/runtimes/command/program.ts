/** Finds the program of `runtime: command`, before anything is started. */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { scriptFault } from '../../host/script.ts';
import type { Fault } from '../definition.ts';

/** What `command` is stored as. */
export interface CommandOptions {
  /** The program, absolute or a name for PATH, and its arguments. */
  command: string[];
  /** URLs of its model. */
  endpoints?: string[];
  /** Name of the adapter of a known program. */
  adapter?: string;
  /** What happens to a message of several lines when the program does not take it as one. Absent: refuse. */
  multiline?: Multiline;
}

export const MULTILINE = ['refuse', 'join', 'type'] as const;
export type Multiline = (typeof MULTILINE)[number];

/**
 * @param command the program (a name for PATH, or an absolute path) and its arguments
 * @param path PATH of the agent
 * @returns the same with the program's absolute path, or why it cannot be run
 */
export function resolveCommand(command: readonly string[], path: string): string[] | Fault {
  const [program = '', ...args] = command;
  const fault = (message: string, next: string): Fault => ({
    code: 'binary-missing',
    path: ['command'],
    message,
    next,
  });
  const interpreted = (script: string): Fault | null => {
    const why = scriptFault(script);
    return why === null ? null : fault(why.message, why.next);
  };
  if (program.includes('/')) {
    const state = look(program);
    if (state === 'runs') return interpreted(program) ?? [program, ...args];
    if (state === 'closed') return fault(`${program} may not be executed.`, `Run \`chmod +x ${program}\`.`);
    return fault(
      state === 'directory' ? `${program} is a directory, not a program.` : `There is no program ${program}.`,
      'Correct the path in `command:`; it is relative to the configuration file.',
    );
  }
  const found = path
    .split(delimiter)
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, program))
    .find((candidate) => look(candidate) === 'runs');
  if (found) return interpreted(found) ?? [found, ...args];
  return fault(
    `There is no program ${JSON.stringify(program)} on PATH.`,
    'Install it, write its path, or set PATH below `env:`.',
  );
}

function look(file: string): 'runs' | 'closed' | 'directory' | 'missing' {
  const stat = statOf(file);
  if (!stat) return 'missing';
  if (stat.isDirectory()) return 'directory';
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return 'closed';
  }
  // For root, access() says yes to a file with one x bit only: that is also what exec asks.
  return 'runs';
}

/** Undefined where nothing is, or nothing that can be reached. */
function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // a loop of links, a closed directory, a name too long
  }
}

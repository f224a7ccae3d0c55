/** The bwrap program of this machine, and which of the options that boxes use it has. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

export interface BubblewrapProgram {
  path: string;
  /** '0.8.0'; null where it does not say. */
  version: string | null;
  /** Its options, without dashes. */
  options: ReadonlySet<string>;
}

/** Before PATH, on which a directory of the user's may stand first. */
const USUAL = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/run/current-system/sw/bin/bwrap'];
const ANSWER_MS = 5_000;

let known: { program: BubblewrapProgram; changed_ms: number } | null = null;

/** null where there is none that runs. Asked again only once the file has changed. */
export function bubblewrapProgram(path = process.env.PATH ?? ''): BubblewrapProgram | null {
  const found = find(path);
  if (found === null) return null;
  const changed_ms = statSync(found).mtimeMs;
  if (known?.program.path === found && known.changed_ms === changed_ms) return known.program;
  try {
    const program = ask(found);
    known = { program, changed_ms };
    return program;
  } catch {
    return null; // it does not run: what is said of one that is missing mends this too
  }
}

function find(path: string): string | null {
  if (process.platform !== 'linux') return null;
  const onPath = path.split(delimiter).flatMap((dir) => (isAbsolute(dir) ? [join(dir, 'bwrap')] : []));
  return [...USUAL, ...onPath].find(isExecutable) ?? null;
}

function ask(path: string): BubblewrapProgram {
  const answer = (option: string) =>
    execFileSync(path, [option], {
      encoding: 'utf8',
      timeout: ANSWER_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const options = new Set([...answer('--help').matchAll(/^\s+--([a-z0-9-]+)/gm)].map(([, name]) => name!));
  return { path, version: /(\d+(?:\.\d+)+)/.exec(answer('--version'))?.[1] ?? null, options };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // which is the answer
  }
}

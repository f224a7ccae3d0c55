/**
 * Directories that no agent may write, in any sandbox: what is changed there later runs as the operator, outside any
 * sandbox.
 */
import { type Dir, opendirSync, type Stats, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isWithin, realPath } from './paths.ts';

export interface Unfit {
  /** After the name of what is meant: "… holds Aether's own program". */
  message: string;
  next: string;
}

const OWN =
  'Give the agent a directory of its own (left out, it is workspaces/NAME beside the configuration)';

/** Of the package that this program is in. */
const PACKAGE = realPath(fileURLToPath(new URL('../../../', import.meta.url)));
/** What of it is run. The rest (docs, an example's workspaces) is not run. */
const PROGRAM = ['dist', 'src', 'node_modules'].map((name) => join(PACKAGE, name));

/** npm puts these on PATH for its own children; the host takes them off again (withoutWorkspaces). */
const OF_NPM = /\/node_modules\/\.bin$/;

/** @param path absolute. @returns why no agent may write there, or null */
export function unfitToWrite(
  path: string,
  home: string,
  searched: string | undefined = process.env.PATH,
): Unfit | null {
  const real = realPath(path);
  if (real === '/') return { message: 'is the whole file system', next: `${OWN}.` };
  const realHome = realPath(home);
  if (isWithin(realHome, real))
    return {
      message: `${real === realHome ? 'is' : 'holds'} your whole home, with your keys and what your shell starts`,
      next: `${OWN}, or name one project below ${home}.`,
    };
  const program = [...PROGRAM, join(PACKAGE, 'templates'), realPath(process.execPath)];
  const held =
    program.find((place) => isWithin(place, real)) ?? PROGRAM.find((place) => isWithin(real, place));
  if (held !== undefined)
    return {
      message: `${isWithin(held, real) ? 'holds' : 'lies in'} Aether's own program (${held}), which runs as you`,
      next: 'Run an Aether that is installed elsewhere (`npx -y aether-host`), or give the agent a clone of this directory.',
    };
  const bin = searchedIn(searched).find((place) => isWithin(place, real) && !OF_NPM.test(place));
  if (bin !== undefined)
    return {
      message: `holds ${bin}, a directory of PATH: what is put there runs as you`,
      next: `${OWN}, or take ${bin} off PATH where aether is started.`,
    };
  return null;
}

/** PATH less what lies in directories that agents write: npm adds node_modules/.bin of a project for what it starts. */
export function withoutWorkspaces(searched: string, workspaces: readonly string[]): string {
  const real = workspaces.map(realPath);
  return searched
    .split(delimiter)
    .filter((entry) => !real.some((workspace) => isWithin(realPath(resolve(entry)), workspace)))
    .join(delimiter);
}

function searchedIn(searched: string | undefined): string[] {
  // An empty entry is the working directory.
  return (searched ?? '').split(delimiter).flatMap((entry) => {
    const place = realPath(resolve(entry));
    return statOf(place)?.isDirectory() ? [place] : [];
  });
}

/** null where nothing is, and where this user may not look: then no agent of this user gets there either. */
function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** How far the state of other fleets is looked for: an agent can put any number of directories there. */
const DEPTH_MAX = 3;
const ENTRIES_MAX = 2_000;

/**
 * The state of another fleet below a workspace: the agent could rewrite what that fleet's host believes.
 * @param own state directories that belong to this fleet
 */
export function fleetBelow(workspace: string, own: readonly string[]): Unfit | null {
  const top = realPath(workspace);
  const mine = own.map(realPath);
  let left = ENTRIES_MAX;
  const queue = [{ at: top, depth: 0 }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const name of directoriesIn(next.at, left)) {
      left -= 1;
      const place = join(next.at, name);
      if (name === '.aether' && !mine.includes(place) && holdsFleet(place))
        return {
          message: `holds ${place}, the state of another fleet`,
          next: `${OWN}, or move ${dirname(place)} out of it. If there is no such fleet any more, remove ${place}.`,
        };
      if (next.depth + 1 < DEPTH_MAX && name !== 'node_modules' && !name.startsWith('.'))
        queue.push({ at: place, depth: next.depth + 1 });
    }
    if (left <= 0) return null;
  }
  return null;
}

function holdsFleet(place: string): boolean {
  return statOf(join(place, 'aether.db'))?.isFile() === true;
}

/** No links are followed. */
function directoriesIn(path: string, count_max: number): string[] {
  let dir: Dir;
  try {
    dir = opendirSync(path);
  } catch {
    return []; // not there, or not ours to read
  }
  const found: string[] = [];
  try {
    for (let seen = 0; seen < count_max; seen += 1) {
      const entry = dir.readSync();
      if (entry === null) break;
      if (entry.isDirectory()) found.push(entry.name);
    }
  } finally {
    dir.closeSync();
  }
  return found;
}

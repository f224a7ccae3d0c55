/**
 * The paths that a box shows read-only inside what its processes may write: what engines load when they start, and what
 * git runs for the operator outside. An agent could create a path that is missing, and a mount needs a target: while
 * the run lives an empty directory stands there, which git does not see, or a file that tells git what it would do
 * without that file. An explicit `write:` makes a path writable.
 */
import { lstatSync, type Stats } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { LoadedPath, RunPlace, Runtime } from '../../../runtimes/runtime.ts';
import { makeBeneath, makeFileBeneath, removeEmptyBeneath, removeFileBeneath } from '../../beneath.ts';
import type { AgentConfig } from '../../config/types.ts';
import { AetherError } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { within } from '../../sandboxes/mounts.ts';
import type { RunSandbox } from '../../store/run-sandbox.ts';
import { worktreesOf } from './worktrees.ts';

/**
 * Of a repository: programs that git runs, settings that name such programs, and where git looks for both: in another
 * directory, if `commondir` names one.
 */
const GIT_RUNS = ['hooks', 'config', 'config.worktree', 'commondir'];
/** Which of them are files, and what stands in such a one that is not there. */
const FILES = new Map([
  ['config', ''],
  ['config.worktree', ''],
  ['commondir', '.\n'],
]);
const WORKTREES = 'worktrees';
/** Of each linked worktree. Its `commondir` leads to the repository, its `gitdir` says whose it is. */
const OF_A_WORKTREE = ['commondir', 'gitdir', 'config.worktree'];
/** Where these are, the directory is a repository without a workspace. */
const OF_A_REPOSITORY = ['HEAD', 'objects', 'refs'];

export interface Kept {
  /** Shown read-only. */
  paths: string[];
  /** Those of them that are not there yet. */
  missing: string[];
}

/** From where the engines of these agents load more than data; one that this version does not have loads nothing. */
export function loadedByAll(
  agents: readonly AgentConfig[],
  runtime: (name: string) => Pick<Runtime, 'loadsFrom'>,
  place: (agent: string) => RunPlace,
): LoadedPath[] {
  return agents.flatMap((agent) => {
    try {
      return runtime(agent.runtime).loadsFrom?.(agent, place(agent.name)) ?? [];
    } catch (error) {
      if (error instanceof AetherError && error.code === 'runtime.unknown') return [];
      throw error;
    }
  });
}

/** @param write what the box's processes may write @param stateDir what lies in it is made again for each start */
export function keptOf(write: readonly string[], loaded: readonly LoadedPath[], stateDir: string): Kept {
  // A workspace that is not there yet is made before the start.
  const tops = write.filter((path) => !within(path, stateDir) && (statOf(path)?.isDirectory() ?? true));
  const kept: Kept = { paths: [], missing: [] };
  const keep = (path: string, top: string, make: boolean) => {
    if (write.includes(path) || kept.paths.includes(path)) return;
    const found = look(path, top);
    if (found === 'odd' || (found === 'missing' && !make)) return;
    if (kept.paths.length === limits.sandbox_kept_max) return;
    kept.paths.push(path);
    if (found === 'missing') kept.missing.push(path);
  };
  for (const { path } of loaded) {
    if (within(path, stateDir)) continue;
    const top = tops.find((one) => one !== path && within(path, one));
    if (top !== undefined) keep(path, top, true);
  }
  const repositories: { repository: string; top: string }[] = [];
  for (const top of tops) {
    const own = join(top, '.git');
    const repository = OF_A_REPOSITORY.every((name) => statOf(join(top, name)) !== undefined) ? top : own;
    if (repository === own && statOf(own)?.isFile() === true) keep(own, top, false);
    for (const name of GIT_RUNS) keep(join(repository, name), top, true);
    repositories.push({ repository, top });
  }
  // After the rest: how many there are an agent can have a part in.
  for (const { repository, top } of repositories) {
    const trees = worktreesOf(repository, top, write);
    if (trees === null) keep(join(repository, WORKTREES), top, false);
    for (const tree of trees ?? [])
      for (const name of OF_A_WORKTREE) keep(join(tree, name), top, name === 'config.worktree');
  }
  return kept;
}

/** Makes what is not there, for the mount. @returns what has to be removed at the end: also what another live run made */
export function makeKept(
  { paths, missing }: Kept,
  write: readonly string[],
  live: readonly RunSandbox[],
): string[] {
  for (const path of missing) {
    const top = topOf(path, write);
    if (top !== undefined) makePlace(top, path);
  }
  const others = new Set(live.flatMap(({ made = [] }) => made));
  return [...missing, ...paths.filter((path) => others.has(path))];
}

/**
 * A process outside has removed it while the run lives: it could be made inside.
 * @returns false where nothing can stand there
 */
export function makeAgain(path: string, { boxes, kept = [] }: RunSandbox): boolean {
  const top = topOf(
    path,
    boxes.flatMap((box) => box.write),
  );
  if (top === undefined || !kept.includes(path) || namesRepository(path)) return false;
  return makePlace(top, path);
}

/** Only git knows what such a file of a linked worktree has to say. */
const namesRepository = (path: string): boolean =>
  ['.git', 'gitdir', WORKTREES].includes(basename(path)) ||
  (basename(path) === 'commondir' && basename(dirname(dirname(path))) === WORKTREES);

/** @returns false where nothing can stand there */
function makePlace(top: string, path: string): boolean {
  const content = FILES.get(basename(path));
  if (content !== undefined) return makeFileBeneath(top, relative(top, path), content);
  makeBeneath(top, relative(top, path));
  return true;
}

function removePlace(top: string, path: string): void {
  const content = FILES.get(basename(path));
  if (content === undefined) removeEmptyBeneath(top, relative(top, path));
  else removeFileBeneath(top, relative(top, path), content);
}

/** The run has ended: what stood there only for its mounts goes, unless another live run needs it or something is in it. */
export function removeKept({ made = [], boxes }: RunSandbox, live: readonly RunSandbox[]): void {
  const needed = new Set(live.flatMap(({ kept = [] }) => kept));
  const write = boxes.flatMap((box) => box.write);
  for (const path of made) {
    const top = topOf(path, write);
    if (top !== undefined && !needed.has(path)) removePlace(top, path);
  }
}

const topOf = (path: string, write: readonly string[]): string | undefined =>
  write.find((one) => one !== path && within(path, one));

/** What cannot be mounted over is left out: a link, a pipe, what lies behind a link or in a directory that is not there. */
function look(path: string, top: string): 'there' | 'missing' | 'odd' {
  for (let at = dirname(path); at !== top; at = dirname(at))
    if (statOf(at)?.isDirectory() !== true) return 'odd';
  const stat = statOf(path);
  if (stat === undefined) return 'missing';
  return stat.isDirectory() || stat.isFile() ? 'there' : 'odd';
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // behind what is no directory, or closed to this user
  }
}

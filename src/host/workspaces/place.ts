/**
 * Where an agent works, for what is remembered of a repository or a branch: by the directory that its configuration
 * names. What stands in `.git` is hostile: it says which branch, but never makes a directory part of a repository that
 * does not name it as its worktree.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isFileBeneath, readBeneath } from '../beneath.ts';
import type { Clock } from '../clock.ts';

export interface WorkPlace {
  /** Stable id of the repository, or of the directory where there is none. */
  workspace: string;
  /** Null where no branch is checked out. */
  branch: string | null;
}

const FILE_BYTES_MAX = 4 * 1024;
const BRANCH = /^ref: refs\/heads\/([^\s\p{Cc}]{1,200})\n?$/u;
/** Then it is read again. */
const KNOWN_MS = 1_000;
const KNOWN_MAX = 1_000;

export class WorkPlaces {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #known = new Map<string, { place: WorkPlace; at_ms: number }>();

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  of(directory: string): WorkPlace {
    const now = this.#clock.elapsed();
    const known = this.#known.get(directory);
    if (known !== undefined && now - known.at_ms < KNOWN_MS) return known.place;
    const place = placeOf(directory);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(directory, { place, at_ms: now });
    return place;
  }
}

export function placeOf(directory: string): WorkPlace {
  for (let top = resolve(directory); ; top = dirname(top)) {
    if (isFileBeneath(top, join('.git', 'HEAD'))) return placed(top, branchIn(top, join('.git', 'HEAD')));
    const worktree = isFileBeneath(top, '.git') ? worktreeAt(top) : null;
    if (worktree !== null) return worktree;
    if (dirname(top) === top) return placed(resolve(directory), null);
  }
}

/** Null where the repository does not say that this is a worktree of it. */
function worktreeAt(top: string): WorkPlace | null {
  const said = /^gitdir: (.+)$/m.exec(read(top, '.git') ?? '')?.[1];
  if (said === undefined) return null;
  const own = resolve(top, said.trim());
  const common = dirname(dirname(own));
  const repository = basename(common) === '.git' ? dirname(common) : common;
  if (dirname(own) !== join(common, 'worktrees')) return null;
  const below = relative(repository, own);
  const named = read(repository, join(below, 'gitdir'));
  if (named === null || resolve(own, named.trim()) !== join(top, '.git')) return null;
  return placed(repository, branchIn(repository, join(below, 'HEAD')));
}

const placed = (top: string, branch: string | null): WorkPlace => ({
  workspace: createHash('sha256').update(top.split(sep).join('/')).digest('base64url'),
  branch,
});

const branchIn = (root: string, head: string): string | null =>
  BRANCH.exec(read(root, head) ?? '')?.[1] ?? null;

function read(root: string, path: string): string | null {
  try {
    return readBeneath(root, path, FILE_BYTES_MAX)?.toString() ?? null;
  } catch {
    return null; // a link, a directory, or too much
  }
}

/**
 * The linked worktrees of a repository in which git is run by others than the agent that can write the repository: they
 * lie where it cannot write, or are shown to it with a `.git` that it cannot change. What the repository says of its
 * worktrees an agent can have made up; so it counts only where the worktree itself names the repository.
 */
import { opendirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { readBeneath } from '../../beneath.ts';
import { readIfThere } from '../../files.ts';
import { within } from '../../sandboxes/mounts.ts';

/** An agent can make more, and each is read: then it cannot be told. */
const LOOKED_AT_MAX = 1_000;
const PATH_BYTES_MAX = 8 * 1024;

/** @returns directories of `repository`, or null where there are too many to look at */
export function worktreesOf(repository: string, top: string, write: readonly string[]): string[] | null {
  const all = join(repository, 'worktrees');
  const names = namesIn(all);
  if (names.length > LOOKED_AT_MAX) return null;
  return names
    .map((name) => join(all, name))
    .filter((own) => {
      const file = fileOf(own, top);
      if (file === null) return false;
      const agents = write.some((one) => within(file, one)) && !write.includes(dirname(file));
      return !agents && namedBy(file) === own;
    });
}

/** The `.git` of the worktree itself. */
function fileOf(own: string, top: string): string | null {
  try {
    const said = readBeneath(top, relative(top, join(own, 'gitdir')), PATH_BYTES_MAX);
    return said === null ? null : resolve(own, said.toString().trim());
  } catch {
    return null; // a link, or no file
  }
}

function namedBy(file: string): string | null {
  try {
    const said = /^gitdir: (.+)/.exec(readIfThere(file, PATH_BYTES_MAX) ?? '')?.[1];
    return said === undefined ? null : resolve(dirname(file), said.trim());
  } catch {
    return null;
  }
}

function namesIn(path: string): string[] {
  const names: string[] = [];
  try {
    const directory = opendirSync(path);
    try {
      while (names.length <= LOOKED_AT_MAX) {
        const entry = directory.readSync();
        if (entry === null) break;
        names.push(entry.name);
      }
    } finally {
      directory.closeSync();
    }
  } catch {
    // there is none
  }
  return names.sort();
}

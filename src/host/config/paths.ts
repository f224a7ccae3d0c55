/** How paths in aether.yaml are read: `~` is the user's home, everything else is relative to the file. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { beneathHome } from '../written-path.ts';

/** Absolute form of a path written in the file. */
export function resolvePath(written: string, dir: string, home: string): string {
  return beneathHome(written, () => home) ?? resolve(dir, written);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false; // nothing is there
  }
}

/** Why a directory cannot be used or made at a path, or null. */
export function directoryFault(path: string): { message: string; next: string } | null {
  for (let at = path; ; at = dirname(at)) {
    try {
      const stat = statSync(at, { throwIfNoEntry: false });
      if (stat?.isDirectory()) return null;
      if (!stat && isLink(at))
        return {
          message: `${at} is a link to nothing`,
          next: 'Make the directory it points to, or name another.',
        };
      if (stat)
        return {
          message: `${at} is a file`,
          next: 'Name a directory; it is created when it is missing.',
        };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return {
        message:
          code === 'EACCES'
            ? `you may not enter ${at}`
            : code === 'ELOOP'
              ? `${at} is a link that leads back to itself`
              : `${at} cannot be reached (${code})`,
        next: 'Name a directory that you can write to.',
      };
    }
    if (at === dirname(at)) return null;
  }
}

/**
 * The path with every symbolic link resolved, also when its end does not exist yet: what two spellings of one
 * directory have in common.
 */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Missing, or not readable: the nearest parent that resolves decides.
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

/** Both absolute, links resolved. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}

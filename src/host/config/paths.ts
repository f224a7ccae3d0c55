/** How paths in aether.yaml are read: `~` is the user's home, everything else is relative to the file. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Absolute form of a path written in the file. */
export function resolvePath(written: string, dir: string, home: string): string {
  if (written === '~') return home;
  if (written.startsWith('~/')) return join(home, written.slice(2));
  return resolve(dir, written);
}

/** Why a written path cannot be used, or null. */
export function pathFault(written: string): string | null {
  if (/^~[^/]/.test(written)) return 'Only ~ and ~/… are understood, not another user’s home.';
  if (written.includes('${'))
    return 'Variables are expanded in env only; write the path out, or start it with ~/.';
  return null;
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

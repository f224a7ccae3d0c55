/**
 * Paths of the file tools. A path is resolved to where it really is, symbolic links included, before anything is
 * opened, and refused when that is outside the workspace. This contains mistakes of a model; it does not confine a
 * command that the same agent may run.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

export class Workspace {
  readonly #root: string;

  /** @param root absolute path of the workspace */
  constructor(root: string) {
    this.#root = root;
  }

  /** The path as permission rules see it: relative to the workspace, without `..` where it stays inside. */
  name(path: string): string {
    return relative(this.#root, resolve(this.#root, path)) || '.';
  }

  /**
   * Where a path really is. What does not exist yet is placed by the nearest directory that does.
   * @throws Error when that is outside the workspace
   */
  async locate(path: string): Promise<string> {
    if (path.includes('\0')) throw new Error('A path cannot contain a NUL character.');
    const root = await realpath(this.#root);
    let existing = resolve(root, isAbsolute(path) ? this.#moved(root, path) : path);
    const missing: string[] = [];
    for (;;) {
      const real = await realpathOrNull(existing);
      if (real !== null) {
        const located = join(real, ...missing);
        if (real !== root && !real.startsWith(root + sep)) {
          throw new Error(`${path} is outside the workspace ${this.#root}. Use a path inside it.`);
        }
        return located;
      }
      if (dirname(existing) === existing) throw new Error(`${path} cannot be resolved.`);
      missing.unshift(basename(existing));
      existing = dirname(existing);
    }
  }

  /** Opens a regular file. The last component may not have become a link since it was located. */
  async open(located: string, flags: number): Promise<FileHandle> {
    const file = await open(located, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o666);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new Error(`${this.name(located)} is not a regular file.`);
  }

  /** An absolute path through the workspace's own name, which may itself be a link. */
  #moved(root: string, path: string): string {
    const inside = relative(this.#root, path);
    return inside.startsWith('..') || isAbsolute(inside) ? path : join(root, inside);
  }
}

/** null when nothing is there; a dangling link counts as outside, because its target decides. */
async function realpathOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const stat = await lstat(path).catch(() => null);
    if (stat?.isSymbolicLink()) throw new Error(`${path} is a link to nothing. Remove the link first.`);
    return null;
  }
}

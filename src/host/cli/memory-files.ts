/**
 * The files of `aether memory import` and `export`. A folder to import may be of an agent, or of a repository: nothing in
 * it is followed out of it, and all of it is bounded.
 */
import { mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isFileBeneath, listBeneath, readBeneath } from '../beneath.ts';
import { AetherError, messageOf } from '../errors.ts';
import { readFileNow } from '../files.ts';
import { limits } from '../limits.ts';
import type { TextFile } from '../memory/formats/portable.ts';

/** Directories below the one that is named. */
const DEPTH_MAX = 3;

export interface Given {
  files: TextFile[];
  folder: boolean;
}

/** @throws AetherError `memory.file` */
export function filesAt(path: string): Given {
  const from = resolve(path);
  try {
    if (!statSync(from).isDirectory())
      return {
        folder: false,
        files: [
          {
            name: basename(from),
            text: textOf(readFileNow(from, { bytes_max: limits.memory_import_bytes_max, links: 'followed' })),
          },
        ],
      };
    return { folder: true, files: filesBeneath(realpathSync(from)) };
  } catch (error) {
    if (error instanceof AetherError) throw error;
    throw unusable(from, messageOf(error));
  }
}

function filesBeneath(folder: string): TextFile[] {
  const files: TextFile[] = [];
  const [root, top] = [dirname(folder), basename(folder)];
  const waiting = [top];
  let left = limits.memory_import_bytes_max;
  for (let dir = waiting.shift(); dir !== undefined; dir = waiting.shift())
    for (const name of namesIn(root, dir)) {
      const path = join(dir, name);
      if (isFileBeneath(root, path)) {
        if (!/\.(md|markdown)$/i.test(name)) continue;
        const bytes = readBeneath(root, path, left);
        if (bytes === null) continue;
        left -= bytes.length;
        files.push({ name: path.slice(top.length + 1), text: textOf(bytes) });
        if (files.length > limits.memory_import_files_max)
          throw unusable(folder, `it holds more than ${limits.memory_import_files_max} files`);
      } else if (path.split('/').length <= DEPTH_MAX + 1 && !name.startsWith('.')) waiting.push(path);
    }
  return files;
}

/** None of what is no directory, or a link to one. */
function namesIn(root: string, dir: string): string[] {
  try {
    return listBeneath(root, dir) ?? [];
  } catch {
    return [];
  }
}

const textOf = (bytes: Buffer): string => bytes.toString('utf8').toWellFormed();

const unusable = (path: string, why: string): AetherError =>
  new AetherError({
    code: 'memory.file',
    who: 'user',
    message: `${path} cannot be imported: ${why}.`,
    next: `Name a file of up to ${limits.memory_import_bytes_max / 1024 / 1024} MB, or a folder of Markdown files.`,
  });

/** @param path an existing file is not replaced, unless `force`. @throws AetherError `memory.file-exists` */
export function writeFiles(
  path: string,
  files: readonly TextFile[],
  folder: boolean,
  force: boolean,
): string[] {
  const to = resolve(path);
  if (folder) mkdirSync(to, { recursive: true, mode: 0o700 });
  return files.map(({ name, text }) => {
    const file = folder ? join(to, name) : to;
    try {
      writeFileSync(file, text, { mode: 0o600, flag: force ? 'w' : 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new AetherError({
        code: 'memory.file-exists',
        who: 'user',
        message: `${file} exists already.`,
        next: 'Name another place, or replace it with --force.',
      });
    }
    return file;
  });
}

/** Programs of this machine that some tests look for. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Every executable of that name on PATH, in order. */
export function programs(name: string): string[] {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .filter((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false; // not in this directory
      }
    });
}

/** A Node on PATH that is older than what Aether needs; null where there is none. */
export function oldNode(): string | null {
  return (
    programs('node').find((file) => {
      const version = execFileSync(file, ['--version'], { encoding: 'utf8' });
      return Number(/^v(\d+)/.exec(version)?.[1]) < 24;
    }) ?? null
  );
}

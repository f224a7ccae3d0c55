/** Programs of this machine that some tests need, and how a test says that it cannot run without one. */
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

/**
 * True where the test command has found out, and said loudly, that this cannot be had here ('chromium',
 * 'engines'). For `skipIf`: a test that is started by hand runs, and fails where something is missing.
 */
export function isWithout(name: string): boolean {
  return (process.env.AETHER_TEST_WITHOUT ?? '').split(',').includes(name);
}

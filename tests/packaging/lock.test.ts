/**
 * The lock files, for machines other than the one that wrote them: npm leaves out optional packages that it could
 * not see, and then `npm ci` refuses everywhere; and it forgets `gypfile: false`, and then compiles for minutes
 * what is there ready-made.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../src/build/build.mjs';

interface Locked {
  version?: string;
  resolved?: string;
  gypfile?: boolean;
  hasInstallScript?: boolean;
  optionalDependencies?: Record<string, string>;
}
type Packages = Record<string, Locked>;

/** Where npm would find `name` for the package at `from`: its own node_modules, then those further out. */
function find(packages: Packages, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (packages[path]) return path;
    if (at === '') return undefined;
  }
}

function missingOptional(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter((name) => find(packages, path, name) === undefined)
      .map((name) => `${path} → ${name}`),
  );
}

describe.each([
  'package-lock.json',
  'tests/engines/package-lock.json',
  'tests/bench/supervisors/package-lock.json',
  'tests/programs/installed/package-lock.json',
])('%s', (file) => {
  const { packages } = JSON.parse(readFileSync(join(root, file), 'utf8')) as { packages: Packages };

  it('knows the optional packages of every platform', () => {
    expect(missingOptional(packages)).toEqual([]);
  });

  it('names no registry', () => {
    expect(Object.values(packages).filter((one) => one.resolved !== undefined)).toEqual([]);
  });

  it('makes npm compile nothing', () => {
    const directory = join(root, file.replace('package-lock.json', ''));
    const compiled = Object.entries(packages).filter(
      ([path, one]) =>
        path !== '' &&
        existsSync(join(directory, path, 'binding.gyp')) &&
        one.gypfile !== false &&
        one.hasInstallScript !== true,
    );
    expect(compiled.map(([path]) => path)).toEqual([]);
  });
});

it('would notice what is missing', () => {
  const packages: Packages = {
    'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0', 'a-darwin': '1.0.0' } },
    'node_modules/a/node_modules/a-linux': { version: '1.0.0' },
  };
  expect(missingOptional(packages)).toEqual(['node_modules/a → a-darwin']);
});

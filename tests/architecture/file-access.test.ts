/** No file of src/ touches files by a path unless it is said whose they are. */
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { FILE_ACCESS, REASONS } from './file-access.ts';
import { importsOf, readSource } from './imports.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const files = globSync('**/*.{ts,tsx,cts,mts}', { cwd: SRC }).sort();

/** Also by require, as programs of one file do. */
function touchesFiles(file: string, source: string): boolean {
  if (/require\('(?:node:)?fs(?:\/promises)?'\)/.test(source)) return true;
  return importsOf(file, source).some(({ specifier }) => /^(?:node:)?fs(?:\/promises)?$/.test(specifier));
}

it('is listed with a reason for every file that does, and for no other', () => {
  const touching = files.filter((file) => touchesFiles(file, readSource(SRC, file)));
  expect(Object.keys(FILE_ACCESS).sort()).toEqual(touching);
  expect(new Set(Object.values(FILE_ACCESS))).toEqual(new Set(Object.keys(REASONS)));
});

it('is found however it is imported', () => {
  for (const source of [
    "import fs from 'node:fs';",
    "import { open } from 'node:fs/promises';",
    "import { readFileSync } from 'fs';",
    "const fs = require('node:fs');",
    "export { open } from 'node:fs/promises';",
    "const fs = await import('node:fs');",
  ])
    expect(touchesFiles('host/x.ts', source), source).toBe(true);
  expect(touchesFiles('host/x.ts', "import { join } from 'node:path';")).toBe(false);
});

/** What a thread is started with is a program of its own in the published package, where files are bundled. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('every module that names itself for a thread is listed for the bundle', () => {
  const bundle = readFileSync(join(root, 'src/build/bundle.mjs'), 'utf8');
  const named = globSync('src/host/**/*.ts', { cwd: root }).filter((file) =>
    /^export const \w+ = import\.meta\.url;$/m.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((file) => !bundle.includes(`'${file.slice('src/'.length)}'`))).toEqual([]);
});

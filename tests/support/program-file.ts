/**
 * The programs that tests start: as they are published where dist/ is of these sources, which costs a process a third
 * of what the source does; the sources otherwise.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fileOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** @param name of the program's file, relative to src/ and without its ending */
export function programFile(name: string): string {
  if (process.env.AETHER_TEST_DIST !== '1') return fileOf(`src/${name}.ts`);
  // What starts with every run is CommonJS.
  const common = fileOf(`dist/${name}.cjs`);
  return existsSync(common) ? common : fileOf(`dist/${name}.js`);
}

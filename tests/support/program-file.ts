/**
 * The programs that tests start: as they are published where dist/ is of these sources, which costs a process a third
 * of what the source does; the sources otherwise.
 */
import { fileURLToPath } from 'node:url';

/** @param name of the program's file, relative to src/ and without its ending */
export function programFile(name: string): string {
  const file = process.env.AETHER_TEST_DIST === '1' ? `dist/${name}.js` : `src/${name}.ts`;
  return fileURLToPath(new URL(`../../${file}`, import.meta.url));
}

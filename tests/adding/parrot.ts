/**
 * A tiny runtime as a contributor would write it, copied from tests/fixtures/parrot, where it passes the conformance suite:
 * an engine on pipes, and a terminal that stands beside it.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Scratch } from './scratch.ts';

/** Where its program is. */
export const DIRECTORY = fileURLToPath(new URL('../fixtures/parrot/', import.meta.url));

/** Its folder, and its name in the list. */
export function addParrot(scratch: Scratch): void {
  for (const name of ['definition.ts', 'runtime.ts']) {
    const text = readFileSync(`${DIRECTORY}${name}`, 'utf8');
    scratch.write(`src/runtimes/parrot/${name}`, text.replaceAll('../../../src/runtimes/', '../'));
  }
  scratch.edit(
    'src/runtimes/installed.ts',
    "import type { RuntimeDefinition } from './definition.ts';\n",
    "import type { RuntimeDefinition } from './definition.ts';\nimport { parrot } from './parrot/definition.ts';\n",
  );
  scratch.edit('src/runtimes/installed.ts', 'command];', 'command, parrot];');
  scratch.generate();
}

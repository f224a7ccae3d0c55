/** Where the test command installs the real engines (tests/engines/package.json). */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENGINES = fileURLToPath(new URL('../engines/', import.meta.url));
const require = createRequire(join(ENGINES, 'package.json'));

/** @throws Error naming the command that installs it */
function installed(name: string): string {
  const dir = join(ENGINES, 'node_modules', name);
  if (existsSync(join(dir, 'package.json'))) return dir;
  throw new Error(
    `${name} is not installed: run \`npm ci --prefix tests/engines\` (npm test does it by itself).`,
  );
}

/** The native claude program, which needs no Node. */
export function claudeBinary(): string {
  const platform = `${process.platform}-${process.arch}`;
  return join(installed(`@anthropic-ai/claude-code-${platform}`), 'claude');
}

/**
 * Of the runtime that claude is compiled with: its higher compilers and a second thread of its collector cost a conversation of
 * a few turns more than they save it.
 */
export const CLAUDE_BRIEF = {
  BUN_JSC_useDFGJIT: '0',
  BUN_JSC_useFTLJIT: '0',
  BUN_JSC_useConcurrentGC: '0',
  BUN_JSC_numberOfGCMarkers: '1',
};

/** The program a package of tests/engines starts with, for `node PROGRAM`. */
export function engineProgram(name: string): string {
  const dir = installed(name);
  const { bin } = require(join(dir, 'package.json')) as { bin: string | Record<string, string> };
  const file = typeof bin === 'string' ? bin : Object.values(bin)[0];
  if (file === undefined) throw new Error(`${name} has no program.`);
  return join(dir, file);
}

/** Finds the claude program: named by AETHER_CLAUDE_BINARY, on PATH, or installed beside this package. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

export const BINARY_VARIABLE = 'AETHER_CLAUDE_BINARY';

export const INSTALL_HINT =
  'npm install -g @anthropic-ai/claude-code, or name the program in the environment variable AETHER_CLAUDE_BINARY';

/** @returns an absolute path of something executable, or null. A variable that names nothing is not passed over. */
export function findBinary(named: string | undefined, path: string | undefined): string | null {
  if (named) return isExecutable(named) && isAbsolute(named) ? named : null;
  for (const dir of (path ?? '').split(delimiter)) {
    const candidate = join(dir, 'claude');
    if (isAbsolute(dir) && isExecutable(candidate)) return candidate;
  }
  return packaged();
}

/** The native program inside the npm package: spawned directly, it needs no Node. */
function packaged(): string | null {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve(
      `@anthropic-ai/claude-code-${process.platform}-${process.arch}/package.json`,
    );
    const candidate = join(dirname(realpathSync(manifest)), 'claude');
    return isExecutable(candidate) ? candidate : null;
  } catch {
    // Not installed here: nothing is wrong, there just is none.
    return null;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

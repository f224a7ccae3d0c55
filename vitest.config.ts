import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { isBuilt } from './src/build/build.mjs';

export default defineConfig({
  test: {
    env: {
      // Hosts, shims and commands run as they are published, where dist/ is of these very sources.
      ...(isBuilt() ? { AETHER_TEST_DIST: '1' } : {}),
      // What V8 made of the programs is kept: a third of what a host costs that is started from its sources.
      NODE_COMPILE_CACHE: join(tmpdir(), 'aether-compiled'),
    },
    include: ['tests/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    // Two cores, and most tests start real processes: a higher figure only makes them wait for each other.
    maxWorkers: 2,
    // A worker runs one file after the other: a process of its own for each costs a third of a second of processor.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

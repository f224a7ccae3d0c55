import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { isBuilt, root } from './src/build/build.mjs';

/** Where dist/ is of these very sources, the tests are of what is published, in this process and in its children. */
const published = isBuilt();
const src = join(root, 'src/');
const dist = join(root, 'dist/');

const readsDist: Plugin = {
  name: 'dist-for-src',
  enforce: 'pre',
  // Vitest keeps transformed modules with what their imports resolved to: a module of one kind must not import the other.
  configureVitest({ defineCacheKeyGenerator }) {
    defineCacheKeyGenerator(() => (published ? 'dist' : 'src'));
  },
  resolveId(source, importer) {
    if (!published || importer === undefined || !source.startsWith('.')) return undefined;
    const file = join(dirname(importer), source);
    if (!file.startsWith(src)) return undefined;
    const built = join(dist, file.slice(src.length)).replace(/\.(c?)ts$/, '.$1js');
    return existsSync(built) ? built : undefined;
  },
};

export default defineConfig({
  plugins: [readsDist],
  test: {
    env: published ? { AETHER_TEST_DIST: '1' } : {},
    // Loaded by Node itself, not transformed.
    server: { deps: { external: [/\/dist\/(?!console\/web\/)/] } },
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/engines/node_modules/**', 'node_modules/**'],
    // Two cores, and most tests start real processes: a higher figure only makes them wait for each other.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

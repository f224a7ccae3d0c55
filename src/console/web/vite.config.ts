/** Builds the browser code into dist/console/web. No plugin: Vite compiles Preact's JSX by itself. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../../dist/console/web',
    emptyOutDir: true,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // An inlined asset would be a data: URL, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // On a loaded machine it would tell a newcomer how long each plugin took.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});

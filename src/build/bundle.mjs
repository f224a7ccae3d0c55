/**
 * Joins the modules of each program into few files, third-party packages included: a program that loads hundreds of
 * modules spends more of its start on finding and reading them than on running them. Native packages stay outside.
 *
 * A program keeps its place: `import.meta.url` in a module means the place that the module would have by itself, so a
 * program finds another one, or a file of the package, by the same relative path as in the sources.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, join, relative, sep } from 'node:path';
import { rolldown } from 'rolldown';

/** Relative to src/. Started as processes or threads, or (limits) replaced in part by tests of a running host. */
const PROGRAMS = [
  'host/cli/main.ts',
  'host/store/read-thread.ts',
  'host/store/memory-queries.ts',
  'host/terminals/screen/thread.ts',
  'runtimes/builtin/loop/main.ts',
  'runtimes/openclaw/driver/main.ts',
  'runtimes/openclaw/driver/guard.ts',
  'host/main.ts',
  'host/limits.ts',
];
/** One file of CommonJS each, because every agent pays for their start: as modules they take 15 ms more of it. */
const OF_A_RUN = [
  'host/shim/process/main.ts',
  'host/shim/process/network-helper.ts',
  'host/egress/process/main.ts',
  'mcp-tools/bridge/main.cts',
];
/** They have native parts, which find themselves beside their JavaScript. */
const OUTSIDE = ['better-sqlite3', 'koffi', 'node-pty'];

/** A program of ours, named by its place: its extension is that of the module which names it, or written out. */
const BY_URL = /new URL\(\s*['"`](\.{1,2}\/[\w./-]+?)(?:\$\{[^'"`]*\}|\.c?ts)['"`],\s*import\.meta\.url/g;

const withoutExtension = (file) => file.replace(/\.c?ts$/, '');

/** @param source src/ of the checkout @param out where dist/ is made */
export async function bundle(source, out) {
  const packages = new Set();
  const options = {
    platform: 'node',
    external: OUTSIDE,
    plugins: [ownPlace(source), plainHttp(), collect(packages)],
    logLevel: 'warn',
    checks: { pluginTimings: false },
    onwarn(warning) {
      throw new Error(`The bundle: ${warning.message ?? warning}`);
    },
  };
  const programs = await rolldown({
    ...options,
    input: Object.fromEntries(PROGRAMS.map((file) => [withoutExtension(file), join(source, file)])),
  });
  await programs.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    banner: (chunk) => `const distUrl = new URL(${JSON.stringify(up(chunk.fileName))}, import.meta.url);`,
  });
  await programs.close();
  for (const name of OF_A_RUN) {
    const file = `${withoutExtension(name)}.cjs`;
    const program = await rolldown({ ...options, input: join(source, name) });
    const { output } = await program.generate({ format: 'cjs' });
    const [{ code }] = output;
    if (output.length !== 1) throw new Error(`The bundle: ${name} is more than one file.`);
    const place = code.includes('distUrl')
      ? `const distUrl = new URL(${JSON.stringify(up(file))}, require('node:url').pathToFileURL(__filename));\n`
      : '';
    mkdirSync(dirname(join(out, file)), { recursive: true });
    writeFileSync(join(out, file), `'use strict';\n${place}${code}`);
    await program.close();
  }
  writeFileSync(join(out, 'third-party-licenses.txt'), licences(packages));
}

/** From a file of dist/ to dist/. */
function up(file) {
  return '../'.repeat(file.split('/').length - 1) || './';
}

/** `import.meta.url` of a module of ours is the URL of the file that it would be in dist/ by itself. */
function ownPlace(source) {
  return {
    name: 'own-place',
    transform(code, id) {
      if (!id.startsWith(source) || !code.includes('import.meta.url')) return null;
      const file = relative(source, id).split(sep).join('/');
      const targets = [...code.matchAll(BY_URL)].map(([, target]) => join(dirname(file), target));
      if (code.includes('new URL(import.meta.url)')) targets.push(withoutExtension(file));
      for (const named of targets) {
        if (![...PROGRAMS, ...OF_A_RUN].map(withoutExtension).includes(named))
          throw new Error(
            `${file} starts ${named} by its URL: add it to PROGRAMS or OF_A_RUN in src/build/bundle.mjs.`,
          );
      }
      const place = `${withoutExtension(file)}.js`;
      return code.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, distUrl).href`);
    },
  };
}

/**
 * `node:http` without its getters: a static import reads every export, and those behind getters load the whole of undici,
 * which costs more than the start of an empty program. A program that uses fetch loads it then.
 */
function plainHttp() {
  const plain = '\0plain-http';
  const names = Object.entries(Object.getOwnPropertyDescriptors(http))
    .filter(([, { value }]) => value !== undefined)
    .map(([name]) => name);
  return {
    name: 'plain-http',
    resolveId: (id, _importer, { kind }) =>
      id === 'node:http' && kind === 'import-statement' ? plain : null,
    load: (id) =>
      id === plain ? `export const { ${names.join(', ')} } = process.getBuiltinModule('node:http');` : null,
  };
}

/** Notes the directory of each third-party package that has a module in the bundle. */
function collect(packages) {
  return {
    name: 'packages',
    moduleParsed({ id }) {
      const found = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id);
      if (found !== null) packages.add(found[1]);
    },
  };
}

/** The licences of the bundled packages ask to be passed on with their code. */
function licences(packages) {
  const texts = [...packages].map((directory) => {
    const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const file = readdirSync(directory).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    const text = file === undefined ? '' : `\n${readFileSync(join(directory, file), 'utf8').trim()}\n`;
    return `## ${name} ${version} (${license ?? 'see its repository'})\n${text}`;
  });
  return `Parts of these packages are in the files of this directory.\n\n${texts.sort().join('\n')}`;
}

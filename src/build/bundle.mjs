/**
 * Joins the modules of each program into few files, third-party packages included: a program that loads hundreds of
 * modules spends more of its start on finding and reading them than on running them. Native packages stay outside. The
 * files are CommonJS: Node loads them faster, and an import of a module of Node's as ESM reads all of its exports, some of
 * which load others (of node:http the whole of undici, of node:fs a line editor).
 *
 * A program keeps its place: `import.meta.url` in a module means the place that the module would have by itself, so a
 * program finds another one, or a file of the package, by the same relative path as in the sources.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { rolldown } from 'rolldown';

/** Relative to src/. Started as processes or threads, or (limits) replaced in part by tests of a running host. */
const PROGRAMS = [
  'host/cli/main.ts',
  'host/store/read-thread.ts',
  'host/memory/searching.ts',
  'host/memory/index-builder.ts',
  'host/store/trace-queries.ts',
  'host/terminals/screen/thread.ts',
  'runtimes/builtin/loop/main.ts',
  'runtimes/openclaw/driver/main.ts',
  'runtimes/openclaw/driver/guard.ts',
  'host/main.ts',
  'host/limits.ts',
];
/** One file each, because every agent pays for their start. */
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
    plugins: [ownPlace(source), withoutTls(), collect(packages)],
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
  const names = { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' };
  const { output } = await programs.generate({ format: 'cjs', ...names });
  for (const { fileName, code } of output) write(out, fileName, code);
  await programs.close();
  // Not what the package itself is: its sources are modules.
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
  for (const name of OF_A_RUN) {
    const program = await rolldown({ ...options, input: join(source, name) });
    const { output } = await program.generate({ format: 'cjs' });
    if (output.length !== 1) throw new Error(`The bundle: ${name} is more than one file.`);
    write(out, `${withoutExtension(name)}.cjs`, output[0].code);
    await program.close();
  }
  writeFileSync(join(out, 'third-party-licenses.txt'), licences(packages));
}

/** @param file relative to dist/ */
function write(out, file, code) {
  const up = '../'.repeat(file.split('/').length - 1) || './';
  // Only where it is used: URLs take time to load.
  const place = code.includes('distUrl')
    ? `const distUrl = new URL(${JSON.stringify(up)}, require('node:url').pathToFileURL(__filename));\n`
    : '';
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), `'use strict';\n${place}${code.replace(/^"use strict";\n/, '')}`);
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

/** A client over TLS, which no program of ours is by this package, is loaded where it is used: 20 ms of each start. */
const WHERE_USED = [
  ["const https = require('https');", ''],
  ["const tls = require('tls');", ''],
  ['isSecure ? https.request', "isSecure ? require('https').request"],
  ['return tls.connect(', "return require('tls').connect("],
];

function withoutTls() {
  return {
    name: 'without-tls',
    transform(code, id) {
      if (!id.split(sep).join('/').endsWith('/ws/lib/websocket.js')) return null;
      return WHERE_USED.reduce((text, [from, to]) => {
        if (text.split(from).length !== 2)
          throw new Error(`${id} does not have ${from} once: see WHERE_USED.`);
        return text.replace(from, () => to);
      }, code);
    },
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

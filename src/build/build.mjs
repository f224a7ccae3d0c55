/**
 * Makes dist/: the host as JavaScript and the console for browsers. Built beside it and then put in its place
 * at once, because a host may be running from the dist that is there.
 *
 *   node build.mjs [--if-needed]
 */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { mustRun, step } from './progress.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const dist = join(root, 'dist');
const mark = join(dist, '.built');
const bin = join(root, 'node_modules', '.bin');
/** Besides src/, what the result depends on. */
const INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json'];

/** The environment of the tools: this checkout's own Node comes first. */
export function toolEnvironment() {
  return { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
}

export function isBuilt() {
  if (!existsSync(mark)) return false;
  const built = statSync(mark).mtimeMs;
  return ![join(root, 'src'), ...INPUTS.map((name) => join(root, name))].some((path) =>
    newerThan(path, built),
  );
}

function newerThan(path, time) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  // A directory's own time tells of files that were removed.
  if (stat.mtimeMs > time) return true;
  return stat.isDirectory() && readdirSync(path).some((name) => newerThan(join(path, name), time));
}

export async function build() {
  const begun = new Date();
  // Here and not above: this file is also read before the packages are installed.
  const { bundle } = await import('./bundle.mjs');
  const next = mkdtempSync(join(root, 'node_modules', '.aether-build-'));
  const options = { cwd: root, env: toolEnvironment() };
  try {
    await Promise.all([
      bundle(join(root, 'src'), next),
      mustRun(
        join(bin, 'vite'),
        [
          'build',
          'src/console/web',
          '--outDir',
          join(next, 'console', 'web'),
          '--emptyOutDir',
          '--logLevel',
          'warn',
        ],
        options,
      ),
    ]);
    // The time of the mark is when the sources were read, not when this was done with them.
    const done = join(next, '.built');
    writeFileSync(done, '');
    utimesSync(done, begun, begun);
    const old = `${next}-old`;
    if (existsSync(dist)) renameSync(dist, old);
    // mkdtemp made it for this user alone; what is built can be read by every user who can read the checkout.
    chmodSync(next, 0o755);
    renameSync(next, dist);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

export async function ensureBuilt() {
  if (!isBuilt()) await step('Building', build);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    if (!process.argv.includes('--if-needed')) await build();
    else if (!process.env.AETHER_NO_PREPARE) await ensureBuilt();
  } catch (error) {
    process.stderr.write(`The build failed: ${error.message}\n`);
    process.exitCode = 1;
  }
}

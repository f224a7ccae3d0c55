/**
 * Installs what a directory's lock file says, when that is not what is there. Asks the two lock files (ours, and
 * the one npm leaves in node_modules) instead of keeping a mark of its own, so an `npm install` by hand counts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, step } from './progress.mjs';

export async function ensureInstalled(directory, title, options = {}) {
  if (isInstalled(directory)) return;
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  if (options.scripts === false) args.push('--ignore-scripts');
  // Under npm its own path is known; that npm is the one the user chose.
  const [file, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // npm would build as the end of this; the build is a step of its own here, and told as one.
  const env = { ...process.env, AETHER_NO_PREPARE: '1' };
  await step(title, () => mustRun(file, [...first, ...args], { cwd: directory, env }));
}

/** True when every package that is not optional is there in the version of the lock file. */
export function isInstalled(directory) {
  const installed = packagesOf(join(directory, 'node_modules', '.package-lock.json'));
  if (installed === null) return false;
  const wanted = packagesOf(join(directory, 'package-lock.json')) ?? {};
  return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => {
    if (path === '' || link) return true;
    const found = installed[path];
    return found === undefined ? optional === true || devOptional === true : found.version === version;
  });
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : null;
}

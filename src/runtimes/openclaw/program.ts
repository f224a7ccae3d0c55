/**
 * Finds the openclaw package and a Node that it accepts. The package is named by `bin:` or found on PATH; its program is
 * a script for Node, which need not be the Node that runs the host.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { readIfThere } from '../../host/files.ts';

/** The oldest version that was tried, and the Node that it needs. */
export const VERSION_MIN = '2026.9.6';
const NODE_OF_IT = '24.16 or newer in 24, or 26.1 or newer';
const INSTALL_HINT = `npm install -g openclaw, or name its program with \`bin:\`; it needs Node ${NODE_OF_IT}, which may be another than the host's`;

const PROGRAM = 'openclaw.mjs';
const MANIFEST_BYTES_MAX = 1024 * 1024;
const NODE_MS = 10_000;

/** The keys of aether.yaml that only this runtime takes. */
export interface OpenClawOptions {
  /** Absolute; null: the one on PATH. */
  bin: string | null;
}

export interface OpenClaw {
  /** Absolute; the script that Node runs. */
  entry: string;
  /** The outermost node_modules above it, with all that it imports; without one the directory of the package. */
  installation: string;
  version: string;
  /** Which Node it accepts, as its package says it. */
  node: string;
}

export type Found = OpenClaw | { what: string; mend: string };

/**
 * @param named the path of `bin:`; a name that leads to nothing is not passed over
 * @param beside a file of Aether: without one on PATH, the one that is installed in the same node_modules
 */
export function findOpenClaw(
  named: string | null,
  path: string | undefined,
  beside = import.meta.filename,
): Found {
  if (named !== null) {
    return packageOf(named) ?? { what: `bin: ${named} is no program of openclaw`, mend: INSTALL_HINT };
  }
  for (const dir of (path ?? '').split(delimiter)) {
    const found = isAbsolute(dir) ? packageOf(join(dir, 'openclaw')) : null;
    if (found !== null) return found;
  }
  for (let dir = dirname(beside); dir !== dirname(dir); dir = dirname(dir)) {
    const found = packageOf(join(dir, 'node_modules', 'openclaw', PROGRAM));
    if (found !== null) return found;
  }
  return {
    what: 'the openclaw program was found neither on PATH nor in the node_modules of Aether',
    mend: INSTALL_HINT,
  };
}

/** Links are followed: what npm puts on PATH is one. */
function packageOf(program: string): OpenClaw | null {
  let real: string;
  try {
    real = realpathSync(program);
  } catch {
    return null; // nothing is there
  }
  const directory = dirname(real);
  const manifest = manifestOf(directory);
  if (manifest?.name !== 'openclaw') return null;
  const { version, engines } = manifest;
  const node = (engines as { node?: unknown } | undefined)?.node;
  if (typeof version !== 'string' || typeof node !== 'string') return null;
  return { entry: join(directory, PROGRAM), installation: installationOf(directory), version, node };
}

function installationOf(directory: string): string {
  const parts = directory.split(sep);
  const at = parts.indexOf('node_modules');
  return at === -1 ? directory : parts.slice(0, at + 1).join(sep);
}

function manifestOf(directory: string): Record<string, unknown> | null {
  try {
    const text = readIfThere(join(directory, 'package.json'), MANIFEST_BYTES_MAX);
    return text === null ? null : (JSON.parse(text.toString()) as Record<string, unknown>);
  } catch {
    return null;
  }
}

/** The first Node that it accepts: this one, or one on PATH. */
export async function findNode(range: string, path: string | undefined): Promise<string | null> {
  if (accepts(range, process.versions.node)) return process.execPath;
  for (const dir of (path ?? '').split(delimiter)) {
    const candidate = join(dir, 'node');
    if (!isAbsolute(dir) || !isExecutable(candidate)) continue;
    const version = await versionOf(realpathSync(candidate));
    if (version !== null && accepts(range, version)) return realpathSync(candidate);
  }
  return null;
}

const versions = new Map<string, Promise<string | null>>();

function versionOf(node: string): Promise<string | null> {
  const known = versions.get(node);
  if (known !== undefined) return known;
  const asked = promisify(execFile)(node, ['--version'], { env: {}, timeout: NODE_MS }).then(
    ({ stdout }) => /^v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null,
    () => null,
  );
  versions.set(node, asked);
  return asked;
}

/** Of npm's ranges what `engines` of the package uses: `>=24.16.0 <25 || >=26.1.0`. */
export function accepts(range: string, version: string): boolean {
  return range.split('||').some((all) => {
    const parts = all.trim().split(/\s+(?=[<>=\d])/);
    return parts.every((part) => {
      const match = /^(>=|<=|>|<|=)?\s*(\d+(?:\.\d+){0,2})$/.exec(part.trim());
      if (match === null) return false;
      const order = compare(version, match[2]!);
      switch (match[1] ?? '=') {
        case '>=':
          return order >= 0;
        case '<=':
          return order <= 0;
        case '>':
          return order > 0;
        case '<':
          return order < 0;
        default:
          return order === 0;
      }
    });
  });
}

/** By their numbers; what is missing is 0. */
export function compare(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (let at = 0; at < 3; at += 1) {
    const difference = (a![at] ?? 0) - (b![at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

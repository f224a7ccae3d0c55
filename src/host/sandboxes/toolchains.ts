/**
 * Programs that lie outside the system's directories: which files of the host a sandbox has to show so that a program
 * there runs. Never a whole home: a directory of programs is shown alone, and what is around it only where that is
 * plainly an installation.
 */
import { closeSync, existsSync, readdirSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { openFile } from '../files.ts';
import { within } from './mounts.ts';

/** Links of one directory that are looked at. */
const LINKS_MAX = 400;

/** What the kernel reads of a script to find its interpreter. */
const FIRST_LINE_BYTES = 256;

/** What marks the directory above `bin` as an installation, by what is in it. */
const INSTALLED = ['lib/node_modules', 'pyvenv.cfg', 'conda-meta', 'pkg/tool', 'release', 'libexec'];

/** Directories of version managers in a home: shown whole, because their programs look around in them. */
const MANAGERS = [
  '.nvm/versions',
  '.local/share/fnm',
  '.fnm',
  '.volta',
  '.asdf',
  '.pyenv',
  '.rbenv',
  '.nodenv',
  '.goenv',
  '.jenv',
  '.rustup',
  '.sdkman/candidates',
  '.local/share/mise',
  '.local/share/pnpm',
  '.local/share/uv',
  '.local/share/pipx',
  '.local/pipx',
];

/** Directories of a home that belong to all programs. */
const SHARED = ['', '.local', '.local/share', '.local/state', '.config', '.cache'];

/** What a user's home holds: the one of this user may not be the only one on PATH. */
const OF_A_HOME = ['.ssh', '.gnupg', '.config', '.local', '.profile', '.bashrc', '.zshrc'];

/** With a directory of programs, what those need besides. */
const COMPANIONS: Record<string, string> = { '.cargo/bin': '.rustup' };

/**
 * The files and directories that the programs on a PATH need.
 * @param system paths that are shown anyway
 */
export function toolchainsOf(path: string, home: string, system: readonly string[]): string[] {
  const shown = new Set<string>();
  const covered = (file: string) => [...system, ...shown].some((top) => within(file, top));
  const show = (file: string) => {
    if (!covered(file)) shown.add(file);
  };
  for (const dir of path.split(delimiter)) {
    if (!isAbsolute(dir) || dir === '/' || covered(dir) || !isDirectory(dir)) continue;
    for (const part of directoryOfPrograms(dir, home)) show(part);
    for (const target of linksOf(dir))
      if (!covered(target)) for (const part of programFiles(target, home)) show(part);
  }
  return [...shown].filter((one) => ![...shown].some((other) => other !== one && within(one, other)));
}

/** What has to be there for one program to run: the file, or the installation that it is part of. */
export function programFiles(file: string, home: string): string[] {
  const real = realPathOf(file);
  if (real === null) return [file];
  const interpreter = interpreterOf(real);
  const needed = interpreter === null ? [] : [interpreter, realPathOf(interpreter)];
  return [
    ...new Set([
      file,
      ...[real, ...needed].flatMap((one) => (one === null ? [] : wholeOf(one, home))),
      ...needed,
    ]),
  ].filter((one) => one !== null);
}

/** The installation that it is part of, or the file alone. */
function wholeOf(real: string, home: string): string[] {
  return [packages(real) ?? managed(real, home) ?? installation(dirname(real), home) ?? real];
}

/** The absolute path that the first line of a script names. */
function interpreterOf(script: string): string | null {
  try {
    const descriptor = openFile(script, 'followed');
    try {
      const buffer = Buffer.alloc(FIRST_LINE_BYTES);
      const length = readSync(descriptor, buffer, 0, buffer.length, 0);
      return /^#!\s*(\/\S+)/.exec(buffer.toString('latin1', 0, length))?.[1] ?? null;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null; // a program may be run without being readable; a directory has no first line
  }
}

function directoryOfPrograms(dir: string, home: string): string[] {
  const real = realPathOf(dir);
  if (real === null) return [];
  const whole = packages(real) ?? managed(real, home) ?? installation(real, home);
  const companion = COMPANIONS[dir.startsWith(`${home}/`) ? dir.slice(home.length + 1) : ''];
  return [
    ...new Set([
      dir,
      ...(whole === null ? [] : [whole]),
      ...(companion === undefined ? [] : [join(home, companion)]),
    ]),
  ].filter((path) => existsSync(path));
}

/** The outermost node_modules: a package finds the others there. */
function packages(real: string): string | null {
  const parts = real.split('/');
  const at = parts.indexOf('node_modules');
  return at < 0 ? null : parts.slice(0, at + 1).join('/');
}

function managed(real: string, home: string): string | null {
  const top = MANAGERS.map((name) => join(home, name)).find((dir) => within(real, dir));
  return top ?? null;
}

/** Above a directory `bin`, where that is plainly an installation, and nothing else besides. */
function installation(bin: string, home: string): string | null {
  if (!['bin', 'sbin', 'shims'].includes(basename(bin))) return null;
  const prefix = dirname(bin);
  if (isPersonal(prefix, realPathOf(home) ?? home)) return null;
  const found = prefix !== '/' && INSTALLED.some((mark) => existsSync(join(prefix, mark)));
  return found || prefix.startsWith('/opt/') ? prefix : null;
}

/**
 * Where people keep other things than programs: npm and others can be told to install right into a home or ~/.local,
 * beside keys. Links from `bin` to what is installed there are followed one by one.
 */
function isPersonal(prefix: string, home: string): boolean {
  const shared = SHARED.some((name) => within(join(home, name), prefix));
  return shared || OF_A_HOME.some((name) => existsSync(join(prefix, name)));
}

function linksOf(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .slice(0, LINKS_MAX)
      .flatMap(({ name }) => {
        // Most lead to a neighbour.
        if (!readlinkSync(join(dir, name)).includes('/')) return [];
        return realPathOf(join(dir, name)) ?? [];
      });
  } catch {
    return []; // not readable, or gone meanwhile
  }
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null; // a link to nothing, a loop, a closed directory
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

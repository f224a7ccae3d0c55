/**
 * The arguments of bwrap for one box: its namespaces, the system's directories, what the box shows, and nothing else.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { limits } from '../limits.ts';
import { HANDLE_FD_MIN, HANDLES_MAX, type HandleSpec } from '../shim/shim-protocol.ts';
import type { BoxSpec } from '../store/run-sandbox.ts';
import type { BubblewrapProgram } from './bubblewrap-program.ts';
import { ETC, etcDirectories } from './etc.ts';
import { MERGED, type Mount, mountsOf, STORES, USR, within } from './mounts.ts';
import { architectureOf, seccompFilter } from './seccomp.ts';

/** Of a box of a host that runs as root: an ordinary user, who owns what root owns outside. */
const UID_INSIDE_OF_ROOT = 1_000;

/** Its uid and gid inside. Outside they are the host's own: files keep their owner. */
export function insideIds(): { uid: number; gid: number } {
  const [uid, gid] = [process.getuid!(), process.getgid!()];
  return uid === 0 ? { uid: UID_INSIDE_OF_ROOT, gid: UID_INSIDE_OF_ROOT } : { uid, gid };
}

export interface BoxArguments {
  argv: string[];
  handles: HandleSpec[];
}

/** @param taken handles that the process has besides, which come first */
export function bubblewrapArguments(
  program: BubblewrapProgram,
  spec: BoxSpec,
  cwd: string,
  taken = 0,
): BoxArguments {
  const handles: HandleSpec[] = [];
  const handed = (handle: HandleSpec): string => {
    handles.push(handle);
    return String(HANDLE_FD_MIN + taken + handles.length - 1);
  };
  const { uid, gid } = insideIds();
  const has = (option: string) => program.options.has(option);
  const architecture = architectureOf(process.arch);
  const mounts = mountsOf(spec);
  const filter = () =>
    architecture === null
      ? []
      : [
          '--seccomp',
          handed(content('seccomp', seccompFilter(architecture, { debug: spec.debug ?? false }))),
        ];
  const shown = ({ path, how }: Mount): string[] => {
    if (how === 'hide') return memory(path, limits.sandbox_hidden_bytes, has('size'));
    const handle = has('bind-fd') && taken + handles.length < HANDLES_MAX - 1 ? placeOf(path, spec) : null;
    if (handle !== null) return [how === 'read' ? '--ro-bind-fd' : '--bind-fd', handed(handle), path];
    return [how === 'read' ? '--ro-bind-try' : '--bind', path, path];
  };
  const argv = [
    program.path,
    // Not the network: that is the run's, in which the shim starts the box.
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--uid', String(uid), '--gid', String(gid), '--cap-drop', 'ALL'],
    // A namespace of one's own would bring every capability back.
    ...(has('disable-userns') ? ['--disable-userns'] : []),
    '--die-with-parent',
    ...filter(),
    ...system(),
    ...['--proc', '/proc', ...machineSettings(), '--dev', '/dev'],
    ...temporary(has),
    ...['--symlink', '/run', '/var/run'],
    ...etc(spec.own),
    ...mounts.flatMap(shown),
    ...(spec.own === undefined ? [] : ['--remount-ro', ETC]),
    // What is written where nothing is kept fails, and is not lost without a word.
    ...mounts.flatMap(({ path, how }) => (how === 'hide' ? ['--remount-ro', path] : [])),
    ...['--remount-ro', '/', '--chdir', cwd, '--'],
  ];
  return { argv, handles };
}

function content(name: string, bytes: Buffer): HandleSpec {
  return { kind: 'content', name, base64: bytes.toString('base64') };
}

/**
 * What lies in a directory that agents can write is handed over open: its path could lead elsewhere a moment later.
 * @returns null for what does not, and for what is not there
 */
function placeOf(path: string, { shared = [] }: BoxSpec): HandleSpec | null {
  const above = shared.filter((top) => top !== path && within(path, top));
  const root = above.toSorted((a, b) => a.length - b.length)[0];
  if (root === undefined) return null;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  return { kind: stat.isFile() ? 'file' : 'directory', root, path: relative(root, path) };
}

/**
 * What of /proc is the machine's. A box of root is root to it, whatever it may do otherwise: it could set the program
 * that the kernel runs, as root and outside, when a process crashes. bubblewrap leaves open what is a read-only directory.
 */
const MACHINE = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'acpi', 'scsi', 'mtrr'];

function machineSettings(): string[] {
  return MACHINE.map((name) => `/proc/${name}`).flatMap((path) => ['--ro-bind-try', path, path]);
}

function system(): string[] {
  const shown = (path: string) => ['--ro-bind-try', path, path];
  const merged = MERGED.flatMap((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : shown(path);
  });
  return [...[USR, ...STORES].flatMap(shown), ...merged];
}

function temporary(has: (option: string) => boolean): string[] {
  return ['/tmp', '/var/tmp', '/run'].flatMap((dir) => [
    ...(has('perms') ? ['--perms', dir === '/run' ? '0755' : '1777'] : []),
    ...memory(dir, limits.sandbox_tmp_bytes, has('size')),
  ]);
}

/** A directory that is not kept. */
function memory(dir: string, bytes: number, sized: boolean): string[] {
  return [...(sized ? ['--size', String(bytes)] : []), '--tmpfs', dir];
}

/** The box's own /etc, with a few of the system's directories in it. */
function etc(own: string | undefined): string[] {
  if (own === undefined) return [];
  const directories = etcDirectories().flatMap((path) => ['--ro-bind-try', path, path]);
  return ['--bind', join(own, 'etc'), ETC, ...directories];
}

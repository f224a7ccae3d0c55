/** What bwrap is told for one box: its namespaces, the system's directories, what the box shows, and nothing else. */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../limits.ts';
import type { BoxSpec } from '../store/run-sandbox.ts';
import type { BubblewrapProgram } from './bubblewrap-program.ts';
import { ETC, etcDirectories } from './etc.ts';
import { MERGED, type Mount, mountsOf, STORES, USR } from './mounts.ts';

/** Of a box of a host that runs as root: an ordinary user, who owns what root owns outside. */
const UID_INSIDE_OF_ROOT = 1_000;

/** Its uid and gid inside. Outside they are the host's own: files keep their owner. */
export function insideIds(): { uid: number; gid: number } {
  const [uid, gid] = [process.getuid!(), process.getgid!()];
  return uid === 0 ? { uid: UID_INSIDE_OF_ROOT, gid: UID_INSIDE_OF_ROOT } : { uid, gid };
}

export function bubblewrapArguments(program: BubblewrapProgram, spec: BoxSpec, cwd: string): string[] {
  const { uid, gid } = insideIds();
  const has = (option: string) => program.options.has(option);
  const mounts = mountsOf(spec);
  return [
    program.path,
    // Not the network: that is the run's, in which the shim starts the box.
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--uid', String(uid), '--gid', String(gid), '--cap-drop', 'ALL'],
    // A namespace of one's own would bring every capability back.
    ...(has('disable-userns') ? ['--disable-userns'] : []),
    '--die-with-parent',
    ...system(),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['/tmp', '/var/tmp', '/run'].flatMap((dir) => [
      ...(has('perms') ? ['--perms', dir === '/run' ? '0755' : '1777'] : []),
      ...memory(dir, limits.sandbox_tmp_bytes, has('size')),
    ]),
    ...['--symlink', '/run', '/var/run'],
    ...etc(spec.own),
    ...mounts.flatMap((mount) => argumentsOf(mount, has('size'))),
    ...(spec.own === undefined ? [] : ['--remount-ro', ETC]),
    // What is written where nothing is kept fails, and is not lost without a word.
    ...mounts.flatMap(({ path, how }) => (how === 'hide' ? ['--remount-ro', path] : [])),
    ...['--remount-ro', '/', '--chdir', cwd, '--'],
  ];
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

/** A directory that is not kept. */
function memory(dir: string, bytes: number, sized: boolean): string[] {
  return [...(sized ? ['--size', String(bytes)] : []), '--tmpfs', dir];
}

/** The box's own /etc, with a few of the system's directories in it. */
function etc(own: string | undefined): string[] {
  if (own === undefined) return [];
  return [
    ...['--bind', join(own, 'etc'), ETC],
    ...etcDirectories().flatMap((path) => ['--ro-bind-try', path, path]),
  ];
}

function argumentsOf({ path, how }: Mount, sized: boolean): string[] {
  if (how === 'hide') return [...memory(path, limits.sandbox_hidden_bytes, sized)];
  return [how === 'read' ? '--ro-bind-try' : '--bind', path, path];
}

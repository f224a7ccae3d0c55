/**
 * bubblewrap as a sandbox, as small as the contract lets it be: the proof that the contract is not made for the
 * sandbox that confines nothing. It is no product: nothing here keeps a hostile program in.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { descendsFrom } from '../../src/host/process/proc.ts';
import type { Box, Sandbox } from '../../src/host/sandboxes/sandbox.ts';
import type { BoxSpec } from '../../src/host/store/run-sandbox.ts';

const BWRAP = '/usr/bin/bwrap';
const SYSTEM = ['/usr', '/bin', '/lib', '/lib64'];

const below = (path: string, tops: string[]) =>
  tops.some((top) => path === top || path.startsWith(`${top}/`));

/** Paths are the same inside: what is not bound is not there. */
function shown(spec: BoxSpec, path: string): string | null {
  return below(path, [...spec.write, ...spec.read, ...SYSTEM]) ? path : null;
}

function argumentsFor(spec: BoxSpec, cwd: string): string[] {
  const links = SYSTEM.slice(1).flatMap((path) =>
    fs.existsSync(path)
      ? fs.lstatSync(path).isSymbolicLink()
        ? ['--symlink', fs.readlinkSync(path), path]
        : ['--ro-bind', path, path]
      : [],
  );
  return [
    BWRAP,
    '--unshare-all',
    // A network of its own is the run's: the shim starts the box in it.
    '--share-net',
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    '--ro-bind',
    '/usr',
    '/usr',
    ...links,
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    ...spec.read.flatMap((path) => ['--ro-bind', path, path]),
    ...spec.write.flatMap((path) => ['--bind', path, path]),
    '--chdir',
    cwd,
    '--',
  ];
}

/** Living in a pid namespace below ours: two numbers for one process. */
function boxed(pid: number): boolean {
  try {
    const status = fs.readFileSync(join('/proc', String(pid), 'status'), 'utf8');
    return (/^NSpid:\s*(.*)$/m.exec(status)?.[1] ?? '').split(/\s+/).length > 1;
  } catch {
    return false; // it is gone
  }
}

export const bubblewrap: Sandbox = {
  name: 'bubblewrap',
  probe: async () => ({
    usable: fs.existsSync(BWRAP),
    holds: { files: true, network: true, processes: true, memory: false, cpu: false, disk: false },
    missing: [],
  }),
  box: (spec): Box => ({
    spec,
    wrap: (process) => ({
      ...process,
      argv: [...argumentsFor(spec, process.cwd), ...process.argv],
      ...(spec.network === 'own' ? { ownNetwork: true as const } : {}),
    }),
    inside: (path) => shown(spec, path),
    outside: (path) => shown(spec, path),
    owns: (peer, shim) =>
      peer.pid > 0 && shim.start_ticks !== 0 && descendsFrom(peer.pid, shim) && boxed(peer.pid),
  }),
};

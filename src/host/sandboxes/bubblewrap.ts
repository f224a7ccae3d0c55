/**
 * bubblewrap: the processes of a box see the system read-only, what they were given, and each other. No other process,
 * no socket of the host by its path, no home, no key. Files and processes are confined by namespaces of the kernel; the
 * peer of a socket belongs to the box when it lives in a namespace below the host's and descends from the run's shim.
 */
import os from 'node:os';
import { descendsFrom, pidNamespacesOf } from '../process/proc.ts';
import type { BoxSpec } from '../store/run-sandbox.ts';
import { boxCommand } from './box-command.ts';
import { bubblewrapArguments, insideIds } from './bubblewrap-arguments.ts';
import { probeBubblewrap } from './bubblewrap-probe.ts';
import { bubblewrapProgram } from './bubblewrap-program.ts';
import { coverAgain } from './cover-again.ts';
import { makeEtc } from './etc.ts';
import { mountsOf, shows } from './mounts.ts';
import type { Box, Sandbox } from './sandbox.ts';

/** What is said where the program has gone since the run began: its path in the error of the start. */
const GONE = { path: '/usr/bin/bwrap', version: null, options: new Set<string>() };

export const bubblewrapSandbox: Sandbox = {
  name: 'bubblewrap',
  // The first process of its pid namespace dies with the shim, and all others with that one.
  keepsProcesses: true,
  probe: probeBubblewrap,
  box(spec: BoxSpec): Box {
    const mounts = mountsOf(spec);
    const same = (path: string) => (shows(mounts, path) ? path : null);
    return {
      spec,
      prepare: async ({ home, files }) => {
        if (spec.own !== undefined) makeEtc(spec.own, { ...user(), home }, files);
      },
      wrap(process) {
        const own = process.handles ?? [];
        const box = bubblewrapArguments(bubblewrapProgram() ?? GONE, spec, process.cwd, own.length);
        return {
          ...process,
          env: { ...process.env, ...spec.env },
          argv: boxCommand(box.argv, process.argv, process),
          handles: [...own, ...box.handles],
          launcher: true,
          ...(spec.network === 'own' ? { ownNetwork: true as const } : {}),
        };
      },
      replaced: coverAgain,
      inside: same,
      outside: same,
      owns: (peer, shim) =>
        peer.pid > 0 &&
        shim.start_ticks !== 0 &&
        (pidNamespacesOf(peer.pid) ?? 0) > (pidNamespacesOf(process.pid) ?? 1) &&
        descendsFrom(peer.pid, shim),
    };
  },
};

/** The host's user by name; root is an ordinary user inside. */
function user(): { name: string; uid: number; gid: number } {
  const ids = insideIds();
  return { name: ids.uid === process.getuid!() ? nameOfUser() : 'agent', ...ids };
}

function nameOfUser(): string {
  try {
    return os.userInfo().username;
  } catch {
    return 'agent'; // a uid without an entry, as in many containers
  }
}

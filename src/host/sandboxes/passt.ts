/** Whether passt can give a run's network raw TCP, UDP and DNS here, and what is missing where not. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { RESERVED_V4 } from '../egress/addresses.ts';
import type { SandboxProbe } from './sandbox.ts';

type Missing = SandboxProbe['missing'][number];

const TUN = '/dev/net/tun';
const LOST = 'in `network: full` programs have HTTP through the proxy, and no DNS, ssh, database or UDP';

/** @returns the absolute path of pasta, or what is missing */
export function findPasst(search = process.env.PATH ?? '/usr/bin:/bin'): string | Missing {
  const program = findProgram('pasta', search);
  if (program === null) return { what: `passt is not installed: ${LOST}`, mend: installCommand('passt') };
  if (findProgram('ip', `${search}:/usr/sbin:/sbin`) === null)
    return { what: `ip (iproute2) is not installed: ${LOST}`, mend: installCommand('iproute2') };
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
  } catch {
    return {
      what: `${TUN} may not be opened, which passt needs: ${LOST}`,
      mend: existsSync(TUN) ? `sudo chmod 666 ${TUN}` : 'sudo modprobe tun',
    };
  }
  return program;
}

/** What leads nowhere from a run's network: all that is no public address, and this machine's own addresses. */
export function unreachableFrom(own: readonly string[]): string[] {
  return [...new Set([...RESERVED_V4, ...own])];
}

function findProgram(name: string, search: string): string | null {
  for (const directory of search.split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this directory
    }
  }
  return null;
}

function installCommand(what: string): string {
  return existsSync('/usr/bin/apt-get')
    ? `sudo apt-get install ${what}`
    : `Install ${what} with this system’s package manager`;
}

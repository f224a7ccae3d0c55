/** Whether bubblewrap works here, tested by making a box; if not, the cause and the command that fixes it. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { shortText } from '../text.ts';
import { bubblewrapArguments } from './bubblewrap-arguments.ts';
import { type BubblewrapProgram, bubblewrapProgram } from './bubblewrap-program.ts';
import { findPasst } from './passt.ts';
import type { SandboxProbe } from './sandbox.ts';
import { architectureOf } from './seccomp.ts';

const TRIAL_MS = 10_000;
const MESSAGE_CHARS_MAX = 300;
/** Of the version in which making a mount point no longer follows a link (CVE-2026-87766). */
const MENDED = [0, 12];

type Missing = SandboxProbe['missing'][number];

export async function probeBubblewrap(): Promise<SandboxProbe> {
  const program = bubblewrapProgram();
  if (program === null) return unusable([notThere()]);
  const failure = await trial(program);
  if (failure !== null) return unusable([hindrance(failure)]);
  return {
    usable: true,
    holds: { files: true, network: true, processes: true, memory: false, cpu: false, disk: false },
    missing: weaknesses(program),
  };
}

function unusable(missing: Missing[]): SandboxProbe {
  const holds = { files: false, network: false, processes: false, memory: false, cpu: false, disk: false };
  return { usable: false, holds, missing };
}

/** null when a box was made and a program ran in it; otherwise what was said. */
async function trial(program: BubblewrapProgram): Promise<string | null> {
  const spec = { run: 'probe', name: 'probe', read: [], write: [], network: 'shared' as const };
  const { argv } = bubblewrapArguments(program, spec, '/');
  // Its filter is a handle, which the shim of a run makes.
  const [file, ...args] = argv.filter((word, at) => word !== '--seccomp' && argv[at - 1] !== '--seccomp');
  try {
    await promisify(execFile)(file!, [...args, '/bin/sh', '-c', ':'], { timeout: TRIAL_MS, env: {} });
    return null;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return shortText(stderr?.trim() || message, MESSAGE_CHARS_MAX);
  }
}

function notThere(): Missing {
  if (process.platform !== 'linux')
    return {
      what: `bubblewrap is for Linux: on ${process.platform} agents have no sandbox`,
      mend: 'Run Aether on Linux (on Windows: WSL2)',
    };
  return { what: 'bubblewrap is not installed: agents have no sandbox', mend: installCommand() };
}

function installCommand(): string {
  const managers: [string, string][] = [
    ['/usr/bin/apt-get', 'sudo apt-get install bubblewrap'],
    ['/usr/bin/dnf', 'sudo dnf install bubblewrap'],
    ['/usr/bin/pacman', 'sudo pacman -S bubblewrap'],
    ['/usr/bin/zypper', 'sudo zypper install bubblewrap'],
    ['/sbin/apk', 'sudo apk add bubblewrap'],
  ];
  const found = managers.find(([path]) => existsSync(path));
  return found?.[1] ?? 'Install bubblewrap with this system’s package manager';
}

/** What stands in the way, the commonest first. */
function hindrance(said: string): Missing {
  if (sysctl('kernel/apparmor_restrict_unprivileged_userns') === '1' && process.getuid!() !== 0)
    return {
      what: `bubblewrap may not make user namespaces: AppArmor restricts them (${said})`,
      mend: 'sudo apt-get install apparmor-profiles && sudo ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict',
    };
  if (sysctl('kernel/unprivileged_userns_clone') === '0' && process.getuid!() !== 0)
    return {
      what: `bubblewrap may not make user namespaces: kernel.unprivileged_userns_clone is 0 (${said})`,
      mend: 'sudo sysctl -w kernel.unprivileged_userns_clone=1',
    };
  if (sysctl('user/max_user_namespaces') === '0')
    return {
      what: `bubblewrap may not make user namespaces: user.max_user_namespaces is 0 (${said})`,
      mend: 'sudo sysctl -w user.max_user_namespaces=15000',
    };
  if (inContainer())
    return {
      what: `bubblewrap may not make namespaces in this container: its seccomp or AppArmor profile forbids it (${said})`,
      mend: 'docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined …, or write `sandbox: none`: the container is then the only wall',
    };
  return {
    what: `bubblewrap does not work here: ${said}`,
    mend: 'Correct what it names; `bwrap --unshare-user --ro-bind / / true` shows it again',
  };
}

function weaknesses(program: BubblewrapProgram): Missing[] {
  const missing: Missing[] = [];
  if (architectureOf(process.arch) === null)
    missing.push({
      what: `no filter of system calls is known for ${process.arch}: what an agent starts can trace its engine and type into its terminal`,
      mend: 'Run Aether on x86-64 or arm64',
    });
  if (isOlder(program.version, MENDED))
    missing.push({
      what: `bubblewrap ${program.version ?? 'of an unknown version'} follows a link while it makes a mount point (CVE-2026-87766); Aether lets it make none where an agent can write`,
      mend: `Install ${MENDED.join('.')} or newer, from your distribution’s backports or https://github.com/containers/bubblewrap/releases`,
    });
  if (!program.options.has('disable-userns'))
    missing.push({
      what: `bubblewrap ${program.version ?? ''} cannot forbid further user namespaces: inside one a process has capabilities over it, which is more of the kernel to attack`,
      mend: 'Install 0.8 or newer, from your distribution’s backports or https://github.com/containers/bubblewrap/releases',
    });
  const passt = findPasst();
  if (typeof passt !== 'string') missing.push(passt);
  return missing;
}

/** One whose version is not known is taken for old. */
function isOlder(version: string | null, than: readonly number[]): boolean {
  const parts = (version ?? '').split('.').map(Number);
  for (const [at, wanted] of than.entries()) {
    const part = parts[at] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}

function inContainer(): boolean {
  return (
    existsSync('/.dockerenv') ||
    existsSync('/run/.containerenv') ||
    sysctl('../self/status')?.includes('Seccomp:\t2') === true
  );
}

function sysctl(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return null; // a kernel without it
  }
}

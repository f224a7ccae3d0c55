/**
 * A box for one command, no larger than an attack needs: the system, /proc, /dev, an empty /tmp and what is named. As
 * root and, where the tests run as root, as an ordinary user too: the kernel judges the two differently.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NOBODY = 65_534;

/** Users to try everything as. */
export const users: { name: string; uid: number }[] =
  process.getuid!() === 0
    ? [
        { name: 'root', uid: 0 },
        { name: 'an ordinary user', uid: NOBODY },
      ]
    : [{ name: 'an ordinary user', uid: process.getuid!() }];

export interface SmallBox {
  uid: number;
  /** Shown read-only; the same path inside, unless another is named. */
  show?: (string | readonly [from: string, to: string])[];
  filter?: Buffer;
  /** closed: none can be made inside (the default); own: some can; shared: the box has that of the machine. */
  userNamespace?: 'closed' | 'own' | 'shared';
  env?: Record<string, string>;
}

/** Without options root needs no namespace of its own, and anybody else gets one. */
function namespaceOptions({ userNamespace = 'closed' }: SmallBox): string[] {
  if (userNamespace === 'shared') return [];
  return userNamespace === 'own' ? ['--unshare-user'] : ['--unshare-user', '--disable-userns'];
}

/** @returns what it printed @throws Error with what it said, when it failed */
export async function inSmallBox(box: SmallBox, command: string[]): Promise<string> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'aether-box-'));
  const filter = join(dir, 'filter');
  fs.writeFileSync(filter, box.filter ?? '');
  const fd = fs.openSync(filter, 'r');
  try {
    const shown = (box.show ?? []).flatMap((path) => {
      const [from, to] = typeof path === 'string' ? [path, path] : path;
      return ['--ro-bind', from, to];
    });
    const [program, ...rest] = [
      ...(box.uid === process.getuid!()
        ? []
        : ['setpriv', `--reuid=${box.uid}`, `--regid=${box.uid}`, '--clear-groups']),
      ...['/usr/bin/bwrap', '--unshare-all', '--cap-drop', 'ALL', '--die-with-parent'],
      ...namespaceOptions(box),
      ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'],
      ...[
        '--symlink',
        'usr/lib64',
        '/lib64',
        '--proc',
        '/proc',
        '--dev',
        '/dev',
        '--tmpfs',
        '/tmp',
        '--clearenv',
      ],
      ...Object.entries({ PATH: '/usr/bin:/bin', ...box.env }).flatMap(([name, value]) => [
        '--setenv',
        name,
        value,
      ]),
      ...shown,
      ...(box.filter ? ['--seccomp', '3'] : []),
      ...['--', ...command],
    ];
    const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe', fd], cwd: '/' });
    let printed = '';
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit, signal) => resolve(exit ?? signal));
    });
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${said}${printed}`);
    return printed;
  } finally {
    fs.closeSync(fd);
    fs.rmSync(dir, { recursive: true });
  }
}

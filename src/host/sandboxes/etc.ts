/**
 * The /etc of a box: a directory of the host's with copies of what programs need to find names, certificates and
 * libraries. A copy costs less at the start than a mount for each file, and nothing else of /etc is there: no other
 * user, no configuration of a service, no key.
 */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeBeneath } from '../beneath.ts';
import { readFileNow, readIfThere } from '../files.ts';
import { makeDirectories } from '../paths.ts';

export const ETC = '/etc';

/** Copied as they are, where every user may read them. */
const FILES = [
  'resolv.conf',
  'hosts',
  'hostname',
  'host.conf',
  'nsswitch.conf',
  'gai.conf',
  'protocols',
  'services',
  'localtime',
  'timezone',
  'os-release',
  'debian_version',
  'lsb-release',
  'ld.so.cache',
  'ld.so.conf',
  'locale.conf',
  'mime.types',
  'bash.bashrc',
  'bashrc',
  'profile',
  'inputrc',
  'shells',
  'login.defs',
  'gitconfig',
  'npmrc',
  'pip.conf',
  'wgetrc',
  'ssl/openssl.cnf',
  'pki/tls/openssl.cnf',
  'pki/tls/cert.pem',
  'ssh/ssh_config',
  'ssh/ssh_known_hosts',
];

/** Mounted: many files each. */
const DIRECTORIES = [
  'alternatives',
  'ssl/certs',
  'pki/tls/certs',
  'pki/ca-trust',
  'crypto-policies',
  'fonts',
];
/** One for each version that is installed. */
const JAVA = /^java-/;

/** Those of them that are here. */
export function etcDirectories(): string[] {
  const java = readdirSync(ETC).filter((name) => JAVA.test(name));
  return [...DIRECTORIES, ...java].map((name) => join(ETC, name)).filter((path) => existsSync(path));
}

/** Of a file that is copied; a larger one is left out. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

export interface InsideUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/**
 * Writes it below `own`, where no process of a run can write. At every start: so it is done at once, and what has not
 * changed since the last one is not read again.
 * @param user who a process of the box is
 * @param extra further files, by their path below /etc
 * @throws the system's error where it cannot be written
 */
export function makeEtc(own: string, user: InsideUser, extra: ReadonlyMap<string, string>): void {
  const top = join(own, 'etc');
  const made = new Set<string>();
  const put = (name: string, content: string | Buffer) => {
    const directory = join(top, dirname(name));
    if (!made.has(directory)) makeDirectories(directory);
    made.add(directory);
    writeFileSync(join(top, name), content, { mode: 0o644 });
  };
  for (const name of FILES) {
    const content = copyOf(name);
    if (content !== null) put(name, content);
  }
  put('passwd', passwd(user));
  put('group', group(user));
  for (const [name, content] of extra) put(name, content);
}

/** The machine has other resolvers now: a box that shares its network asks them, too. @returns whether anything changed */
export function renewResolver(own: string): boolean {
  const content = copyOf('resolv.conf');
  if (content === null || readIfThere(join(own, 'etc', 'resolv.conf'), FILE_BYTES_MAX) === content.toString())
    return false;
  writeBeneath(own, 'etc/resolv.conf', content, 0o644);
  return true;
}

interface Copy {
  /** Of the file as it was read. */
  version: string;
  content: Buffer | null;
}

const copies = new Map<string, Copy>();

function copyOf(name: string): Buffer | null {
  const path = join(ETC, name);
  try {
    const { mode, ino, size, mtimeMs, ctimeMs } = statSync(path);
    const version = [mode, ino, size, mtimeMs, ctimeMs].join(' ');
    const known = copies.get(name);
    if (known?.version === version) return known.content;
    const content =
      (mode & 0o004) === 0 ? null : readFileNow(path, { bytes_max: FILE_BYTES_MAX, links: 'followed' });
    copies.set(name, { version, content });
    return content;
  } catch {
    return null; // it is not here, or nothing that can be copied
  }
}

function passwd({ name, uid, gid, home }: InsideUser): string {
  return [
    `${name}:x:${uid}:${gid}:${name}:${home}:/bin/sh`,
    'root:x:0:0:root:/root:/usr/sbin/nologin',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    '',
  ].join('\n');
}

function group({ name, gid }: InsideUser): string {
  return [`${name}:x:${gid}:`, 'root:x:0:', 'nogroup:x:65534:', ''].join('\n');
}

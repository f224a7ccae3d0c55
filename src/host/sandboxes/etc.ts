/**
 * The /etc of a box: a directory of the host's with copies of what programs need to find names, certificates and
 * libraries. A copy costs less at the start than a mount for each file, and nothing else of /etc is there: no other
 * user, no configuration of a service, no key.
 */
import { existsSync, readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeBeneath } from '../beneath.ts';
import { isFileProblem, readFileSafely } from '../files.ts';

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
 * Writes it below `own`.
 * @param user who a process of the box is
 * @param extra further files, by their path below /etc
 * @throws the system's error where it cannot be written
 */
export async function makeEtc(
  own: string,
  user: InsideUser,
  extra: ReadonlyMap<string, string>,
): Promise<void> {
  const put = (name: string, content: string | Buffer) =>
    writeBeneath(dirname(own), join(basename(own), 'etc', name), content, 0o644);
  const copies = await Promise.all(FILES.map((name) => copyOf(name)));
  for (const [at, content] of copies.entries()) if (content !== null) put(FILES[at]!, content);
  put('passwd', passwd(user));
  put('group', group(user));
  for (const [name, content] of extra) put(name, content);
}

async function copyOf(name: string): Promise<Buffer | null> {
  const path = join(ETC, name);
  try {
    const { mode } = await stat(path);
    if ((mode & 0o004) === 0) return null;
    return await readFileSafely(path, { bytes_max: FILE_BYTES_MAX, links: 'followed' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ELOOP') return null;
    if (isFileProblem(error, 'too-large') || isFileProblem(error, 'not-a-file')) return null;
    throw error;
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

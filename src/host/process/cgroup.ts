/**
 * One group of processes per run, kept by the kernel: a process that is started in it stays in it, whatever session,
 * parent or environment it takes. cgroup v2 freezes and kills a whole group at once; v1 only has a freezer. All
 * of it is files, so that a group is found by its path when the program that made it is long dead.
 *
 * Groups are made below the one this process is in: that is the part of the hierarchy that was left to us.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { statOf } from './proc.ts';

export type GroupKind = 'cgroup2' | 'freezer';

export interface GroupPlace {
  kind: GroupKind;
  /** Absolute directory of the group. */
  path: string;
}

/** One more attempt after the directory was removed between two of our steps. */
const MAKE_ATTEMPTS = 5;
/** A program may make groups below its own without end; so many are looked at. */
const DIRECTORIES_MAX = 10_000;
/** How long one blow waits for a freeze: the next blow comes soon enough. */
const FREEZE_SPIN_MS = 5;

/** The name of all groups of one state directory. */
export function groupScope(stateDir: string): string {
  return `aether-${createHash('sha256').update(realpathSync(stateDir)).digest('hex').slice(0, 16)}`;
}

/** The directory of the group this process is in, where it may make groups of its own; null where it may not. */
export function ownGroup(kind: GroupKind): string | null {
  const path = groupDirectory(kind, read('/proc/self/mountinfo') ?? '', read('/proc/self/cgroup') ?? '');
  return path !== null && mayWrite(path) && mayWrite(join(path, 'cgroup.procs')) ? path : null;
}

/**
 * The directory of a process's own group.
 * @param mounts its /proc/PID/mountinfo
 * @param groups its /proc/PID/cgroup
 * @returns null where there is none, or none that can be seen from where it is
 */
export function groupDirectory(kind: GroupKind, mounts: string, groups: string): string | null {
  const mount = mountOf(kind, mounts);
  const own = pathIn(kind, groups);
  if (mount === null || own === null) return null;
  // Outside what this namespace can see.
  if (own.startsWith('/..')) return null;
  if (mount.root === '/') return join(mount.point, own);
  // Beside the part that is mounted here.
  if (!`${own}/`.startsWith(`${mount.root}/`)) return null;
  return join(mount.point, own.slice(mount.root.length));
}

/** Where the group of a run would be. */
export function groupPlace(kind: GroupKind, own: string, scope: string, run: string): GroupPlace {
  return { kind, path: join(own, scope, run) };
}

/** The groups of a scope that exist, by the names of their runs. */
export function groupsOf(kind: GroupKind, own: string, scope: string): { run: string; place: GroupPlace }[] {
  return namesIn(join(own, scope)).map((run) => ({ run, place: groupPlace(kind, own, scope, run) }));
}

export class Group {
  readonly place: GroupPlace;

  constructor(place: GroupPlace) {
    this.place = place;
  }

  /** Makes the directory. @throws the error of mkdir(2) */
  make(): void {
    for (let attempt = 1; ; attempt += 1) {
      try {
        mkdirSync(this.place.path, { recursive: true });
        return;
      } catch (error) {
        // The last run of this scope has just taken its directory away.
        if (codeOf(error) !== 'ENOENT' || attempt === MAKE_ATTEMPTS) throw error;
      }
    }
  }

  get exists(): boolean {
    return existsSync(this.place.path);
  }

  /** Moves a process, with all its threads, into this group. @throws the error of write(2) */
  admit(pid: number): void {
    admitTo(this.place.path, pid);
  }

  /** Every process in it and in groups made below it; the dead do not count. */
  members(): number[] {
    const pids: number[] = [];
    for (const dir of this.#directories()) {
      const text = read(join(dir, 'cgroup.procs'));
      // 0 is a process of a pid namespace that ours cannot see: no pid to signal, but populated() counts them.
      for (const line of text?.split('\n') ?? []) if (Number(line) > 0) pids.push(Number(line));
    }
    return pids;
  }

  /** True while a process is in it. */
  populated(): boolean {
    if (this.place.kind === 'freezer') return this.members().length > 0;
    return /^populated 1$/m.test(read(join(this.place.path, 'cgroup.events')) ?? '');
  }

  /** Asks the kernel to stop every process; still() tells when it has. */
  freeze(): void {
    if (this.place.kind === 'freezer') write(join(this.place.path, 'freezer.state'), 'FROZEN');
    else write(join(this.place.path, 'cgroup.freeze'), '1');
  }

  thaw(): void {
    if (this.place.kind === 'freezer') write(join(this.place.path, 'freezer.state'), 'THAWED');
    else write(join(this.place.path, 'cgroup.freeze'), '0');
  }

  frozen(): boolean {
    if (this.place.kind === 'freezer') {
      return read(join(this.place.path, 'freezer.state'))?.trim() === 'FROZEN';
    }
    return /^frozen 1$/m.test(read(join(this.place.path, 'cgroup.events')) ?? '');
  }

  /**
   * Frozen, or as good as that: the freezer of v1 waits for ever for a parent whose vfork child it has frozen
   * before its exec, and for a process under a tracer that it has frozen. A process that waits in the kernel, or is
   * stopped, while it freezes does not come out of there before it thaws.
   */
  still(): boolean {
    if (this.frozen()) return true;
    return (
      this.place.kind === 'freezer' &&
      read(join(this.place.path, 'freezer.state'))?.trim() === 'FREEZING' &&
      this.members().every((pid) => 'DtT'.includes(statOf(pid)?.state ?? 'D'))
    );
  }

  /**
   * One signal to every process in it. With v2 none escapes, frozen or forking; with v1 they are frozen, condemned
   * and thawed, and die before they run again; who was not frozen in time is met by the next blow.
   */
  strike(): void {
    const kill = join(this.place.path, 'cgroup.kill');
    if (this.place.kind === 'cgroup2' && existsSync(kill)) {
      write(kill, '1');
      return;
    }
    // v1, and v2 before Linux 5.14.
    this.freeze();
    const deadline = performance.now() + FREEZE_SPIN_MS;
    while (!this.still() && performance.now() < deadline);
    for (const pid of this.members()) condemn(pid);
    this.thaw();
  }

  /** Removes the directories; the scope's too when this was its last. @returns false while a process is in it */
  remove(): boolean {
    for (const dir of this.#directories().reverse()) {
      try {
        rmdirSync(dir);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') return false;
      }
    }
    try {
      rmdirSync(dirname(this.place.path));
    } catch {
      // Other runs are in it, or another host's end has removed it.
    }
    return true;
  }

  /** This group's directory and those made below it, parents first. */
  #directories(): string[] {
    const found = [this.place.path];
    for (let at = 0; at < found.length && found.length < DIRECTORIES_MAX; at += 1) {
      for (const name of namesIn(found[at]!)) found.push(join(found[at]!, name));
    }
    return found;
  }
}

export function admitTo(directory: string, pid: number): void {
  writeFileSync(join(directory, 'cgroup.procs'), String(pid));
}

function condemn(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // Gone already, or not ours to kill, which populated() goes on to tell.
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error;
  }
}

interface Mount {
  point: string;
  /** Which directory of the hierarchy is mounted there. */
  root: string;
}

function mountOf(kind: GroupKind, mounts: string): Mount | null {
  for (const line of mounts.split('\n')) {
    const [left, right] = line.split(' - ');
    const fields = left?.split(' ') ?? [];
    const [type, , options] = right?.split(' ') ?? [];
    const fits =
      kind === 'cgroup2' ? type === 'cgroup2' : type === 'cgroup' && options?.split(',').includes('freezer');
    if (fits && fields[3] !== undefined && fields[4] !== undefined) {
      return { root: unescaped(fields[3]), point: unescaped(fields[4]) };
    }
  }
  return null;
}

/** This process's own path in the hierarchy. */
function pathIn(kind: GroupKind, groups: string): string | null {
  for (const line of groups.split('\n')) {
    const [id, controllers, ...path] = line.split(':');
    if (kind === 'cgroup2' ? id === '0' && controllers === '' : controllers?.split(',').includes('freezer')) {
      return path.join(':');
    }
  }
  return null;
}

/** mountinfo writes spaces and the like in octal. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV') return [];
    throw error;
  }
}

/** null: the group is gone, or (EOPNOTSUPP) it is one that has no processes of its own. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'EOPNOTSUPP' || code === 'ENOTSUP') return null;
    throw error;
  }
}

/** To a group that is gone nothing has to be done. */
function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'r+' });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENODEV') throw error;
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // which is the answer
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

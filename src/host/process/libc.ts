/**
 * The few libc calls Node has no name for: peer credentials, advisory locks, the child subreaper, reaping of
 * processes that were adopted rather than started, opening beneath a directory, close-on-exec. Bound on first use, so that importing this
 * file costs nothing on a platform that never calls them.
 */
import { closeSync, existsSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type koffiApi from 'koffi';

type Koffi = typeof koffiApi;
type Native = (...args: unknown[]) => number;

/** Where it is, a program may be linked to it, and its binary is another one. */
const MUSL = ['/lib/ld-musl-x86_64.so.1', '/lib/ld-musl-aarch64.so.1'];

let loaded: Koffi | null = null;

/**
 * koffi's binary by itself. Its JavaScript, which only adds deprecated names, takes 8 ms of processor to load, and each
 * command and each shim would pay that; the binary takes 1 ms.
 */
function koffi(): Koffi {
  loaded ??= load();
  return loaded;
}

function load(): Koffi {
  const own = createRequire(import.meta.url);
  const system = `${process.platform}-${process.arch}`;
  try {
    if (!MUSL.some((file) => existsSync(file))) {
      const require = createRequire(own.resolve('koffi'));
      return require(`@koromix/koffi-${system}/${system.replace('-', '_')}/koffi.node`) as Koffi;
    }
  } catch {
    // Compiled on this machine, or laid out in another way: it finds itself.
  }
  return own('koffi') as Koffi;
}

/** The same on x86-64 and arm64, and not among Node's constants. */
const O_CLOEXEC = 0o2000000;

const bound = new Map<string, Native>();

/** The function with this C prototype, from the C library Node itself is linked to. */
function native(prototype: string): Native {
  const known = bound.get(prototype);
  if (known) return known;
  const made = koffi().load(null).func(prototype) as unknown as Native;
  bound.set(prototype, made);
  return made;
}

/** A failed call: `errno` is its name, such as 'EWOULDBLOCK', or the number when it has none here. */
export class LibcError extends Error {
  override readonly name = 'LibcError';
  readonly errno: string;

  constructor(call: string, errno: string) {
    super(`${call} failed: ${errno}`);
    this.errno = errno;
  }
}

function fail(call: string): LibcError {
  const number = koffi().errno();
  const name = Object.entries(koffi().os.errno).find(([, value]) => value === number)?.[0];
  return new LibcError(call, name ?? String(number));
}

/**
 * getsockopt(2) into a buffer of `bytes`.
 * @returns the bytes the kernel filled in
 * @throws LibcError
 */
export function getsockopt(fd: number, level: number, option: number, bytes: number): Buffer {
  const value = Buffer.alloc(bytes);
  const length = [bytes];
  const call = native('int getsockopt(int fd, int level, int option, void *value, _Inout_ uint *length)');
  if (call(fd, level, option, value, length) !== 0) throw fail('getsockopt');
  return value.subarray(0, length[0]);
}

/** How many descriptors this process may have open (RLIMIT_NOFILE). @throws LibcError */
export function openFilesMax(): number {
  const RLIMIT_NOFILE = process.platform === 'darwin' ? 8 : 7;
  const limit = Buffer.alloc(16);
  if (native('int getrlimit(int resource, void *limit)')(RLIMIT_NOFILE, limit) !== 0) throw fail('getrlimit');
  // Unlimited is a number larger than any descriptor.
  return Number(limit.readBigUInt64LE(0));
}

/**
 * flock(2) LOCK_EX | LOCK_NB.
 * @returns false when another process holds it
 * @throws LibcError for anything else
 */
export function flockExclusive(fd: number): boolean {
  const LOCK_EX = 2;
  const LOCK_NB = 4;
  if (native('int flock(int fd, int operation)')(fd, LOCK_EX | LOCK_NB) === 0) return true;
  if (koffi().errno() === koffi().os.errno.EAGAIN || koffi().errno() === koffi().os.errno.EWOULDBLOCK)
    return false;
  throw fail('flock');
}

/** Orphaned descendants of this process become its children (Linux only). @throws LibcError */
export function becomeSubreaper(): void {
  const PR_SET_CHILD_SUBREAPER = 36;
  const prctl = native(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) throw fail('prctl');
}

/** The calling thread, and what it starts, receives this signal again. @throws LibcError */
export function unblockSignal(signal: number): void {
  const SIG_UNBLOCK = process.platform === 'linux' ? 1 : 2;
  // As large as the largest sigset_t.
  const set = Buffer.alloc(128);
  native('int sigemptyset(void *set)')(set);
  native('int sigaddset(void *set, int signal)')(set, signal);
  const call = native('int pthread_sigmask(int how, const void *set, void *old)');
  if (call(SIG_UNBLOCK, set, null) !== 0) throw fail('pthread_sigmask');
}

/**
 * waitpid(2) with WNOHANG for exactly this child. Never call it for a child that Node or node-pty started:
 * the first to reap gets the exit status, and the other reports nonsense.
 * @returns the raw wait status, or null when it has not exited or is not our child
 */
export function reap(pid: number): number | null {
  const WNOHANG = 1;
  const status = [0];
  const got = native('int waitpid(int pid, _Out_ int *status, int options)')(pid, status, WNOHANG);
  return got === pid ? status[0]! : null;
}

/** A kernel pipe; neither end is inherited by children. @throws LibcError */
export function pipe(): { read: number; write: number } {
  const ends = Buffer.alloc(8);
  if (native('int pipe(void *ends)')(ends) !== 0) throw fail('pipe');
  const read = ends.readInt32LE(0);
  const write = ends.readInt32LE(4);
  closeOnExec(read);
  closeOnExec(write);
  return { read, write };
}

/** Two stream sockets that are connected to each other; neither is inherited by children. @throws LibcError */
export function socketPair(): { ours: number; theirs: number } {
  const AF_UNIX = 1;
  const SOCK_STREAM = 1;
  const ends = Buffer.alloc(8);
  const call = native('int socketpair(int family, int type, int protocol, void *ends)');
  if (call(AF_UNIX, SOCK_STREAM, 0, ends) !== 0) throw fail('socketpair');
  const ours = ends.readInt32LE(0);
  const theirs = ends.readInt32LE(4);
  closeOnExec(ours);
  closeOnExec(theirs);
  return { ours, theirs };
}

/** A second descriptor of the same open file, not inherited by children. @throws LibcError */
export function duplicate(fd: number): number {
  const copy = native('int dup(int fd)')(fd);
  if (copy < 0) throw fail('dup');
  closeOnExec(copy);
  return copy;
}

/**
 * dup3(2): the number `target` means the same open file as `fd` from now on; what it meant before is closed.
 * @param inherited children started later get it under this number
 * @throws LibcError
 */
export function duplicateTo(fd: number, target: number, inherited: boolean): void {
  const flags = inherited ? 0 : O_CLOEXEC;
  if (native('int dup3(int fd, int target, int flags)')(fd, target, flags) < 0) throw fail('dup3');
}

/**
 * Opens a path below a directory for its place only (O_PATH: nothing is read, no FIFO waits, no permission on the
 * entry itself is needed), and follows no link on the way or at the end (Linux 5.6).
 * @param path relative, without `..`
 * @returns a descriptor that the caller closes; children do not inherit it
 * @throws LibcError 'ELOOP' for a link, 'EXDEV' for a way out, 'ENOSYS' or 'EPERM' where the call is missing
 */
export function openPlaceBeneath(directory: number, path: string): number {
  const SYS_OPENAT2 = 437;
  const O_PATH = 0o10000000;
  const RESOLVE_NO_MAGICLINKS = 0x02;
  const RESOLVE_NO_SYMLINKS = 0x04;
  const RESOLVE_BENEATH = 0x08;
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS), 16);
  const call = native('long syscall(long number, int fd, const char *path, void *how, size_t size)');
  const fd = call(SYS_OPENAT2, directory, path, how, how.length);
  if (fd < 0) throw fail('openat2');
  return fd;
}

/**
 * A file without a name that holds these bytes, read from its start, and that can no longer be changed.
 * @returns a descriptor that the caller closes; children do not inherit it
 * @throws LibcError
 */
export function sealedFile(name: string, content: Buffer): number {
  const MFD_CLOEXEC = 1;
  const MFD_ALLOW_SEALING = 2;
  const F_ADD_SEALS = 1033;
  const EVERY_SEAL = 0xf;
  const create = native('int memfd_create(const char *name, unsigned int flags)');
  const fd = create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) throw fail('memfd_create');
  try {
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at, content.length - at, at);
    const seal = native('int fcntl(int fd, int command, ...)');
    if (seal(fd, F_ADD_SEALS, 'int', EVERY_SEAL) !== 0) throw fail('fcntl F_ADD_SEALS');
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** Children started later do not inherit this descriptor. @throws LibcError */
export function closeOnExec(fd: number): void {
  const F_SETFD = 2;
  const FD_CLOEXEC = 1;
  if (native('int fcntl(int fd, int command, ...)')(fd, F_SETFD, 'int', FD_CLOEXEC) !== 0) {
    throw fail('fcntl');
  }
}

/**
 * The user namespace that owns a namespace (ioctl NS_GET_USERNS, Linux 4.9): entering the namespace needs rights
 * in that one, which need not be the user namespace of the processes inside.
 * @param namespace a descriptor of /proc/PID/ns/*
 * @returns a descriptor that the caller closes
 * @throws LibcError 'EPERM' when the owner lies outside this process's own user namespace
 */
export function ownerOfNamespace(namespace: number): number {
  const NS_GET_USERNS = 0xb701;
  const owner = native('int ioctl(int fd, unsigned long request, ...)')(namespace, NS_GET_USERNS, 'int', 0);
  if (owner < 0) throw fail('ioctl NS_GET_USERNS');
  closeOnExec(owner);
  return owner;
}

/** Syscall numbers that are the same on every architecture. */
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

/**
 * A handle on the process that has this pid now; signals through it can never reach a later process with the
 * same pid. The caller closes it.
 * @returns null when there is no such process
 * @throws LibcError 'ENOSYS' before Linux 5.3
 */
export function openProcess(pid: number): number | null {
  const call = native('long syscall(long number, int pid, unsigned int flags)');
  const fd = call(SYS_PIDFD_OPEN, pid, 0);
  if (fd >= 0) {
    // It already is close-on-exec.
    return fd;
  }
  if (koffi().errno() === koffi().os.errno.ESRCH) return null;
  throw fail('pidfd_open');
}

/** @returns false when the process has exited. @throws LibcError 'EPERM' when it is not ours to signal */
export function signalHandle(handle: number, signal: number): boolean {
  const call = native('long syscall(long number, int fd, int signal, void *info, unsigned int flags)');
  if (call(SYS_PIDFD_SEND_SIGNAL, handle, signal, null, 0) === 0) return true;
  if (koffi().errno() === koffi().os.errno.ESRCH) return false;
  throw fail('pidfd_send_signal');
}

/** Brings up the loopback interface of the network namespace of this process. @throws LibcError */
export function loopbackUp(): void {
  const [AF_INET, SOCK_DGRAM_CLOEXEC, SIOCSIFFLAGS] = [2, 2 | O_CLOEXEC, 0x8914];
  const [IFF_UP, IFF_RUNNING] = [0x1, 0x40];
  // struct ifreq: the name, then the flags.
  const request = Buffer.alloc(40);
  request.write('lo');
  request.writeInt16LE(IFF_UP | IFF_RUNNING, 16);
  const fd = native('int socket(int domain, int type, int protocol)')(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw fail('socket');
  try {
    const call = native('int ioctl(int fd, unsigned long request, ...)');
    if (call(fd, SIOCSIFFLAGS, 'void *', request) !== 0) throw fail('ioctl SIOCSIFFLAGS');
  } finally {
    closeSync(fd);
  }
}
